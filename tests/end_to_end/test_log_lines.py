"""The log file beside the ledger: the same events, each in the form that the docs promise."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from program import Program
from stage import a_plan, buy, hold, sell

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "log.schema.json"


def test_each_event_of_the_ledger_is_a_line_of_the_log_and_the_other_way_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planfill = Program(tmp_path, monkeypatch, capsys)
    lines = (buy("SPY", "10000"), sell("QQQ", "2000", current_value="3000"), hold("IWM"), buy("NONE", "500"))
    planfill.write("plan.json", a_plan(*lines, total_portfolio_value="50000"))
    planfill("execute", "plan.json")
    logged = [json.loads(line) for line in (tmp_path / "planfill.log").read_text("utf-8").splitlines()]
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    assert [error.message for line in logged for error in validator.iter_errors(line)] == []
    *stored, _ = map(json.loads, planfill("audit", "export", "plan-1").out.splitlines())
    assert len(stored) > len(lines)
    assert [(one["stream"], one["number"], one["hash"]) for one in logged] == [
        (one["stream"], one["number"], one["hash"]) for one in stored
    ]
    assert [one["data"] for one in logged] == [json.loads(one["payload"]) for one in stored]
