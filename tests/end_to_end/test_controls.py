"""Every limit and breaker trips through ``planfill execute``, set as its user sets it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from program import Program

from planfill.adapters.brokers import mock
from planfill.adapters.brokers.mock import MockBroker, MockSettings, Script
from planfill.application.ports.brokerage import BrokerPlugin
from planfill.bootstrap.drills import CASES, PRICES, Case
from planfill.bootstrap.live_account import live
from planfill.domain.policy import LimitsPolicy, RolloutPolicy
from planfill.domain.stages import Stage


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.settings(mock__cash=50000, mock__holdings=json.dumps({"SPY": "10"}))
    program.settings(mock__prices=program.write("prices.json", {"last": PRICES}))
    return program


def as_variable(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)


def prepare(planfill: Program, monkeypatch: pytest.MonkeyPatch, case: Case, *, limited: bool) -> None:
    """Set what the case sets, without its limits where they are not wanted."""

    def build(settings: MockSettings, clock: Any) -> Any:
        family = MockBroker(settings, clock, Script(*case.faults)).brokerage()
        return live(family) if limited and case.live is not None else family

    monkeypatch.setattr(mock, "PLUGIN", BrokerPlugin(settings=MockSettings, build=build))
    planfill.settings(**{f"mock__{name}": as_variable(value) for name, value in case.mock.items()})
    for name, value in case.settings.items():
        if limited or not name.startswith(("limits.", "rollout.")):
            planfill.settings(**{name.replace(".", "__"): as_variable(value)})
    if limited and case.live is not None:
        for _ in range(list(Stage).index(case.live)):
            assert planfill("rollout", "promote", "--override", "--reason", "a drill").code == 0


def execute(planfill: Program, case: Case) -> Any:
    """Execute the case's plan, and before it the same under another name where the case wants that."""

    def run(plan_id: str) -> Any:
        plan = planfill.write(f"{plan_id}.json", case.plan(datetime.now(UTC).isoformat(), plan_id))
        return planfill("execute", plan, "--json")

    if case.again:
        assert run("before").code == 0
    return run("drill")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.control)
def test_a_control_trips(planfill: Program, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    prepare(planfill, monkeypatch, case, limited=True)
    ended = execute(planfill, case)
    assert case.reason in {line["reason"] for line in ended.document["lines"]}, ended.document
    assert ended.code in {1, 3, 4}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.control)
def test_without_the_control_nothing_ends_for_its_reason(
    planfill: Program, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    prepare(planfill, monkeypatch, case, limited=False)
    if case.control == "limits.breaker_halt_pct":
        planfill.settings(limits__breaker_halt_pct=100)  # the one control that is on by default
    document = execute(planfill, case).document
    assert case.reason not in {line["reason"] for line in document["lines"]}


def test_every_limit_has_a_case() -> None:
    others = {"max_market_usd", "on_breach", "breaker_min_sample", "breaker_warn_pct"}
    limits = (case.control for case in CASES if case.control.startswith("limits."))
    tripped = {control.removeprefix("limits.") for control in limits}
    assert set(LimitsPolicy.model_fields) == tripped | others


def test_every_bound_of_a_stage_has_a_case() -> None:
    conditions = {"clean_", "ramp_", "min_", "max_"}
    tripped = {case.control.removeprefix("rollout.") for case in CASES if case.live is not None}
    bounds = {name for name in RolloutPolicy.model_fields if not name.startswith(tuple(conditions))}
    assert tripped == bounds | {"promote"}


def test_the_report_says_of_each_control_that_it_held(planfill: Program) -> None:
    ended = planfill("limits", "check")
    assert ended.code == 0, ended.out
    lines = ended.out.splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [["stopped", case.control] for case in CASES]
    assert lines[-1].startswith(f"ALL {len(CASES)} CONTROLS HELD, {datetime.now(UTC):%Y-%m-%d} ")
    assert list(planfill.folder.glob("*.db")) == []


def test_the_report_says_of_a_control_that_it_did_not_hold(
    planfill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planfill.application.limiting.line_breaches", lambda *_: [])
    document = planfill("limits", "check", "--json").document
    failed = {drill["control"] for drill in document["drills"] if not drill["stopped"]}
    assert "limits.max_order_usd" not in failed  # the gate has it still
    monkeypatch.setattr("planfill.application.limiting.order_breaches", lambda *_: [])
    ended = planfill("limits", "check")
    assert ended.code == 1
    assert "DID NOT STOP  limits.max_order_usd" in ended.out
    assert "CONTROLS DID NOT HOLD" in ended.out
