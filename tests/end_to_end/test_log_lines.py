"""The log file beside the ledger: the same events, each in the form that the docs promise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from program import Program
from stage import Stage, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock.faults import Fail, LoseAnswer, NeverFill, Refuse, RejectLate
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.bootstrap.logging import close_files, file_listeners
from planfill.bootstrap.settings import load_settings

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


FAULTS = st.builds(
    On,
    st.just("place_order"),
    st.sampled_from([Fail(), LoseAnswer(), NeverFill(), Refuse(), RejectLate()]),
    nth=st.integers(1, 3),
)
HELD = {"SPY": "10", "QQQ": "10", "IWM": "10", "GLD": "10"}
Line = Callable[[str, str], dict[str, Any]]
SYMBOLS = ("SPY", "QQQ", "IWM", "GLD")


async def executed(stage: Stage, plan: dict[str, Any], *, crashes: bool) -> None:
    if crashes:
        await stage.crash_after("execution_started", plan)
    await stage.execute(plan)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sides=st.lists(st.sampled_from([buy, sell]), min_size=1, max_size=len(SYMBOLS)),
    faults=st.lists(FAULTS, max_size=4),
    crashes=st.booleans(),
)
def test_random_executions_are_logged_event_by_event_and_nothing_else_is(
    sides: list[Line], faults: list[On], *, crashes: bool
) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "planfill.log")
        chosen = Path(folder, "planfill.toml")
        chosen.write_text(f'[log]\nfile = "{file}"\n[mock.prices]\nSPY = "400"\n', "utf-8")
        try:
            stage = Stage(*faults, settings={"holdings": HELD})
            stage.listeners = tuple(file_listeners(load_settings(chosen), MemoryLedger(stage.store).read))
            plan = a_plan(*(line(symbol, "1000") for line, symbol in zip(sides, SYMBOLS, strict=False)))
            asyncio.run(executed(stage, plan, crashes=crashes))
        finally:
            close_files()
        logged = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    told = {(one["stream"], one["number"]): (one["hash"], one["data"]) for one in logged}
    assert crashes or len(logged) == len(told)
    assert told == {
        (stream, row.number): (row.hash, json.loads(row.payload))
        for stream, kept in stage.store.streams.items()
        if stream.startswith("execution/")
        for row in kept.rows
    }
