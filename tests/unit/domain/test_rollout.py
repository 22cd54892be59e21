"""Stages: what they cut, what counts for the next one, and what throws an account back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from figures import figures
from pydantic import ValidationError

from planfill.domain.events import (
    Event,
    ExecutionCompleted,
    Reconciled,
    Recorded,
    StageChanged,
    StopRequested,
)
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action, PlanItem
from planfill.domain.policy import RolloutPolicy
from planfill.domain.reconciliation import Difference, Discrepancy
from planfill.domain.rollout import Rung, rung_after
from planfill.domain.stages import Stage, Terms
from planfill.domain.trials import Condition, Trial, breach, conditions, trial
from planfill.domain.values import Money, Price, Quantity
from planfill.testing.builders import numbered
from planfill.testing.clock import START
from planfill.testing.events import a_result, a_start

POLICY = RolloutPolicy(clean_executions=1, clean_days=1, ramp_executions=1)
RAMP = Rung(Stage.LIVE)


def a_trial(**changed: Any) -> Trial:
    """Give a clean execution, but for what is changed."""
    clean: dict[str, Any] = {
        "plan_id": "plan-1",
        "began": START,
        "placed": 2,
        "filled": 2,
        "unresolved": 0,
        "stopped": "",
        "filled_usd": Decimal(1000),
        "shortfall_usd": Decimal(1),
        "differences": 0,
    }
    return Trial(**clean | changed)


def failing(*trials: Trial, rung: Rung = RAMP, policy: RolloutPolicy = POLICY) -> list[str]:
    return [str(one) for one in conditions(rung, trials, policy) if not one.holds]


def named(*trials: Trial, name: str) -> Condition:
    return next(one for one in conditions(RAMP, trials, POLICY) if one.name == name)


def test_a_clean_execution_fails_nothing() -> None:
    assert failing(a_trial()) == []
    assert breach([a_trial()], POLICY, 1) == ""


@pytest.mark.parametrize(
    ("changed", "condition", "fault"),
    [
        (
            {"unresolved": 1, "filled": 1},
            "unresolved orders: 1, asked is none",
            "plan 'plan-1': 1 unresolved orders",
        ),
        (
            {"differences": 2},
            "differences at the reconciliation: 2, asked is none",
            "plan 'plan-1': 2 differences at the reconciliation",
        ),
        (
            {"stopped": "BREAKER: 3 of 4 failed"},
            "stops by a breaker: 1, asked is none",
            "plan 'plan-1': stopped: BREAKER: 3 of 4 failed",
        ),
    ],
)
def test_a_fault_fails_its_condition_and_is_a_breach(
    changed: dict[str, Any], condition: str, fault: str
) -> None:
    assert condition in failing(a_trial(), a_trial(**changed))
    assert fault in breach([a_trial(), a_trial(**changed)], POLICY, 100)
    name = condition.partition(":")[0]
    assert named(a_trial(plan_id="good"), a_trial(**changed), name=name).evidence == ("plan-1",)


def test_the_success_rate_has_to_be_over_its_bound() -> None:
    at_bound, over = a_trial(placed=100, filled=95), a_trial(placed=100, filled=96)
    said = "success rate: 95.00 % (95 of 100), asked is over 95 %"
    assert said in failing(at_bound)
    assert breach([at_bound], POLICY, 100) == said
    assert breach([over], POLICY, 100) == ""
    assert breach([at_bound], POLICY, 101) == ""


@pytest.mark.parametrize("changed", [{"placed": 0, "filled": 0}, {"differences": None}, {"filled": 1}])
def test_these_are_not_clean(changed: dict[str, Any]) -> None:
    assert not a_trial(**changed).is_clean


def test_the_shortfall_is_a_share_of_what_was_traded() -> None:
    assert failing(a_trial(shortfall_usd=Decimal(5))) == []
    assert failing(a_trial(shortfall_usd=Decimal("5.01"))) == [
        "shortfall: 50.10 bps, asked is at most 50 bps of what was traded"
    ]
    nothing = a_trial(filled_usd=Decimal(0), shortfall_usd=Decimal(0))
    assert failing(nothing) == [
        "shortfall: unknown, nothing was traded, asked is at most 50 bps of what was traded"
    ]


def test_shadow_days_are_asked_for_where_the_settings_do_but_not_at_the_ramp() -> None:
    policy = RolloutPolicy(clean_executions=1, clean_days=1, ramp_executions=1, clean_shadow_days=3)
    canary = Rung(Stage.CANARY)
    assert failing(a_trial(), rung=canary, policy=policy) == ["clean shadow days: 0, asked is at least 3"]
    judged = conditions(canary, [a_trial()], policy, shadow_days=3)
    assert all(one.holds for one in judged)
    assert failing(a_trial(), policy=policy) == []


def test_days_are_counted_once() -> None:
    policy = RolloutPolicy(clean_executions=1, clean_days=2)
    assert failing(a_trial(), a_trial(plan_id="plan-2"), rung=Rung(), policy=policy) == [
        "days of clean executions: 1, asked is at least 2"
    ]


def test_the_ladder_goes_up_and_down_one_rung_at_a_time() -> None:
    rungs, rung = [Rung()], Rung().above(POLICY)
    while rung is not None:
        rungs.append(rung)
        rung = rung.above(POLICY)
    assert [str(one) for one in rungs] == [
        "paper",
        "canary",
        "live, step 1 of the ramp",
        "live, step 2 of the ramp",
        "live, step 3 of the ramp",
    ]
    assert [one.below() for one in rungs] == [Rung(), *rungs[:-1]]


def test_the_stage_is_folded_from_its_changes_alone() -> None:
    rung = Rung()
    changed = StageChanged(stage=Stage.LIVE, step=1, reason="earned")
    for recorded in numbered(Reconciled(differences=()), changed, Reconciled(differences=())):
        rung = rung_after(rung, recorded)
    assert (rung.stage, rung.step, rung.change) == (Stage.LIVE, 1, 2)


def test_an_execution_that_runs_or_was_refused_shows_nothing() -> None:
    assert trial(()) is None
    assert trial(told(a_start())) is None


def test_an_execution_is_read_from_its_events() -> None:
    done = ExecutionCompleted(result=a_result())
    foreign = Difference(kind=Discrepancy.FOREIGN_ORDER, ours="", theirs="an order")
    cash = Difference(kind=Discrepancy.CASH, ours="$1.00", theirs="$2.00")
    breaker = StopRequested(reason=Reason.BREAKER, detail="sick")
    found = trial(told(a_start(), breaker, done, Reconciled(differences=(foreign, cash))))
    assert found is not None
    assert (found.differences, found.stopped, found.change) == (1, "BREAKER: sick", None)
    other = StopRequested(reason=Reason.INTERRUPTED, detail="Ctrl-C")
    found = trial(told(a_start(), other, Reconciled(differences=(cash,)), done))
    assert found is not None
    assert (found.differences, found.stopped) == (None, "")


def told(*events: Event) -> tuple[Recorded, ...]:
    return tuple(numbered(*events))


def an_item(**fields: Any) -> PlanItem:
    return PlanItem(symbol="SPY", action=Action.SELL, **fields)


def test_a_cut_line_is_no_full_exit_and_its_shares_are_cut_alike() -> None:
    item = an_item(
        trade_amount=Money(Decimal(-300)), quantity=Quantity(Decimal(3)), target_value=Money(Decimal(0))
    )
    cut = Terms(stage=Stage.LIVE, percent=Decimal(5)).cut(item)
    assert figures(cut.planned_usd, cut.quantity, cut.is_full_exit) == (15, Decimal("0.15"), False)
    assert Terms(stage=Stage.LIVE).cut(item) is item


def test_shares_that_cannot_be_told_any_more_leave_the_dollars() -> None:
    item = an_item(quantity=Quantity(Decimal("0.000000001")), reference_price=Price(Decimal(10**12)))
    cut = Terms(stage=Stage.LIVE, percent=Decimal(5)).cut(item)
    assert figures(cut.planned_usd, cut.quantity) == (50, None)


def test_a_hold_stays_what_it_is() -> None:
    item = PlanItem(symbol="SPY", action=Action.HOLD)
    assert Terms(stage=Stage.LIVE, percent=Decimal(5)).cut(item) is item


@pytest.mark.parametrize("ramp", [(5, 5, 100), (25, 5), (), (0,), (101,)])
def test_a_ramp_rises(ramp: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError):
        RolloutPolicy.model_validate({"ramp": ramp})
