from decimal import Decimal

import pytest

from planfill.domain.accounting import line_result
from planfill.domain.events import (
    Alerted,
    Event,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
    Severity,
)
from planfill.domain.health import Health, failed, health, warning
from planfill.domain.outcome import Reason, Residual
from planfill.domain.policy import LimitsPolicy
from planfill.domain.report import OrderStatus
from planfill.domain.state import ExecutionState, Phase
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import a_plan, a_report, a_state, an_item, an_order, an_order_recorded

NAME = ClientOrderId("pf-SPY-1")
LIMITS = LimitsPolicy()


def reported(status: OrderStatus, filled: int) -> Event:
    return OrderReported(report=a_report(None, status, filled))


def execution(failures: int, of: int) -> ExecutionState:
    symbols = [f"S{n}" for n in range(of)]
    orders = [an_order(symbol) for symbol in symbols]
    ends: list[Event] = [
        OrderReported(report=a_report(order, OrderStatus.CANCELED, 0 if n < failures else 1))
        for n, order in enumerate(orders)
    ]
    return a_state(*map(an_order_recorded, orders), *ends, plan=a_plan(*map(an_item, symbols)))


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ((), Health(0, 0)),
        ((reported(OrderStatus.NEW, 0),), Health(0, 0)),
        ((OrderNotSent(client_order_id=NAME, reason=Reason.STALE_PRICE),), Health(0, 0)),
        ((reported(OrderStatus.FILLED, 10),), Health(1, 0)),
        ((reported(OrderStatus.CANCELED, 1),), Health(1, 0)),
        ((reported(OrderStatus.CANCELED, 0),), Health(1, 1)),
        ((reported(OrderStatus.REJECTED, 0),), Health(1, 1)),
        ((OrderRefused(client_order_id=NAME, reason=Reason.REJECTED, detail=""),), Health(1, 1)),
        ((OrderUnresolved(client_order_id=NAME, reason=Reason.UNPRICED, detail=""),), Health(1, 1)),
    ],
    ids=[
        "recorded",
        "working",
        "not sent",
        "filled",
        "part",
        "canceled",
        "rejected",
        "refused",
        "unresolved",
    ],
)
def test_orders_that_were_placed_and_ended_without_a_share_have_failed(
    events: tuple[Event, ...], found: Health
) -> None:
    state = a_state(an_order_recorded(), *events)
    assert health(state) == found
    assert failed(state.lines["SPY"]) is (found.failed == 1)


def test_an_ended_order_of_which_nothing_was_reported_has_not_failed() -> None:
    line = a_state(an_order_recorded()).lines["SPY"]
    line.orders[0].phase = Phase.ENDED
    assert not failed(line)


@pytest.mark.parametrize(
    ("ended", "failures", "percent"), [(0, 0, "0"), (5, 0, "0"), (5, 1, "20"), (8, 5, "62.5"), (5, 5, "100")]
)
def test_failures_are_a_share_of_what_ended(ended: int, failures: int, percent: str) -> None:
    assert Health(ended, failures).failed_pct == Decimal(percent)


@pytest.mark.parametrize(
    ("ended", "failures", "exceeds"),
    [(4, 4, False), (5, 2, False), (5, 3, True), (10, 5, False), (10, 6, True), (0, 0, False)],
)
def test_a_share_is_exceeded_only_in_a_sample_that_is_large_enough(
    ended: int, failures: int, *, exceeds: bool
) -> None:
    assert Health(ended, failures).exceeds(Decimal(50), LIMITS) is exceeds


@pytest.mark.parametrize(
    ("failures", "of", "severity"),
    [
        (1, 5, None),
        (4, 4, None),
        (2, 5, Severity.WARNING),
        (5, 10, Severity.WARNING),
        (6, 10, Severity.CRITICAL),
        (5, 5, Severity.CRITICAL),
    ],
)
def test_many_failures_are_an_alert(failures: int, of: int, severity: Severity | None) -> None:
    found = warning(execution(failures, of), LIMITS)
    detail = f"{failures} of {of} orders failed"
    expected = [] if severity is None else [Alerted(severity=severity, reason=Reason.BREAKER, detail=detail)]
    assert found == expected


def test_an_earlier_order_that_grows_after_the_next_was_sent_is_an_overfill() -> None:
    second = an_order(quantity=7, client_order_id="pf-SPY-2")
    events: list[Event] = [
        an_order_recorded(),
        OrderReported(report=a_report(status=OrderStatus.CANCELED, filled=3)),
        an_order_recorded(second),
        OrderReported(report=a_report(second, OrderStatus.FILLED, 7)),
    ]
    assert warning(a_state(*events), LimitsPolicy()) == []
    grown = a_state(*events, OrderReported(report=a_report(status=OrderStatus.CANCELED, filled=8)))
    (alert,) = warning(grown, LimitsPolicy())
    assert (alert.severity, alert.reason, alert.symbol) == (Severity.CRITICAL, Reason.OVERFILL, "SPY")
    assert alert.detail == "its orders filled 15 shares of 10"
    assert line_result(grown.lines["SPY"]).residuals == {Residual.UNFILLED: -500}
