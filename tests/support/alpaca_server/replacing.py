"""What an order becomes that is replaced: the same terms, but for those that are given anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alpaca_server.errors import UNPROCESSABLE, invalid
from planfill.domain.numerals import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alpaca_server.bodies import Paper
    from planfill.adapters.brokers.mock.ticket import Ticket


def replacement(ticket: Ticket, paper: Paper, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the body of the order that is to be; raises ``Refused`` where there can be none."""
    order = ticket.order
    if order.quantity is None:
        raise invalid("unable to replace order, notional orders cannot be replaced", UNPROCESSABLE)
    if order.quantity % 1 and given.get("qty") is not None:
        raise invalid("unable to replace order, qty of fractional orders cannot be changed", UNPROCESSABLE)
    asked = {
        "symbol": order.symbol, "side": order.side.lower(),
        "type": "limit" if order.limit_price else "market",
        "time_in_force": given.get("time_in_force") or paper.time_in_force,
        "qty": given.get("qty") or plain(order.quantity - ticket.filled),
        "client_order_id": given.get("client_order_id"), "extended_hours": paper.extended_hours,
    }  # fmt: skip
    limit = given.get("limit_price") or order.limit_price
    return asked if limit is None else asked | {"limit_price": str(limit)}
