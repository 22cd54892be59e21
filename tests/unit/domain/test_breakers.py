from decimal import Decimal
from typing import Any

import pytest

from planfill.domain.breakers import failing, tripped
from planfill.domain.events import (
    Event,
    ExecutionResumed,
    OrderDoubted,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
)
from planfill.domain.outcome import Reason
from planfill.domain.policy import LimitsPolicy
from planfill.domain.report import OrderStatus
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import a_plan, a_report, a_state, an_item, an_order, an_order_recorded

SYMBOLS = ("A", "B", "C", "D")
PLAN = a_plan(*(an_item(symbol) for symbol in SYMBOLS))
RECORDED = [an_order_recorded(an_order(symbol)) for symbol in SYMBOLS]


def name(symbol: str) -> ClientOrderId:
    return an_order(symbol).client_order_id


def refused(symbol: str) -> Event:
    return OrderRefused(client_order_id=name(symbol), reason=Reason.REJECTED, detail="no")


def unanswered(symbol: str) -> Event:
    return OrderNotSent(client_order_id=name(symbol), reason=Reason.BROKER_UNAVAILABLE)


def stale(symbol: str) -> Event:
    return OrderNotSent(client_order_id=name(symbol), reason=Reason.STALE_PRICE)


def doubted(symbol: str) -> Event:
    return OrderDoubted(client_order_id=name(symbol), reason=Reason.OUTCOME_UNKNOWN, detail="?")


def reported(symbol: str, status: OrderStatus = OrderStatus.FILLED, price: int = 100) -> Event:
    filled = 10 if status is OrderStatus.FILLED else 0
    return OrderReported(report=a_report(an_order(symbol), status, filled, price))


def unresolved(symbol: str) -> Event:
    return OrderUnresolved(client_order_id=name(symbol), reason=Reason.OUTCOME_UNKNOWN, detail="?")


def reason_of(events: list[Event], **figures: Any) -> str | None:
    limits = LimitsPolicy.model_validate({"breaker_min_sample": 100, **figures})
    found = tripped(a_state(*RECORDED, *events, plan=PLAN), limits)
    return None if found is None else f"{found.reason}: {found.detail}"


ALL_BAD = [refused("A"), doubted("B"), unresolved("B"), unanswered("C"), refused("D")]


def test_only_the_failure_rate_is_on_by_default() -> None:
    assert reason_of(ALL_BAD) is None
    assert reason_of(ALL_BAD, breaker_min_sample=3) == "BREAKER: 3 of 3 orders failed, more than 50 %"


@pytest.mark.parametrize(
    ("events", "trips"),
    [
        ([refused("A"), refused("B")], True),
        ([refused("A"), reported("B", OrderStatus.REJECTED)], True),
        ([refused("A"), stale("C"), refused("B")], True),
        ([refused("A"), reported("C"), refused("B")], False),
        ([refused("A")], False),
        ([refused("A"), ExecutionResumed(holder="another"), refused("B")], False),
    ],
)
def test_rejections_one_after_the_other_trip_theirs(events: list[Event], *, trips: bool) -> None:
    expected = "BREAKER: 2 orders in a row were rejected" if trips else None
    assert reason_of(events, breaker_rejections=2) == expected


@pytest.mark.parametrize(("unanswered", "trips"), [(1, False), (2, True), (3, True)])
def test_sends_that_nobody_answers_one_after_the_other_trip_theirs(unanswered: int, *, trips: bool) -> None:
    state = a_state(plan=PLAN)
    found = failing(state, LimitsPolicy(breaker_errors=2), unanswered)
    assert (found is not None) is trips
    assert failing(state, LimitsPolicy(), unanswered) is None


def test_orders_of_which_nobody_knows_trip_theirs() -> None:
    events = [doubted("A"), unresolved("A")]
    assert reason_of(events, breaker_unresolved=1) == (
        "BREAKER: of 1 orders nobody knows what became of them"
    )
    assert reason_of(events, breaker_unresolved=2) is None


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({"max_shortfall_usd": 20}, None),
        ({"max_shortfall_usd": "19.99"}, "SHORTFALL: it has cost $20.00, $19.99 are allowed"),
        ({"max_shortfall_bps": 100}, None),
        ({"max_shortfall_bps": "99.9"}, "SHORTFALL: it has cost 100.00 bps, 99.9 are allowed"),
    ],
)
def test_what_execution_costs_trips_its_own(figures: dict[str, Any], told: str | None) -> None:
    # Two of the four orders were sent: $2,000 at the price of the decision, $20 dearer when bought.
    events = [reported("A", price=101), reported("B", price=101), stale("C"), stale("D")]
    assert reason_of(events, **figures) == told


def test_fees_are_part_of_the_cost() -> None:
    report = a_report(an_order("A"), fees_usd=Decimal(3))
    events: list[Event] = [OrderReported(report=report), stale("B"), stale("C"), stale("D")]
    assert reason_of(events, max_shortfall_usd=2) == "SHORTFALL: it has cost $3.00, $2 are allowed"


def test_a_plan_that_has_sent_nothing_has_cost_nothing() -> None:
    assert reason_of([stale("A"), stale("B"), stale("C"), stale("D")], max_shortfall_bps=1) is None
