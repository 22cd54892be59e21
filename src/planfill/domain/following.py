"""What the broker's reports, and its silence, mean for the orders of an execution."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from planfill.domain.events import (
    Alerted,
    OrderDoubted,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
    Severity,
)
from planfill.domain.outcome import Reason
from planfill.domain.replacing import adopted
from planfill.domain.report import ExecutionReport, OrderStatus, merge
from planfill.domain.state import Phase
from planfill.domain.values import ZERO_SHARES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from planfill.domain.events import Event
    from planfill.domain.report import Fill
    from planfill.domain.state import ExecutionState, OrderState
    from planfill.domain.values import BrokerOrderId, ClientOrderId


def news(
    state: ExecutionState, reports: Iterable[ExecutionReport], fills: Sequence[Fill] = ()
) -> Iterator[Event]:
    """
    Give what is new in a list of the broker's; orders of others, and old news, are passed over.

    ``fills`` price the reports that have none of their own. An order that somebody replaced is followed. What
    the list says twice is told once.
    """
    listed = [priced(report, fills) for report in reports]
    numbered: dict[BrokerOrderId, ExecutionReport] = {}
    for one in listed:
        numbered[one.broker_order_id] = merge(numbered.get(one.broker_order_id), one)
    heard: dict[ClientOrderId, ExecutionReport] = {}
    for one in listed:
        order, report = state.orders.get(one.client_order_id), adopted(one, numbered)
        if order is None or not _is_of(order, report):
            continue
        known = heard.get(one.client_order_id, order.report)
        now = merge(known, report)
        if now is known:
            continue
        heard[one.client_order_id] = now
        yield OrderReported(report=report)
        if surprise := _surprise(order, known, report):
            reason, said = surprise
            detail = f"{order.order.client_order_id} {said}"
            yield Alerted(severity=Severity.CRITICAL, reason=reason, symbol=report.symbol, detail=detail)


def _surprise(
    order: OrderState, known: ExecutionReport | None, report: ExecutionReport
) -> tuple[Reason, str] | None:
    """Say what is not only new but should not be."""
    filled = known.filled_quantity if known else ZERO_SHARES
    if order.phase is Phase.ENDED and report.filled_quantity > filled:
        return Reason.LATE_FILL, "filled more after it had ended"
    # A broker may list what it has refused, too; what never went out can be in no list.
    refused = order.phase is Phase.REFUSED and report.status is OrderStatus.REJECTED
    if order.phase in {Phase.NOT_SENT, Phase.REFUSED} and not refused:
        return Reason.OUTCOME_UNKNOWN, "is at the broker, and was thought never to have got there"
    if report.is_adopted and not (known and known.is_adopted):
        return Reason.REPLACED, f"was replaced by somebody: {report.replaced_by}, which is followed"
    return None


def unpriced(state: ExecutionState) -> bool:
    """Tell whether an order has filled and nobody has said at what price."""
    reports = (order.report for order in state.orders.values() if order.is_open)
    return any(report is not None and not report.is_priced for report in reports)


def priced(report: ExecutionReport, fills: Sequence[Fill]) -> ExecutionReport:
    """Price a report from the broker's fill records, where those account for all that it says was filled."""
    own = [fill for fill in fills if fill.broker_order_id == report.broker_order_id]
    if report.is_priced or sum(fill.quantity for fill in own) != report.filled_quantity:
        return report
    average = sum(fill.quantity * fill.price for fill in own) / report.filled_quantity
    return ExecutionReport.model_validate({**dict(report), "average_price": average})


def answered(order: OrderState, report: ExecutionReport) -> Event:
    """Take the broker's answer to an order, unless it speaks of another one."""
    if _is_of(order, report):
        return OrderReported(report=report)
    theirs = f"{report.client_order_id} {report.symbol} {report.side}"
    return doubted(order, f"the broker answered with another order: {theirs}")


def alarm(order: OrderState, event: Event) -> list[Event]:
    """Alert people to an order that is at the broker under our name, and is not ours."""
    if not isinstance(event, OrderRefused) or event.reason is not Reason.ORDER_CONFLICT:
        return []
    symbol = order.order.symbol
    return [Alerted(severity=Severity.CRITICAL, reason=event.reason, symbol=symbol, detail=event.detail)]


def _is_of(order: OrderState, report: ExecutionReport) -> bool:
    ours = order.order
    theirs = (report.client_order_id, report.symbol, report.side)
    return theirs == (ours.client_order_id, ours.symbol, ours.side)


def overdue(state: ExecutionState, now: datetime) -> list[OrderState]:
    """
    Find the orders to cancel: past their deadline, or all that work and a stop concerns.

    And those that are for more than their line is left with: an earlier order has grown after its end.
    """
    return [
        order
        for order in state.orders.values()
        if order.is_open
        and order.cancel_requested_at is None
        and (state.stop_of(order.order.side) or now >= order.deadline or _is_too_much(state, order))
    ]


def _is_too_much(state: ExecutionState, order: OrderState) -> bool:
    return order.sizing.quantity - order.filled > state.lines[order.order.symbol].rest


def given_up(state: ExecutionState, now: datetime, grace_s: float) -> list[Event]:
    """Give up, for this run, on orders of which the broker has said nothing final for too long."""
    grace = timedelta(seconds=grace_s)
    return [
        unresolved(order, "the broker does not say what became of it")
        for order in state.orders.values()
        if order.is_open and now >= state.silent_since(order) + grace
    ]


def not_sent(order: OrderState, reason: Reason, detail: str) -> OrderNotSent:
    """End an order that never reached the broker."""
    name = order.order.client_order_id
    return OrderNotSent(client_order_id=name, reason=reason, detail=detail)


def doubted(order: OrderState, detail: str) -> OrderDoubted:
    """Say that an order may or may not be at the broker."""
    name = order.order.client_order_id
    return OrderDoubted(client_order_id=name, reason=Reason.OUTCOME_UNKNOWN, detail=detail)


def unresolved(order: OrderState, detail: str) -> OrderUnresolved:
    """Say that what became of an order could not be learnt in this run."""
    return OrderUnresolved(
        client_order_id=order.order.client_order_id,
        reason=_doubt(order.report),
        detail=detail,
    )


def _doubt(report: ExecutionReport | None) -> Reason:
    """Name what is not known of an order that was given up."""
    if report is None:
        return Reason.OUTCOME_UNKNOWN
    if report.is_terminal:
        return Reason.UNPRICED
    if report.status is OrderStatus.REPLACED or report.is_adopted:
        return Reason.REPLACED
    return Reason.CANCEL_UNCONFIRMED
