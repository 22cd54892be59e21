"""What kind of orders a line becomes: how many at most, for how long each, and the next of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.order import Order, OrderType, Side
from planfill.domain.values import Price

if TYPE_CHECKING:
    from collections.abc import Callable

    from planfill.domain.market import Instrument, Quote
    from planfill.domain.policy import ExecutionPolicy, LimitsPolicy
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import ClientOrderId, Money, Quantity

_BPS: Final = Decimal(10000)


class Intent(NamedTuple):
    """
    What is to be traded of one line now, and the rules it goes by.

    ``attempt`` counts the orders of the line from 1, ``quantity`` is what is left to trade, ``planned_usd``
    the whole line.
    """

    client_order_id: ClientOrderId
    attempt: int
    side: Side
    quantity: Quantity
    planned_usd: Money
    instrument: Instrument
    execution: ExecutionPolicy
    limits: LimitsPolicy


def market(intent: Intent, last_terminal: ExecutionReport | None, quote: Quote) -> Order | None:
    """
    Send one market order; a line over ``max_market_usd`` one limit order, marketable, with the collar.

    None where there is not a single step of quantity, or not a single tick of price, and after the first
    terminal report: what that left over stays.
    """
    return None if last_terminal else _at_once(intent, quote)


def limit(intent: Intent, last_terminal: ExecutionReport | None, quote: Quote) -> Order | None:
    """Send one limit order, marketable, with the collar; None as for ``market``."""
    return None if last_terminal else _limit(intent, _collared(intent, quote), quote)


def walk(intent: Intent, _last_terminal: ExecutionReport | None, quote: Quote) -> Order | None:
    """
    Send the next limit order on the way from the middle of the market to its far side.

    After ``walk_steps`` of them what is left is sent as ``market`` would send it. Each step is priced by the
    quote of its own moment. None where there is not a single step of quantity, or not a single tick of price.
    """
    last = intent.execution.walk_steps
    if intent.attempt > last:
        return _at_once(intent, quote)
    far = quote.near(intent.side)
    way = Decimal(intent.attempt - 1) / (last - 1)
    return _limit(intent, Price(quote.mid + (far - quote.mid) * way), quote)


def _at_once(intent: Intent, quote: Quote) -> Order | None:
    """Trade all that is left, in one order; too much for a market order is bounded by the collar."""
    if intent.planned_usd > intent.limits.max_market_usd:
        return _limit(intent, _collared(intent, quote), quote)
    return _order(intent, quote, None) if intent.quantity else None


def _collared(intent: Intent, quote: Quote) -> Price:
    far = quote.near(intent.side)
    collar = far * intent.execution.limit_collar_bps / _BPS
    return Price(far + collar if intent.side is Side.BUY else far - collar)


def _limit(intent: Intent, price: Price, quote: Quote) -> Order | None:
    ticked = intent.instrument.tick(price, intent.side)
    return _order(intent, quote, ticked) if ticked and intent.quantity else None


def _order(intent: Intent, quote: Quote, limit_price: Price | None) -> Order:
    return Order(
        client_order_id=intent.client_order_id,
        symbol=quote.symbol,
        side=intent.side,
        order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
        quantity=intent.quantity,
        limit_price=limit_price,
        quoted_at=quote.at,
    )


def _one(_execution: ExecutionPolicy) -> int:
    return 1


def _steps(execution: ExecutionPolicy) -> int:
    return execution.walk_steps + (execution.walk_end == "market")


NEXT_ORDER: Final[dict[str, Callable[[Intent, ExecutionReport | None, Quote], Order | None]]] = {
    "market": market,
    "limit": limit,
    "walk": walk,
}
MOST_ORDERS: Final[dict[str, Callable[[ExecutionPolicy], int]]] = {
    "market": _one,
    "limit": _one,
    "walk": _steps,
}
"""How many orders a line may come to, one after the other."""


def works_s(style: str, execution: ExecutionPolicy, attempt: int) -> float:
    """Give for how many seconds one order of a line may work; the close may come first."""
    steps = execution.walk_steps if style == "walk" else 0
    return execution.walk_step_s if attempt <= steps else execution.order_deadline_s
