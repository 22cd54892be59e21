"""``planfill rollout`` as its user types it, on a mock exchange whose account is live."""

from __future__ import annotations

import json
from typing import Any

import pytest
from program import Program

from planfill.adapters.brokers import mock
from planfill.adapters.brokers.mock import MockBroker, MockSettings, Script
from planfill.application.ports.brokerage import BrokerPlugin
from planfill.bootstrap.live_account import live

ACCOUNT = "mock:live:DRILL-1"


@pytest.fixture
def planfill(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """Give the program, at the mock broker as it comes: its account is not live."""
    program = Program(tmp_path, monkeypatch, capsys)
    program.settings(mock__cash=50000, mock__holdings=json.dumps({"SPY": "10"}), rollout__allow_live="true")
    return program


def go_live(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(settings: MockSettings, clock: Any) -> Any:
        return live(MockBroker(settings, clock, Script()).brokerage())

    monkeypatch.setattr(mock, "PLUGIN", BrokerPlugin(settings=MockSettings, build=build))


def execute(planfill: Program, plan_id: str, symbol: str = "SPY", usd: str = "15") -> Any:
    plan = {
        "plan_id": plan_id,
        "correlation_id": plan_id,
        "timestamp": "2021-03-31T20:55:00Z",
        "items": [{"action": "BUY", "symbol": symbol, "trade_amount": usd}],
    }
    planfill.settings(execution__max_plan_age_s=0)
    return planfill("execute", planfill.write(f"{plan_id}.json", plan), "--json")


def test_the_way_from_paper_to_the_ramp(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    planfill.settings(rollout__clean_executions=1, rollout__clean_days=1, rollout__ramp_executions=1)
    assert execute(planfill, "on-paper").code == 0
    seen = planfill("rollout", "status")
    assert seen.code == 0
    assert seen.out.splitlines()[:3] == [
        "account mock:mock:MOCK-1: stage paper",
        "not live: no stage is enforced here; what it shows counts for the broker's live accounts",
        "next: canary",
    ]
    go_live(monkeypatch)
    refused = execute(planfill, "too-soon")
    assert refused.code == 3
    assert "planfill rollout promote" in refused.document["detail"]
    promoted = planfill("rollout", "promote")
    assert promoted.code == 0
    assert promoted.out.splitlines() == [
        f"promoted account {ACCOUNT} to stage canary",
        "may trade: stage canary: SPY, QQQ, $20.00 an order, 10 orders a day",
    ]
    assert execute(planfill, "canary").code == 0
    document = planfill("rollout", "status", "--json").document
    assert (document["stage"], document["following"]) == ("canary", "live, step 1 of the ramp")
    assert document["conditions"][0] == {
        "name": "clean executions",
        "asked": "at least 1",
        "found": "1",
        "holds": True,
        "evidence": ["canary"],
    }
    assert planfill("rollout", "promote", "--json").document["report"]["stage"] == "live"
    (line,) = execute(planfill, "ramp", "GLD", "1000").document["lines"]
    assert (line["outcome"], line["residuals"]["rollout"]) == ("FILLED", "950.00")
    status = planfill("rollout", "status").out
    assert (
        f"account {ACCOUNT}: stage live, step 2 of the ramp\nmay trade: stage live: 25 % of each line"
        in status
    )
    log = (planfill.folder / "planfill.log").read_text(encoding="utf-8")
    assert "the account is at stage live, step 2 of the ramp now: 1 clean executions at stage live" in log
    assert "$50.00 for 1 buys" in log
    assert ": cut, " not in log  # what the stage holds back is not money that was lacking


def test_what_is_not_earned_is_refused_and_named(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    go_live(monkeypatch)
    status = planfill("rollout", "status").out.splitlines()
    assert status[:3] == [
        f"account {ACCOUNT}: stage paper",
        "may trade: nothing, until it is promoted",
        "next: canary",
    ]
    assert "  FAILS  clean executions: 0, asked is at least 10" in status
    assert "  holds  unresolved orders: 0, asked is none" in status
    refused = planfill("rollout", "promote")
    assert refused.code == 1
    assert refused.out.startswith("NOT PROMOTED  not earned yet: clean executions: 0, asked is at least 10; ")
    assert '--override --reason "..."' in refused.out
    forced = planfill("rollout", "promote", "--override", "--reason", "the desk\nwants it")
    assert forced.code == 0
    assert "overriding conditions that fail" in forced.out.splitlines()[0]


@pytest.mark.parametrize("options", [("--override",), ("--reason", "why"), ("--override", "--reason", " ")])
def test_an_override_needs_a_reason_and_a_reason_an_override(
    planfill: Program, options: tuple[str, ...]
) -> None:
    ended = planfill("rollout", "promote", *options)
    assert ended.code == 2
    assert "--override and --reason TEXT go together" in ended.err


def test_on_paper_there_is_nothing_to_promote(planfill: Program) -> None:
    ended = planfill("rollout", "promote")
    assert ended.code == 1
    assert ended.out == (
        "NOT PROMOTED  account mock:mock:MOCK-1: it is not live: every plan is executed whole there, "
        "and there is nothing to promote\n"
    )


def test_the_last_step_and_much_evidence(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        assert execute(planfill, f"plan-{number}").code == 0
    named = ", ".join(f"plan-{number}" for number in range(2, 10))
    assert (
        f"clean executions: 10, asked is at least 10: {named} and 2 more" in planfill("rollout", "status").out
    )
    go_live(monkeypatch)
    planfill.settings(rollout__ramp="[100]")
    for _ in range(2):
        assert planfill("rollout", "promote", "--override", "--reason", "why").code == 0
    assert planfill("rollout", "status").out.splitlines()[-1] == "the last step: nothing comes after it"


def test_the_doctor_sends_nothing_either(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    go_live(monkeypatch)
    found = {one["check"]: one for one in planfill("doctor", "--order", "--json").document["findings"]}
    assert found["order"]["status"] == "NOT_CHECKED"
    assert "it has not been promoted" in found["order"]["found"]
    planfill("rollout", "promote", "--override", "--reason", "why")
    found = {one["check"]: one for one in planfill("doctor", "--order", "--json").document["findings"]}
    assert found["order"]["status"] == "IN_ORDER"
