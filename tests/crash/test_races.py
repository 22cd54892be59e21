"""Several processes execute at once: one execution each, whoever wins."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from crashing import Drive, Note
from outcomes import Book
from program import Program

ROUNDS = pytest.mark.parametrize("rounds", [6, pytest.param(20, marks=pytest.mark.soak)])


@ROUNDS
def test_scenario_11_six_processes_execute_one_plan_at_once_and_it_is_executed_once(
    rounds: int, drive: Drive, record_property: Note
) -> None:
    found = drive("racing.py", {"plans": 1, "rounds": rounds})
    assert sum(found["ended"].values()) == 6 * rounds
    record_property("figures", ("races for one plan, six processes", rounds, found["seconds"]))


@ROUNDS
def test_scenario_11_six_processes_execute_two_plans_of_one_account_and_each_is_executed_once(
    rounds: int, drive: Drive, record_property: Note
) -> None:
    found = drive("racing.py", {"plans": 2, "rounds": rounds})
    assert sum(found["ended"].values()) == 6 * rounds
    record_property("figures", ("races of two plans, six processes", rounds, found["seconds"]))


@pytest.mark.soak
@pytest.mark.parametrize("number", range(5))
def test_scenario_11_six_programs_are_started_at_once_and_the_plan_is_executed_once(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = Program(tmp_path, monkeypatch, capsys)
    program.settings(mock__unique_ids=False, mock__fill_delay_s=0.2, mock__cash=100000, mock__seed=number)
    item = {"symbol": "SPY", "action": "BUY", "trade_amount": "1000"}
    plan = program.write(
        "plan.json",
        {"plan_id": "p", "correlation_id": "c", "timestamp": "2021-03-31T15:00:00Z", "items": [item]},
    )
    racers = [program.spawn("execute", plan, "--json") for _ in range(6)]
    for racer in racers:
        racer.communicate(timeout=120)
    codes = Counter(racer.returncode for racer in racers)
    assert codes[0] >= 1
    assert codes[0] + codes[3] == 6, codes
    assert [order.status for order in Book.in_file(tmp_path / "planfill-mock.db").orders] == ["FILLED"]
