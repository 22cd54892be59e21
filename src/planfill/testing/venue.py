"""The market behind a broker under test, as the contract suites move it."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

from planfill.application.ports.clock import Clock
from planfill.domain.errors import OrderNotFound
from planfill.domain.order import Order, OrderType, Side
from planfill.domain.values import ClientOrderId, Money, Price, Quantity
from planfill.testing.clock import START

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from planfill.application.ports.broker import Broker
    from planfill.domain.report import ExecutionReport, OrderStatus

_PATIENCE_S: Final = 10
_POLL_S: Final = 0.05
_names = count(1)


class Venue(Protocol):
    """
    What a contract suite needs to know and to do behind the back of the broker.

    The market is open and fills orders by itself until ``hold_fills``. The account begins with
    ``cash_usd`` (at least 10,000 dollars) and ``held_quantity`` shares of ``held`` (at least 2).
    """

    clock: Clock
    symbol: str
    """Tradable and fractionable, with a price from 20 to 500 dollars, and not held."""
    others: tuple[str, ...]
    """More such symbols; they may be held."""
    price: Price
    """What a share of ``symbol`` costs, within 5 %."""
    held: str
    held_quantity: Quantity
    cash_usd: Money
    whole_only: str | None
    """A symbol that trades in whole shares only, cheaper than 5,000 dollars a share."""
    untradable: str | None
    """A symbol that the broker knows and does not trade."""
    unknown: str
    """A symbol that does not exist."""
    nonsense: tuple[str, ...]
    """Symbols of which the source of prices says 0, a negative number, or bid above ask."""

    @abstractmethod
    async def hold_fills(self) -> None:
        """Let orders that are placed from now on stay open until ``let_fill``."""

    @abstractmethod
    async def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        """Fill the open orders of a symbol, or so many shares of each."""


def a_new_order(
    symbol: str,
    quantity: str | Decimal | None = "1",
    *,
    side: Side = Side.BUY,
    limit: Decimal | None = None,
    notional: Decimal | None = None,
    name: str | None = None,
    at: datetime = START,
) -> Order:
    """Build an order: by default it buys one share at the market, under a name of its own."""
    return Order(
        client_order_id=ClientOrderId(name or f"pf-contract-{next(_names):06}-1"),
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        quantity=None if notional is not None or quantity is None else Quantity(Decimal(quantity)),
        notional=None if notional is None else Money(notional),
        limit_price=None if limit is None else Price(limit),
        quoted_at=at,
    )


async def reported(
    broker: Broker,
    venue: Venue,
    client_order_id: ClientOrderId,
    *,
    until: Callable[[ExecutionReport], bool],
) -> ExecutionReport:
    """Ask about an order until the answer is as wanted; fails after ten seconds of the venue's clock."""
    give_up_at = venue.clock.monotonic() + _PATIENCE_S
    last: object = None
    while venue.clock.monotonic() < give_up_at:
        try:
            report = await broker.get_order_status(client_order_id)
        except OrderNotFound as e:
            last = e
        else:
            if until(report):
                return report
            last = report
        await venue.clock.sleep(_POLL_S)
    raise AssertionError(f"not what was waited for within {_PATIENCE_S} s: {last!r}")


def ended(report: ExecutionReport) -> bool:
    """Tell whether the order is done and its price known."""
    return report.is_terminal and report.is_priced


def has_filled(quantity: int) -> Callable[[ExecutionReport], bool]:
    """Make the question whether exactly so many shares have filled, at a known price."""
    return lambda report: report.filled_quantity == quantity and report.is_priced


def stands(report: ExecutionReport, status: OrderStatus, filled: str) -> bool:
    """Tell whether an order has this status, and exactly so many shares have filled."""
    return report.status is status and report.filled_quantity == Decimal(filled)
