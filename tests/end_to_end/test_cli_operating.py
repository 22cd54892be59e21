"""What an operator does: cancel a plan, resolve an order."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import Program
from stage import a_plan, buy

IN_DOUBT = "pf-aaaaaaaaaaaaaaaaaaaa-0-1"


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", a_plan(buy("SPY", "1000")))
    return program


def test_a_plan_that_has_ended_cannot_be_canceled_any_more(planfill: Program) -> None:
    assert planfill("execute", "plan.json").code == 0
    ended = planfill("cancel", "plan-1", "--reason", "too late", "--json")
    assert ended.code == 0
    assert ended.document["status"] == "SUCCEEDED"


def test_an_order_whose_end_is_known_is_not_resolved(planfill: Program) -> None:
    planfill.settings(mock__fill_delay_s="3600", execution__order_deadline_s="0.1")
    unfilled = planfill("execute", "plan.json", "--json")
    assert (unfilled.code, unfilled.document["lines"][0]["outcome"]) == (1, "UNFILLED")
    order = unfilled.document["lines"][0]["client_order_id"]
    ended = planfill("resolve", order, "--never-placed", "--reason", "the statement")
    assert ended.code == 2
    assert "planfill list --unfinished" in ended.err


@pytest.mark.parametrize(
    "command", [("cancel", "plan-9"), ("resolve", IN_DOUBT, "--never-placed", "--reason", "the statement")]
)
def test_what_the_ledger_does_not_know_is_one_clear_message(
    command: tuple[str, ...], planfill: Program
) -> None:
    ended = planfill(*command)
    assert ended.code == 2
    assert "planfill list" in ended.err
    assert not (planfill.folder / "planfill.db").exists()


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ((), "say one of"),
        (("--canceled", "--never-placed"), "say one of"),
        (("--filled", "2.5"), "not a quantity and a price"),
        (("--filled", "0@400"), "not a quantity and a price"),
        (("--filled", "2@NaN"), "not a quantity and a price"),
    ],
)
def test_evidence_that_says_nothing_is_refused(
    evidence: tuple[str, ...], message: str, planfill: Program
) -> None:
    ended = planfill("resolve", IN_DOUBT, *evidence, "--reason", "the statement")
    assert ended.code == 2
    assert message in ended.err


def test_evidence_needs_a_reason(planfill: Program) -> None:
    ended = planfill("resolve", IN_DOUBT, "--filled", "2.5@401.25")
    assert ended.code == 2
    assert "--reason" in ended.err
