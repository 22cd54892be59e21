"""What the account has the means for: its power to buy, its shares, and no order against its own."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from alpaca_server import bodies
from alpaca_server.errors import UNPROCESSABLE, Refused, forbidden, invalid
from alpaca_server.views import last
from planfill.domain.numerals import plain
from planfill.domain.order import Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alpaca_server.bodies import Paper
    from planfill.adapters.brokers.mock.exchange import Exchange
    from planfill.domain.order import Order

_ONE: Final = Decimal(1)


def check(exchange: Exchange, papers: Mapping[int, Paper], order: Order) -> None:
    """Refuse what this account cannot trade now, but for want of dollars; raises ``Refused``."""
    _check_opposite(exchange, papers, order)
    if order.side is Side.SELL and order.quantity is not None:
        _check_held(exchange, papers, order.symbol, order.quantity)
    price = _price(exchange, order)
    if order.side is Side.BUY and order.quantity and price and order.quantity * price < _ONE:
        raise forbidden("cost basis must be >= minimal amount of order 1")


def too_dear(exchange: Exchange, order: Order) -> Refused:
    """Say that the power to buy does not suffice, with both figures."""
    cost = order.notional or (order.quantity or _ONE) * _price(exchange, order)
    return forbidden(
        "insufficient buying power",
        buying_power=bodies.money(exchange.balances.free_usd()),
        cost_basis=bodies.money(cost),
    )


def _check_opposite(exchange: Exchange, papers: Mapping[int, Paper], order: Order) -> None:
    for ticket in exchange.blotter.open_orders(order.symbol):
        if ticket.order.side is not order.side:
            kind = "limit" if ticket.order.limit_price else "market/stop"
            raise forbidden(
                "potential wash trade detected. use complex orders",
                existing_order_id=papers[ticket.number].id,
                reject_reason=f"opposite side {kind} order exists",
            )


def _check_held(exchange: Exchange, papers: Mapping[int, Paper], symbol: str, quantity: Decimal) -> None:
    free = exchange.balances.sellable(symbol)
    if quantity <= free:
        return
    held = exchange.balances.shares.get(symbol, Decimal(0))
    if not held and quantity % 1:
        raise invalid("fractional orders cannot be sold short", UNPROCESSABLE)
    if not held:
        raise forbidden("account is not allowed to short")
    holding = [papers[t.number].id for t in exchange.blotter.open_orders(symbol)]
    raise forbidden(
        f"insufficient qty available for order (requested: {plain(quantity)}, available: {plain(free)})",
        available=plain(free), existing_qty=plain(held), held_for_orders=plain(held - free),
        symbol=symbol,
        **({"related_orders": holding} if holding else {}),
    )  # fmt: skip


def _price(exchange: Exchange, order: Order) -> Decimal:
    return order.limit_price or last(exchange, order.symbol)
