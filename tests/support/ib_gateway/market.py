"""What stands behind the gateway: the simulated exchange, and IB's own rules and papers around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from ib_gateway import terms as of_terms
from ib_gateway.contracts import Hours, Stock, find
from ib_gateway.faults import Fault
from ib_gateway.papers import Paper
from ib_gateway.terms import Refused, Terms
from planfill.adapters.brokers.mock import MockSettings
from planfill.adapters.brokers.mock.desk import Desk
from planfill.adapters.brokers.mock.handling import Handling
from planfill.adapters.clock import SystemClock
from planfill.domain.errors import InsufficientFundsError, InsufficientQuantityError, OrderRejected
from planfill.domain.order import Order, OrderType, Side
from planfill.domain.report import OrderStatus
from planfill.domain.values import ClientOrderId, Price, Quantity

if TYPE_CHECKING:
    from planfill.adapters.brokers.mock.exchange import Exchange
    from planfill.adapters.brokers.mock.ticket import Ticket

_A_WHILE: Final = timedelta(seconds=0.6)
_ONE: Final = Quantity(Decimal(1))
_SHORT_OF_DOLLARS: Final = (
    "Order rejected - reason:We are unable to accept your order. Your Available Funds are insufficient to "
    "place this order."
)
_SHORT_OF_SHARES: Final = (
    "Order rejected - reason:Short stock positions can only be held in a margin account."
)


class Market:
    """
    One account at Interactive Brokers; outlives the connections, and the gateways that show it.

    Settings are those of the mock exchange. Order ids are each client's own, and used up by what was
    refused, too; two orders of one reference are two.
    """

    def __init__(self, settings: MockSettings | Mapping[str, Any], *, number: str = "DU1234567") -> None:
        chosen = settings if isinstance(settings, MockSettings) else MockSettings.model_validate(settings)
        self.clock = SystemClock()
        self.number = number
        self.settings = chosen
        self.hours = Hours(chosen)
        always = {"market_open": True, "opens_at": None, "closes_at": None, "unique_ids": True}
        self.desk = Desk(MockSettings.model_validate(dict(chosen) | always), self.clock)
        self.papers: dict[int, Paper] = {}
        self._orders: dict[tuple[int, int], int] = {}
        self._last_id: dict[int, int] = {}
        self._was_open = False

    def exchange(self) -> AbstractContextManager[Exchange]:
        """Give the exchange, to be changed."""
        return self.desk.book.change()

    def next_id(self, client_id: int) -> int:
        """Tell the least order id that a client may use."""
        return self._last_id.get(client_id, 0) + 1

    def place(self, client_id: int, terms: Terms, fault: Fault | None = None) -> tuple[Ticket, Paper]:
        """Accept an order, or its repetition while it works; raises ``Refused`` as TWS does."""
        _, now = self.advanced()
        number = self._orders.get((client_id, terms.order_id))
        if number is not None:
            return self._again(number, terms)
        if terms.order_id < self.next_id(client_id):
            raise Refused(103, "Duplicate order id")
        self._last_id[client_id] = terms.order_id
        with self.exchange() as exchange:
            stock = self._stock(exchange, terms)
            of_terms.check(terms, self.number)
            waits = not self.hours.is_open(now)
            ticket = self._accepted(exchange, _order(client_id, terms, stock, now), now, rests=waits)
        paper = Paper(client_id, terms, stock, self.number, ticket.number, waits=waits)
        paper.visible_at = now + _A_WHILE if fault is Fault.NOT_VISIBLE else None
        paper.commission_hidden = fault is Fault.LATE_COMMISSION
        self.papers[ticket.number] = paper
        self._orders[client_id, terms.order_id] = ticket.number
        return ticket, paper

    def cancel(self, client_id: int, order_id: int, fault: Fault | None = None) -> tuple[Ticket, Paper]:
        """Cancel an order of a client that works; raises ``Refused`` where it does not."""
        exchange, now = self.advanced()
        number = self._orders.get((client_id, order_id))
        if number is None:
            raise Refused(10147, f"OrderId {order_id} that needs to be cancelled is not found.")
        ticket, paper = exchange.blotter.tickets[number - 1], self.papers[number]
        if not ticket.is_open:
            raise self._done(ticket, order_id)
        if fault is not Fault.CANCEL_IGNORED:
            first = {Fault.FILL_DURING_CANCEL, Fault.PARTIAL_FILL_DURING_CANCEL}
            at_most = _ONE if fault is Fault.PARTIAL_FILL_DURING_CANCEL else None
            with self.exchange() as exchange:
                handling = Handling(fill_first=fault in first, at_most=at_most)
                exchange.cancel(ticket.order.client_order_id, now, handling)
        return ticket, paper

    def mute(self, client_id: int, order_id: int) -> None:
        """Let nothing more be told of an order unasked."""
        number = self._orders.get((client_id, order_id))
        if number is not None:
            self.papers[number].muted = True

    def orders(self, *, is_open: bool) -> Iterator[tuple[Ticket, Paper]]:
        """Go through the orders that lists show, in the order of their numbers."""
        exchange, now = self.advanced()
        for number, paper in tuple(self.papers.items()):
            ticket = exchange.blotter.tickets[number - 1]
            if ticket.is_open is is_open and paper.is_visible(now):
                yield ticket, paper

    def advanced(self) -> tuple[Exchange, datetime]:
        """Do what is due; give the exchange and the time."""
        now = self.clock.now()
        with self.exchange() as exchange:
            exchange.advance(now)
            is_open = self.hours.is_open(now)
            if is_open is not self._was_open:
                self._was_open = is_open
                self._rang(exchange, now, is_open=is_open)
        return exchange, now

    def next_due(self) -> datetime | None:
        """Tell when something is due next."""
        due = [self.desk.book.exchange.next_due(), self.hours.next_change(self.clock.now())]
        return min((at for at in due if at is not None), default=None)

    def _stock(self, exchange: Exchange, terms: Terms) -> Stock:
        stock = find(exchange, con_id=terms.con_id, name=terms.symbol)
        if stock is None or terms.security != "STK" or terms.currency != "USD":
            raise Refused(200, "No security definition has been found for the request")
        if stock.symbol in self.settings.not_tradable:
            raise Refused(203, f"The security {stock.name} is not available or allowed for this account.")
        return stock

    def _accepted(self, exchange: Exchange, order: Order, now: datetime, *, rests: bool) -> Ticket:
        try:
            exchange.place(order, now, Handling(rests=rests))
        except InsufficientFundsError as e:
            raise Refused(201, _SHORT_OF_DOLLARS) from e
        except InsufficientQuantityError as e:
            raise Refused(201, _SHORT_OF_SHARES) from e
        except OrderRejected as e:
            raise Refused(201, f"Order rejected - reason:{e}") from e
        ticket = exchange.blotter.named(order.client_order_id)
        assert ticket is not None
        return ticket

    def _again(self, number: int, terms: Terms) -> tuple[Ticket, Paper]:
        ticket, paper = self.desk.book.exchange.blotter.tickets[number - 1], self.papers[number]
        if not ticket.is_open:
            raise Refused(103, "Duplicate order id")
        if not paper.terms.same(terms):
            raise Refused(105, "Order being modified does not match original order.")
        return ticket, paper

    def _done(self, ticket: Ticket, order_id: int) -> Refused:
        state = "Filled" if ticket.status is OrderStatus.FILLED else "Cancelled"
        return Refused(
            10148, f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {state}."
        )

    def _rang(self, exchange: Exchange, now: datetime, *, is_open: bool) -> None:
        """End the day's orders at the close; send at the opening those that waited for it."""
        for ticket in tuple(exchange.blotter.all_open()):
            paper = self.papers[ticket.number]
            if is_open and paper.waits:
                paper.waits = ticket.rests = False
                exchange._matching.schedule(ticket, now)
            elif not is_open and paper.terms.tif == "DAY" and not paper.waits:
                exchange._matching.end(ticket, OrderStatus.EXPIRED, now)
        exchange.advance(now)


def _order(client_id: int, terms: Terms, stock: Stock, now: datetime) -> Order:
    return Order(
        client_order_id=ClientOrderId(f"ib-{client_id}-{terms.order_id}"),
        symbol=stock.symbol,
        side=Side[terms.action],
        order_type=OrderType.MARKET if terms.kind == "MKT" else OrderType.LIMIT,
        quantity=Quantity(terms.quantity),
        limit_price=Price(terms.limit) if terms.kind == "LMT" and terms.limit else None,
        quoted_at=now,
    )
