import json
from decimal import Decimal
from typing import get_args

import pytest
from pydantic import ValidationError

from planfill.domain import events as ev
from planfill.domain.calls import CallCount
from planfill.domain.events import Event, Severity, decode, encode
from planfill.domain.linting import BrokenRule
from planfill.domain.outcome import Reason
from planfill.domain.reconciliation import Difference, Discrepancy
from planfill.domain.shadow import ShadowDifference, ShadowField
from planfill.domain.stages import Stage
from planfill.domain.summary import summarize
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import (
    a_plan,
    a_report,
    a_state,
    an_item,
    an_order,
    an_order_recorded,
    started,
)
from planfill.testing.clock import START

NAME = ClientOrderId("pf-SPY-1")
USD = Money(Decimal("1000.10"))
PLAN = a_plan(
    an_item("SPY", "BUY", "600.10", quantity="1.5", note="kept"),
    an_item("QQQ", "SELL", -400, target_weight=0),
    metadata={"a": [1, None, "x", True]},
    odd="kept",
)
RESULT = summarize(
    a_state(
        an_order_recorded(),
        ev.OrderReported(report=a_report(filled="7.2273576", fees_usd=Decimal("0.01"))),
        ev.LineClosed(symbol="QQQ", reason=Reason.NO_PRICE),
        plan=PLAN,
    ),
    START,
)
ONE_OF_EACH: list[Event] = [
    started(PLAN),
    ev.ExecutionResumed(holder="another"),
    ev.LineClosed(symbol="SPY", reason=Reason.NO_PRICE, detail="why"),
    ev.RulesBroken(
        broken=(BrokenRule(symbol="SPY", rule=Reason.TOO_SMALL, detail="why", remedy="what to do"),)
    ),
    ev.FundsAllotted(cash_usd=USD, budget_usd=USD, allotted={"SPY": USD}),
    an_order_recorded(an_order(limit_price="99.99")),
    ev.OrderRequoted(order=an_order(), deadline=START),
    ev.OrderReported(report=a_report(raw='{"id": "ü"}', fees_usd=Decimal("0.01"))),
    ev.OrderRefused(client_order_id=NAME, reason=Reason.REJECTED, detail="no", raw="{}"),
    ev.OrderNotSent(client_order_id=NAME, reason=Reason.HALTED, detail="halt"),
    ev.OrderDoubted(client_order_id=NAME, reason=Reason.OUTCOME_UNKNOWN, detail="?"),
    ev.OrderUnresolved(client_order_id=NAME, reason=Reason.UNPRICED, detail="?"),
    ev.OrderResolved(client_order_id=NAME, by="me", evidence="the broker's statement", report=a_report()),
    ev.CancelAsked(plan_id="plan-1", by="me", detail="why"),
    ev.AccountChosen(plan_id="plan-1", account="growth"),
    ev.Halted(by="me", reason="why", reduce_only=True),
    ev.Unhalted(by="me", reason="why"),
    ev.StageChanged(stage=Stage.LIVE, step=1, by="me", reason="why", overridden=True, evidence=("0 of 5",)),
    ev.Reconciled(
        differences=(
            Difference(kind=Discrepancy.CASH, ours="$1.00", theirs="$2.00"),
            Difference(kind=Discrepancy.POSITION, symbol="SPY", client_order_id=NAME, ours="1", theirs="2"),
        )
    ),
    ev.ShadowCompared(
        plan_id="plan-1",
        against="old",
        executed_at=START,
        clean=False,
        differences=(ShadowDifference(symbol="SPY", field=ShadowField.PRICE, ours="$1", theirs="$2"),),
        compared_fields=(ShadowField.PRICE,),
        lines=1,
        trouble="none",
    ),
    ev.CallsCounted(
        calls=(CallCount(call="place_order", status="ok", calls=2),),
        resent=1,
        waits=2,
        waited_s=0.5,
        commits=3,
    ),
    ev.CancelRequested(client_order_id=NAME, reason=Reason.DEADLINE),
    ev.StopRequested(reason=Reason.BREAKER, detail="sick"),
    ev.ExecutionRefused(result=RESULT),
    ev.ExecutionSuspended(result=RESULT),
    ev.ExecutionCompleted(result=RESULT),
    ev.Alerted(severity=Severity.CRITICAL, reason=Reason.LATE_FILL, detail="more", symbol="SPY"),
]


def kind(event: Event) -> str:
    return event.kind


def test_there_is_one_of_each_kind_here() -> None:
    assert {type(event) for event in ONE_OF_EACH} == set(get_args(Event))


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=kind)
def test_an_event_survives_being_stored(event: Event) -> None:
    again = decode(encode(event))
    assert again == event
    assert type(again) is type(event)
    assert encode(again) == encode(event)


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=kind)
def test_a_stored_event_with_a_field_too_many_is_refused(event: Event) -> None:
    with pytest.raises(ValidationError):
        decode(json.dumps(json.loads(encode(event)) | {"no_such_field": 1}))


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=kind)
def test_a_stored_event_with_a_field_of_another_type_is_refused(event: Event) -> None:
    stored = json.loads(encode(event))
    for field in stored:
        with pytest.raises(ValidationError):
            decode(json.dumps(stored | {field: [5.5]}))


@pytest.mark.parametrize(
    "payload",
    ["", "{}", "null", '{"kind": "no_such_event"}', '{"kind": "line_closed"}', "not JSON"],
    ids=repr,
)
def test_what_is_no_event_is_refused(payload: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        decode(payload)


def test_amounts_are_stored_as_exact_texts() -> None:
    assert json.loads(encode(ONE_OF_EACH[4]))["cash_usd"] == "1000.10"


def test_the_digest_of_a_stored_plan_is_the_digest_that_was_stored() -> None:
    again = decode(encode(started(PLAN)))
    assert isinstance(again, ev.ExecutionStarted)
    assert again.plan.digest == again.digest == PLAN.digest


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=kind)
def test_only_these_events_begin_or_finish_an_execution(event: Event) -> None:
    finishes = {
        ev.ExecutionStarted: False,
        ev.ExecutionResumed: False,
        ev.ExecutionRefused: True,
        ev.ExecutionSuspended: False,
        ev.ExecutionCompleted: True,
    }
    assert event.finishes is finishes.get(type(event))


def test_what_was_stored_before_open_orders_and_the_later_settings_were_is_still_read() -> None:
    stored = json.loads(encode(started(PLAN)))
    del stored["open_orders"]
    for name in ("max_source_deviation_bps", "max_quote_size_pct"):
        del stored["policy"]["execution"][name]
    del stored["policy"]["limits"]["max_order_shares"]
    assert decode(json.dumps(stored)) == started(PLAN)
