"""What stands behind the server: the simulated exchange, and Alpaca's own rules and papers around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from alpaca_server import bodies, hours, means, terms
from alpaca_server.bodies import Paper, named
from alpaca_server.errors import UNPROCESSABLE, Refused, forbidden, invalid, order_not_found
from alpaca_server.faults import Fault
from alpaca_server.hours import Hours
from alpaca_server.news import News
from alpaca_server.replacing import replacement
from planfill.adapters.brokers.mock import MockSettings
from planfill.adapters.brokers.mock.desk import Desk
from planfill.adapters.brokers.mock.handling import Handling
from planfill.adapters.clock import SystemClock
from planfill.domain.errors import InsufficientFundsError, OrderConflict, OrderRejected
from planfill.domain.order import Order
from planfill.domain.values import ClientOrderId, Quantity

if TYPE_CHECKING:
    from alpaca_server.terms import Terms
    from planfill.adapters.brokers.mock.exchange import Exchange
    from planfill.adapters.brokers.mock.ticket import Ticket

_A_WHILE: Final = timedelta(seconds=0.6)
_ONE: Final = Quantity(Decimal(1))
# Whole shares are routed, and stamped anew, this long after they came; fractions at once.
_ROUTING: Final = timedelta(milliseconds=4)


class Market:
    """
    One account at an Alpaca; outlives the servers that show it.

    Settings are those of the mock exchange. A book in a file outlives this object, too: of its orders only
    the time in force and the replacements are forgotten. ``on_event`` is told what the stream says.
    """

    def __init__(self, settings: MockSettings | Mapping[str, Any], *, number: str = "PA0000001") -> None:
        chosen = settings if isinstance(settings, MockSettings) else MockSettings.model_validate(settings)
        self.clock = SystemClock()
        self.number = number
        self.settings = chosen
        self.hours = Hours(chosen)
        self.desk = Desk(hours.without_hours(chosen), self.clock)
        self.papers: dict[int, Paper] = {}
        self.on_event: Callable[[dict[str, Any]], None] = lambda _: None
        self.quoted: dict[str, dict[str, Any] | None] = {}
        self.tell = News(self).tell
        self._by_id: dict[str, int] = {}
        self._canceling: set[int] = set()
        self._was_open = False
        for ticket in self.desk.book.exchange.blotter.tickets:
            if not ticket.refusal:
                self._file(ticket, waits=ticket.is_open and ticket.rests)
        # Nobody listens yet: what a book already has is no news.
        self.tell()

    def exchange(self) -> AbstractContextManager[Exchange]:
        """Give the exchange, to be changed."""
        return self.desk.book.change()

    def place(self, body: Mapping[str, Any], fault: Fault | None = None) -> Ticket:
        """Accept an order; raises ``Refused`` as Alpaca does."""
        _, now = self.advanced()
        waits = not self.hours.is_open(now)
        with self.exchange() as exchange:
            order, asked = self._order(body, exchange, now)
            handling = Handling(fill_delay_s=1.0 if fault is Fault.SLOW_FILL else None, rests=waits)
            try:
                exchange.place(order, now, handling)
            except (OrderRejected, OrderConflict) as e:
                # Alpaca remembers the names of orders, not of what it refused.
                exchange.blotter._named.pop(order.client_order_id, None)
                short_of_dollars = isinstance(e, InsufficientFundsError)
                raise (means.too_dear(exchange, order) if short_of_dollars else invalid(str(e))) from e
            ticket = exchange.blotter.named(order.client_order_id)
            assert ticket is not None
            paper = self._file(ticket, asked, waits=waits)
            paper.visible_at = now + _A_WHILE if fault is Fault.NOT_VISIBLE else None
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
            raise self._done(ticket, paper)
        if fault is Fault.CANCEL_IGNORED:
            return
        if fault in {Fault.PENDING_CANCEL, Fault.FILL_WHILE_PENDING}:
            paper.cancel_due = now + _A_WHILE
            paper.fills_first = fault is Fault.FILL_WHILE_PENDING
            self._canceling.add(ticket.number)
            return
        with self.exchange() as exchange:
            first = {Fault.FILL_DURING_CANCEL, Fault.PARTIAL_FILL_DURING_CANCEL}
            at_most = _ONE if fault is Fault.PARTIAL_FILL_DURING_CANCEL else None
            handling = Handling(fill_first=fault in first, at_most=at_most)
            exchange.cancel(ticket.order.client_order_id, now, handling)

    def replace(self, order_id: str, body: Mapping[str, Any]) -> Ticket:
        """Put another order in the place of one that works: a new id, and a name of its own."""
        ticket, paper = self.find(order_id=order_id)
        if not ticket.is_open:
            raise self._done(ticket, paper)
        status = bodies.status_of(ticket, paper, self.clock.now())
        if status == "pending_cancel":
            raise invalid("order pending cancel", UNPROCESSABLE)
        if status == "accepted":
            raise invalid("cannot replace order in accepted status", UNPROCESSABLE)
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
        _, now = self.advanced()
        seen = [
            (ticket, paper)
            for ticket, paper in self.everything()
            if paper.visible_at is None or now >= paper.visible_at
        ]
        return sorted(seen, key=lambda found: found[1].submitted(now))

    def everything(self) -> list[tuple[Ticket, Paper]]:
        """List all orders, whoever can see them, in the order of their numbers."""
        tickets = self.advanced()[0].blotter.tickets
        return [(t, self.papers[t.number]) for t in tickets if t.number in self.papers]

    def advanced(self) -> tuple[Exchange, datetime]:
        """Do what is due; give the exchange and the time."""
        now = self.clock.now()
        with self.exchange() as exchange:
            exchange.advance(now)
            is_open = self.hours.is_open(now)
            if is_open is not self._was_open:
                self._was_open = is_open
                if is_open:
                    hours.opened(exchange, self.papers, now, self.settings.fill_delay_s)
                else:
                    hours.closed(exchange, self.papers, now)
            for number in tuple(self._canceling):
                paper = self.papers[number]
                if paper.cancel_due is not None and now >= paper.cancel_due:
                    self._canceling.remove(number)
                    paper.cancel_due = None
                    name = exchange.blotter.tickets[number - 1].order.client_order_id
                    exchange.cancel(name, now, Handling(fill_first=paper.fills_first))
        return exchange, now

    def next_due(self) -> datetime | None:
        """Tell when something is due next."""
        due = [self.papers[number].cancel_due for number in self._canceling]
        due += [self.desk.book.exchange.next_due(), self.hours.next_change(self.clock.now())]
        return min((at for at in due if at is not None), default=None)

    def _file(self, ticket: Ticket, asked: Terms | None = None, *, waits: bool) -> Paper:
        """Make out the papers of an order; its id is the same after every restart."""
        at, quantity = ticket.accepted_at, ticket.order.quantity
        is_whole = quantity is not None and quantity % 1 == 0
        time_in_force = asked.time_in_force if asked else "day"
        routed_at = at + _ROUTING if is_whole and not waits else at
        paper = Paper(
            named("order", f"{self.number}/{ticket.number}"), at, routed_at,
            self.hours.expires_at(at, time_in_force), time_in_force,
            extended_hours=asked is not None and asked.extended_hours, waits=waits, routed=not waits,
        )  # fmt: skip
        self.papers[ticket.number] = paper
        self._by_id[paper.id] = ticket.number
        return paper

    def _order(self, body: Mapping[str, Any], exchange: Exchange, now: datetime) -> tuple[Order, Terms]:
        """Check an order in Alpaca's order."""
        asked = terms.read(body, named("name", f"{self.number}/{len(self.papers)}"))
        terms.check(asked)
        terms.check_asset(asked, self.settings, exists=exchange.lists(asked.symbol))
        if self._is_known(asked.name):
            raise invalid("client_order_id must be unique")
        if asked.time_in_force == "opg" and self.hours.is_open(now):
            raise forbidden("opg orders must be submitted after 7:00pm and before 9:28am")
        if self.settings.blocked:
            raise forbidden("account is not authorized to trade")
        order = asked.order(now)
        means.check(exchange, self.papers, order)
        return order, asked

    def _is_known(self, name: str) -> bool:
        ticket = self.desk.book.exchange.blotter.named(ClientOrderId(name))
        return ticket is not None and ticket.number in self.papers

    def _done(self, ticket: Ticket, paper: Paper) -> Refused:
        status = bodies.status_of(ticket, paper, self.clock.now())
        return invalid(f'order is already in "{status}" state', UNPROCESSABLE)
