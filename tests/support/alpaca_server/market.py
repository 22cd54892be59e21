"""What stands behind the server: the simulated exchange, and Alpaca's own rules and papers around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from alpaca_server import bodies, terms
from alpaca_server.bodies import Paper, named
from alpaca_server.errors import UNPROCESSABLE, forbidden, invalid, order_not_found
from alpaca_server.faults import Fault
from alpaca_server.news import News
from alpaca_server.replacing import replacement
from alpaca_server.views import last
from planfill.adapters.brokers.mock import MockSettings
from planfill.adapters.brokers.mock.desk import Desk
from planfill.adapters.brokers.mock.handling import Handling
from planfill.adapters.clock import SystemClock
from planfill.domain.errors import InsufficientFundsError, OrderConflict, OrderRejected
from planfill.domain.numerals import plain
from planfill.domain.order import Order, Side
from planfill.domain.values import ClientOrderId, Quantity

if TYPE_CHECKING:
    from alpaca_server.terms import Terms
    from planfill.adapters.brokers.mock.exchange import Exchange
    from planfill.adapters.brokers.mock.ticket import Ticket

_A_WHILE: Final = timedelta(seconds=0.6)
_ONE: Final = Decimal(1)
# Whole shares are routed, and stamped anew, this long after they came; fractions at once.
_ROUTING: Final = timedelta(milliseconds=4)


class Market:
    """
    One account at an Alpaca; outlives the servers that show it.

    Settings are those of the mock exchange. ``on_event`` is told what the stream says.
    """

    def __init__(self, settings: MockSettings | Mapping[str, Any], *, number: str = "PA0000001") -> None:
        chosen = settings if isinstance(settings, MockSettings) else MockSettings.model_validate(settings)
        self.clock = SystemClock()
        self.number = number
        self.settings = chosen
        self.desk = Desk(chosen, self.clock)
        self.papers: dict[int, Paper] = {}
        self.on_event: Callable[[dict[str, Any]], None] = lambda _: None
        self.is_open: bool | None = None
        self.quoted: dict[str, dict[str, Any] | None] = {}
        self.tell = News(self).tell
        self._by_id: dict[str, int] = {}

    def exchange(self) -> AbstractContextManager[Exchange]:
        """Give the exchange, to be changed."""
        return self.desk.book.change()

    def place(self, body: Mapping[str, Any], fault: Fault | None = None) -> Ticket:
        """Accept an order; raises ``Refused`` as Alpaca does."""
        now = self.clock.now()
        with self.exchange() as exchange:
            exchange.advance(now)
            order, asked = self._order(body, exchange, now)
            handling = Handling(fill_delay_s=1.0 if fault is Fault.SLOW_FILL else None)
            try:
                exchange.place(order, now, handling)
            except (OrderRejected, OrderConflict) as e:
                # Alpaca remembers the names of orders, not of what it refused.
                exchange.blotter._named.pop(order.client_order_id, None)
                if isinstance(e, InsufficientFundsError):
                    cost = (order.quantity or _ONE) * self._price(exchange, order)
                    raise forbidden(
                        "insufficient buying power",
                        buying_power=bodies.money(exchange.balances.free_usd()),
                        cost_basis=bodies.money(cost if order.quantity else order.notional or cost),
                    ) from e
                raise invalid(str(e)) from e
            ticket = exchange.blotter.named(order.client_order_id)
            assert ticket is not None
            paper = Paper(
                named("order", f"{self.number}/{ticket.number}"), now,
                now if asked.is_fractional else now + _ROUTING, asked.time_in_force,
                extended_hours=asked.extended_hours,
            )  # fmt: skip
            paper.visible_at = now + _A_WHILE if fault is Fault.NOT_VISIBLE else None
            self.papers[ticket.number] = paper
            self._by_id[paper.id] = ticket.number
            return ticket

    def find(self, *, name: str | None = None, order_id: str | None = None) -> tuple[Ticket, Paper]:
        """Find an order by either of its names."""
        exchange, now = self.advanced()
        ticket = exchange.blotter.named(ClientOrderId(name)) if name is not None else None
        if order_id in self._by_id:
            ticket = exchange.blotter.tickets[self._by_id[order_id] - 1]
        paper = self.papers.get(ticket.number) if ticket else None
        if ticket is None or paper is None or (paper.visible_at is not None and now < paper.visible_at):
            raise order_not_found(name or order_id or "")
        return ticket, paper

    def cancel(self, order_id: str, fault: Fault | None = None) -> None:
        """Cancel an order that works; raises ``Refused`` where it does not."""
        ticket, paper = self.find(order_id=order_id)
        now = self.clock.now()
        if not ticket.is_open:
            status = bodies.status_of(ticket, paper, now)
            raise invalid(f'order is already in "{status}" state', UNPROCESSABLE)
        if fault is Fault.CANCEL_IGNORED:
            return
        if fault is Fault.PENDING_CANCEL:
            paper.cancel_due = now + _A_WHILE
            return
        with self.exchange() as exchange:
            first = {Fault.FILL_DURING_CANCEL, Fault.PARTIAL_FILL_DURING_CANCEL}
            at_most = Quantity(_ONE) if fault is Fault.PARTIAL_FILL_DURING_CANCEL else None
            handling = Handling(fill_first=fault in first, at_most=at_most)
            exchange.cancel(ticket.order.client_order_id, now, handling)

    def replace(self, order_id: str, body: Mapping[str, Any]) -> Ticket:
        """Put another order in the place of one that works: a new id, and a name of its own."""
        ticket, paper = self.find(order_id=order_id)
        if not ticket.is_open:
            status = bodies.status_of(ticket, paper, self.clock.now())
            raise invalid(f'order is already in "{status}" state', UNPROCESSABLE)
        asked = replacement(ticket, paper, body)
        wanted = terms.read(asked, "")
        terms.check(wanted)
        if wanted.name and self._is_known(wanted.name):
            raise invalid("client_order_id must be unique")
        self.cancel(order_id)
        new = self.place(asked)
        self.papers[new.number].replaces = paper.id
        paper.replaced_by = self.papers[new.number].id
        return new

    def listed(self) -> list[tuple[Ticket, Paper]]:
        """List all orders that can be seen, in the order of their submission."""
        exchange, now = self.advanced()
        seen = [
            (ticket, paper)
            for ticket in exchange.blotter.tickets
            if (paper := self.papers.get(ticket.number))
            and (paper.visible_at is None or now >= paper.visible_at)
        ]
        return sorted(seen, key=lambda found: found[1].submitted(now))

    def advanced(self) -> tuple[Exchange, datetime]:
        """Do what is due; give the exchange and the time."""
        now = self.clock.now()
        exchange = self.desk.book.exchange
        exchange.advance(now)
        for number, paper in self.papers.items():
            if paper.cancel_due is not None and now >= paper.cancel_due:
                paper.cancel_due = None
                exchange.cancel(exchange.blotter.tickets[number - 1].order.client_order_id, now)
        return exchange, now

    def next_due(self) -> datetime | None:
        """Tell when something is due next."""
        due = [p.cancel_due for p in self.papers.values() if p.cancel_due is not None]
        at = self.desk.book.exchange.next_due()
        return min([*due, *([at] if at else [])], default=None)

    def _order(self, body: Mapping[str, Any], exchange: Exchange, now: datetime) -> tuple[Order, Terms]:
        """Check an order in Alpaca's order."""
        asked = terms.read(body, named("name", f"{self.number}/{len(self.papers)}"))
        terms.check(asked)
        terms.check_asset(asked, self.settings, exists=exchange.lists(asked.symbol))
        if self._is_known(asked.name):
            raise invalid("client_order_id must be unique")
        if asked.time_in_force == "opg" and exchange.is_open(now):
            raise forbidden("opg orders must be submitted after 7:00pm and before 9:28am")
        if self.settings.blocked:
            raise forbidden("account is not authorized to trade")
        order = asked.order(now)
        self._check_opposite(exchange, order)
        if order.side is Side.SELL and order.quantity is not None:
            self._check_held(exchange, order.symbol, order.quantity)
        self._check_worth(exchange, order)
        return order, asked

    def _is_known(self, name: str) -> bool:
        ticket = self.desk.book.exchange.blotter.named(ClientOrderId(name))
        return ticket is not None and ticket.number in self.papers

    def _check_opposite(self, exchange: Exchange, order: Order) -> None:
        for ticket in exchange.blotter.open_orders(order.symbol):
            if ticket.order.side is not order.side:
                kind = "limit" if ticket.order.limit_price else "market/stop"
                raise forbidden(
                    "potential wash trade detected. use complex orders",
                    existing_order_id=self.papers[ticket.number].id,
                    reject_reason=f"opposite side {kind} order exists",
                )

    def _check_held(self, exchange: Exchange, symbol: str, quantity: Decimal) -> None:
        free = exchange.balances.sellable(symbol)
        if quantity <= free:
            return
        held = exchange.balances.shares.get(symbol, Decimal(0))
        if not held and quantity % 1:
            raise invalid("fractional orders cannot be sold short", UNPROCESSABLE)
        if not held:
            raise forbidden("account is not allowed to short")
        holding = [self.papers[t.number].id for t in exchange.blotter.open_orders(symbol)]
        raise forbidden(
            f"insufficient qty available for order (requested: {plain(quantity)}, available: {plain(free)})",
            available=plain(free), existing_qty=plain(held), held_for_orders=plain(held - free),
            symbol=symbol,
            **({"related_orders": holding} if holding else {}),
        )  # fmt: skip

    def _check_worth(self, exchange: Exchange, order: Order) -> None:
        price = self._price(exchange, order)
        if order.side is Side.BUY and order.quantity and price and order.quantity * price < _ONE:
            raise forbidden("cost basis must be >= minimal amount of order 1")

    def _price(self, exchange: Exchange, order: Order) -> Decimal:
        return order.limit_price or last(exchange, order.symbol)
