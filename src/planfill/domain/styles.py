"""What kind of order a line becomes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.order import Order, OrderType, Side
from planfill.domain.values import Price

if TYPE_CHECKING:
    from collections.abc import Callable

    from planfill.domain.market import Instrument, Quote
    from planfill.domain.policy import Policy
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import ClientOrderId, Money, Quantity

_BPS: Final = Decimal(10000)


class Intent(NamedTuple):
    """What is to be traded of one line now, and the rules it goes by; ``planned_usd`` is the whole line."""

    client_order_id: ClientOrderId
    side: Side
    quantity: Quantity
    planned_usd: Money
    instrument: Instrument
    policy: Policy


def market(intent: Intent, last_terminal: ExecutionReport | None, quote: Quote) -> Order | None:
    """
    Send one market order; a line over ``max_market_usd`` one limit order, marketable, with the collar.

    None where there is not a single step of quantity, or not a single tick of price, and after the first
    terminal report: what that left over stays.
    """
    if last_terminal is not None or not intent.quantity:
        return None
    limit = None
    if intent.planned_usd > intent.policy.limits.max_market_usd:
        collar = quote.near(intent.side) * intent.policy.execution.limit_collar_bps / _BPS
        away = collar if intent.side is Side.BUY else -collar
        limit = intent.instrument.tick(Price(quote.near(intent.side) + away), intent.side)
        if not limit:
            return None
    return Order(
        client_order_id=intent.client_order_id,
        symbol=quote.symbol,
        side=intent.side,
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        quantity=intent.quantity,
        limit_price=limit,
        quoted_at=quote.at,
    )


NEXT_ORDER: Final[dict[str, Callable[[Intent, ExecutionReport | None, Quote], Order | None]]] = {
    "market": market
}
