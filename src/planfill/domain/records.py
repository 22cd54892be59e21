"""The broker's own record of an account: read independently of what it answered to our orders."""

from __future__ import annotations

from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from planfill.domain.numerals import plain
from planfill.domain.replacing import chain
from planfill.domain.report import TERMINAL, OrderStatus
from planfill.domain.values import ZERO_SHARES, Quantity, cents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planfill.domain.report import ExecutionReport, Fill
    from planfill.domain.values import BrokerOrderId, Money

# What somebody replaced is not open: the order that took its place may be.
_ENDED: Final = TERMINAL | {OrderStatus.REPLACED}


class BrokerRecord:
    """Orders and fills from before the first order on, oldest first; shares and cash as they are now."""

    def __init__(
        self,
        orders: Sequence[ExecutionReport],
        fills: Sequence[Fill],
        positions: Mapping[str, Quantity],
        cash_usd: Money,
    ) -> None:
        self.orders = orders
        self.fills = fills
        self.positions = positions
        self.cash_usd = cash_usd
        self.reports = {report.broker_order_id: report for report in orders}
        # Grouped once: to search all fills for each line would take the square of a long plan.
        self._of_order: dict[BrokerOrderId, list[tuple[int, Fill]]] = {}
        self._of_symbol: dict[str, list[Fill]] = {}
        for place, fill in enumerate(fills):
            self._of_order.setdefault(fill.broker_order_id, []).append((place, fill))
            self._of_symbol.setdefault(fill.symbol, []).append(fill)

    def chain(self, first: ExecutionReport) -> tuple[ExecutionReport, ...]:
        """Follow an order to what somebody replaced it by."""
        return chain(first, self.reports)

    def fills_of(self, orders: Iterable[BrokerOrderId]) -> list[Fill]:
        """Find the fills of some orders, oldest first."""
        found = [numbered for one in frozenset(orders) for numbered in self._of_order.get(one, ())]
        return [fill for _, fill in sorted(found, key=itemgetter(0))]

    def fills_in(self, symbol: str) -> Sequence[Fill]:
        """Find the fills in a symbol, oldest first."""
        return self._of_symbol.get(symbol, ())


def is_open(report: ExecutionReport) -> bool:
    """Tell whether the broker may still fill an order."""
    return report.status not in _ENDED


def quantity_of(fills: Iterable[Fill]) -> Quantity:
    """Add up the shares."""
    return Quantity(sum((fill.quantity for fill in fills), ZERO_SHARES))


def shares(quantity: Decimal) -> str:
    """Write a quantity with its unit."""
    return f"{plain(quantity)} shares"


def usd(amount: Decimal) -> str:
    """Write dollars, to the cent."""
    return f"${cents(amount)}"


def told(report: ExecutionReport) -> str:
    """Say what the broker has of an order."""
    return f"{report.side} {report.status}, {shares(report.filled_quantity)} filled"
