"""What broker and settings take of one order: found before it is sent, not learnt from a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.domain.checks import Objection
from planfill.domain.limits import shares_breaches, told
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.report import OrderStatus
from planfill.domain.values import ZERO_SHARES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planfill.domain.market import Quote
    from planfill.domain.order import Order
    from planfill.domain.plan import PlanItem
    from planfill.domain.policy import ExecutionPolicy, LimitsPolicy
    from planfill.domain.report import ExecutionReport
    from planfill.domain.sizing import Sizing, SizingFacts
    from planfill.domain.values import Money, Quantity


def is_at_work(report: ExecutionReport) -> bool:
    """Tell whether an order of the account may still trade; one that was replaced lives on in another."""
    return not report.is_terminal and report.status is not OrderStatus.REPLACED


def check_opposite(item: PlanItem, open_orders: Iterable[ExecutionReport]) -> Objection | None:
    """Object to trading against an order of one's own account: brokers refuse it, and the law forbids it."""
    for one in open_orders:
        if one.symbol == item.symbol and one.side is not item.side:
            detail = f"order {one.broker_order_id} of this account is open and would {one.side} it"
            return Objection(Reason.WASH_TRADE, detail)
    return None


def check_order(order: Order, sizing: Sizing, facts: SizingFacts, limits: LimitsPolicy) -> Objection | None:
    """Object to an order whose quantity, dollars or limit price broker or settings do not take."""
    return (
        _steps(order, facts)
        or _least(order, sizing, facts)
        or _tick(order, facts)
        or _most(sizing.quantity, limits)
    )


def check_size_shown(sizing: Sizing, side: Side, quote: Quote, policy: ExecutionPolicy) -> Objection | None:
    """Object to more shares than the set share of what is shown at the price; it stops nothing."""
    most, shown = policy.max_quote_size_pct, quote.near_size(side)
    if most is None:
        return None
    if shown is None:
        return Objection(Reason.THIN_QUOTE, f"{quote.source} does not say how many shares are shown")
    if sizing.quantity * 100 <= shown * most:
        return None
    detail = f"{sizing.quantity} shares are more than {most} % of the {shown} that are shown"
    return Objection(Reason.THIN_QUOTE, detail)


def _most(quantity: Quantity, limits: LimitsPolicy) -> Objection | None:
    breaches = list(shares_breaches(quantity, limits))
    return told(breaches) if breaches else None


def _steps(order: Order, facts: SizingFacts) -> Objection | None:
    lot = facts.instrument.lot
    if order.quantity is None or order.quantity % lot == 0:
        return None
    return Objection(Reason.NOT_FRACTIONABLE, f"{order.quantity} shares are no multiple of {lot}")


def _least(order: Order, sizing: Sizing, facts: SizingFacts) -> Objection | None:
    """Object to too few dollars, to the last digit; what is left of a position may be sold for any."""
    if order.side is Side.SELL and order.quantity == facts.sellable:
        return None
    least = facts.instrument.min_order_usd
    if order.notional is not None:
        return None if order.notional >= least else _too_small(f"${order.notional}", least)
    quantity = order.quantity or ZERO_SHARES
    enough = quantity * sizing.price >= least
    return None if enough else _too_small(f"{quantity} shares at {sizing.price}", least)


def _too_small(what: str, least: Money) -> Objection:
    return Objection(Reason.TOO_SMALL, f"{what} are under the broker's minimum of ${least}")


def _tick(order: Order, facts: SizingFacts) -> Objection | None:
    limit = order.limit_price
    if limit is None or facts.instrument.tick(limit, order.side) == limit:
        return None
    return Objection(Reason.PRICE_INCREMENT, f"a limit of {limit} is no multiple of the broker's tick")
