"""``planfill metrics`` as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import Program
from stage import a_plan, buy, hold

PLAN = a_plan(buy("SPY", "10000"), hold("IWM"), buy("NONE", "500"))


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", PLAN)
    return program


def test_the_figures_stand_beside_their_targets(planfill: Program) -> None:
    result = planfill("execute", "plan.json", "--json").document
    ended = planfill("metrics")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["metric", "target", "figure", "met"]
    assert lines[1].split() == [
        "order",
        "success",
        "rate",
        ">",
        "95",
        "%",
        "100.0",
        "%",
        "(1",
        "of",
        "1)",
        "yes",
    ]
    assert any(line.startswith("executions logged") and "100.0 % (1 of 1)" in line for line in lines)
    assert any(line.split() == ["1", "BLOCKED", "NOT_TRADABLE"] for line in lines)
    assert f"executions: 1 (1 {result['status']}), with " in ended.out
    document = planfill("metrics", "--json").document
    assert list(document) == ["figures", "targets"]
    assert document["figures"]["filled_usd"] == result["filled_usd"]
    assert document["figures"]["orders_placed"] == result["orders_placed"] == 1
    assert len(document["targets"]) == 8


def test_a_period_is_whole_days(planfill: Program) -> None:
    day = planfill("execute", "plan.json", "--json").document["started_at"][:10]

    def executions(*period: str) -> int:
        return int(planfill("metrics", "--json", *period).document["figures"]["executions"])

    assert executions("--since", day, "--until", day) == 1
    assert executions("--since", day, "--until", "9999-12-31") == 1
    assert executions("--until", "2020-12-31") == executions("--since", "9999-12-31") == 0


def test_without_a_log_file_nothing_is_logged_and_that_is_said(planfill: Program) -> None:
    planfill.settings(log__file="")
    planfill("execute", "plan.json")
    (logged,) = [
        line for line in planfill("metrics").out.splitlines() if line.startswith("executions logged")
    ]
    assert logged.split()[3:] == ["%", "0.0", "%", "(0", "of", "1)", "NO"]


def test_without_a_ledger_nothing_is_measured_and_none_is_made(planfill: Program) -> None:
    ended = planfill("metrics")
    assert ended.code == 0
    assert "nothing to measure" in ended.out
    assert "executions: 0, with 0 events" in ended.out
    assert not (planfill.folder / "planfill.db").exists()


def test_a_day_that_is_none_is_one_message(planfill: Program) -> None:
    ended = planfill("metrics", "--since", "yesterday")
    assert (ended.code, ended.out) == (2, "")
    assert "'yesterday' does not match the formats '%Y-%m-%d'" in ended.err
