"""Where the dollars of a line went: each residual from its own cause, none the balance of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planfill.domain.outcome import LineOutcome, Reason, Residual, closed_as
from planfill.domain.plan import Action
from planfill.domain.report import OrderStatus
from planfill.domain.result import OrderResult
from planfill.domain.state import Phase
from planfill.domain.values import ZERO_SHARES, ZERO_USD, Money, Price, Quantity, worth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planfill.domain.state import LineState, OrderState


class _Filled(NamedTuple):
    quantity: Quantity
    usd: Money
    at_quote_usd: Money
    priced: bool


def line_result(line: LineState) -> OrderResult:
    """Say what became of a line, as far as its orders have come."""
    if line.item.action is Action.HOLD:
        return _without_order(line, LineOutcome.HOLD, None, {})
    if not line.orders:
        reason = line.closed or Reason.INTERRUPTED
        outcome, cause = closed_as(reason)
        allotted = line.item.planned_usd if line.allotted is None else line.allotted
        left = {Residual.ROLLOUT: line.held_back, Residual.FUNDING: Money(line.item.planned_usd - allotted)}
        left[cause] = Money(left.get(cause, ZERO_USD) + allotted)
        return _without_order(line, outcome, reason, left)
    return _with_orders(line)


def _without_order(
    line: LineState, outcome: LineOutcome, reason: Reason | None, left: dict[Residual, Money]
) -> OrderResult:
    residuals = {cause: amount for cause, amount in left.items() if amount}
    return OrderResult(
        symbol=line.item.symbol,
        action=line.item.action,
        outcome=outcome,
        reason=reason,
        detail=line.detail,
        planned_usd=line.planned_usd,
        filled_usd=ZERO_USD,
        filled_quantity=ZERO_SHARES,
        residual_usd=Money(sum(residuals.values(), ZERO_USD)),
        residuals=residuals,
    )


def _with_orders(line: LineState) -> OrderResult:
    first, last = line.orders[0], line.orders[-1]
    sizing = first.sizing
    filled = _filled(line.orders, sizing.price)
    sized_usd = worth(sizing.quantity, sizing.price)
    outcome, cause = _ending(line, filled)
    left = {
        Residual.ROLLOUT: line.held_back,
        Residual.FUNDING: line.item.planned_usd - sizing.allotted_usd,
        Residual.PRICE: (sizing.allotted_usd - sizing.intended_usd) + (filled.at_quote_usd - filled.usd),
        Residual.HOLDING: sizing.intended_usd - sizing.available_usd,
        Residual.ROUNDING: sizing.available_usd - sized_usd,
    }
    left[cause] = left.get(cause, ZERO_USD) + sized_usd - filled.at_quote_usd
    residuals = {cause: Money(amount) for cause, amount in left.items() if amount}
    report = last.report
    return OrderResult(
        symbol=line.item.symbol,
        action=line.item.action,
        outcome=outcome,
        reason=line.closed or last.reason or sizing.reason or (Reason.ROLLOUT if line.held_back else None),
        detail=line.detail or last.detail,
        client_order_id=last.order.client_order_id,
        broker_order_id=report.broker_order_id if report else None,
        order_type=last.order.order_type,
        planned_usd=line.planned_usd,
        planned_quantity=sizing.quantity,
        filled_usd=filled.usd,
        filled_quantity=filled.quantity,
        average_price=_average(line.orders, filled),
        arrival_price=sizing.arrival_price,
        price_source=sizing.price_source,
        residual_usd=Money(sum(residuals.values(), ZERO_USD)),
        residuals=residuals,
    )


def filled_usd(orders: Iterable[OrderState]) -> Money:
    """Add up the dollars of what orders filled; a fill whose price is not known yet is worth nothing yet."""
    return Money(sum((worth(shares, price) for shares, price in _priced(orders)), ZERO_USD))


def _priced(orders: Iterable[OrderState]) -> list[tuple[Quantity, Price]]:
    reports = (order.report for order in orders if order.report is not None)
    return [(r.filled_quantity, r.average_price) for r in reports if r.average_price is not None]


def _filled(orders: list[OrderState], quote: Price) -> _Filled:
    quantity = sum((order.filled for order in orders), ZERO_SHARES)
    priced, usd = _priced(orders), filled_usd(orders)
    known = Quantity(sum((shares for shares, _ in priced), ZERO_SHARES))
    return _Filled(quantity, usd, worth(known, quote), known == quantity)


def _average(orders: list[OrderState], filled: _Filled) -> Price | None:
    if len(orders) == 1:
        return orders[0].report.average_price if orders[0].report else None
    return Price(filled.usd / filled.quantity) if filled.quantity and filled.priced else None


def _ending(line: LineState, filled: _Filled) -> tuple[LineOutcome, Residual]:
    """Name the end of a line by why nothing more is sent, and the cause of what was left over."""
    last, planned = line.orders[-1], line.orders[0].sizing.quantity
    if any(one.is_open or one.is_unresolved for one in line.orders) or not filled.priced:
        return LineOutcome.UNRESOLVED, Residual.UNRESOLVED
    rejected = last.phase is Phase.REFUSED or (
        last.report is not None and last.report.status is OrderStatus.REJECTED
    )
    outcome, cause = LineOutcome.UNFILLED, Residual.UNFILLED
    if line.closed is not None:
        outcome, cause = closed_as(line.closed)
    elif rejected:
        outcome, cause = LineOutcome.REJECTED, Residual.REJECTED
    elif last.phase is Phase.NOT_SENT:
        outcome, cause = closed_as(last.reason)
    if filled.quantity >= planned:
        return LineOutcome.FILLED, cause
    return LineOutcome.PARTIALLY_FILLED if filled.quantity else outcome, cause
