"""What execution cost against the price at which the decision was made."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from planfill.domain.order import Side
from planfill.domain.values import Money, Quantity, cents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planfill.domain.state import OrderState


class Shortfall(NamedTuple):
    """Dollars lost against arrival prices, and the dollars that the orders were worth at those."""

    cost_usd: Money
    arrival_usd: Money

    @property
    def bps(self) -> float | None:
        """The cost in hundredths of a percent, to two decimals; None where nothing was to be traded."""
        return round(self.cost_usd / self.arrival_usd * 1000000) / 100 if self.arrival_usd else None


def shortfall(orders: Iterable[OrderState], fees: Money) -> Shortfall:
    """
    Measure the implementation shortfall (Perold 1988) of all orders, fees included.

    Per order: signed (average - arrival) x filled; per line, for what all its orders left unfilled, signed
    (last mid - arrival) x unfilled. Positive is a cost, for buys and for sells.
    """
    cost, arrival_usd = Decimal(fees), Decimal(0)
    # Each order of a line is for what those before it have left.
    lines: dict[str, list[OrderState]] = {}
    for order in orders:
        lines.setdefault(order.order.symbol, []).append(order)
    for first, *_ in lines.values():
        sign = 1 if first.order.side is Side.BUY else -1
        arrival, left = first.sizing.arrival_price, first.sizing.quantity
        arrival_usd += arrival * left
        for order in lines[first.order.symbol]:
            if order.report is not None and order.report.average_price is not None:
                left = Quantity(left - order.filled)
                cost += sign * (order.report.average_price - arrival) * order.filled
        cost += sign * (lines[first.order.symbol][-1].sizing.mid_price - arrival) * left
    return Shortfall(cents(cost), cents(arrival_usd))
