"""The simulated exchange: deterministic, without input or output; the time is handed in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from planfill.adapters.brokers.mock import rules
from planfill.adapters.brokers.mock.balances import Balances
from planfill.adapters.brokers.mock.blotter import Blotter
from planfill.adapters.brokers.mock.handling import AS_USUAL, Handling
from planfill.adapters.brokers.mock.matching import Matching
from planfill.adapters.brokers.mock.ticket import Ticket
from planfill.domain.errors import (
    MarketClosedError,
    NotTradableError,
    OrderConflict,
    OrderNotFound,
    OrderRejected,
)
from planfill.domain.market import Instrument, MarketSession
from planfill.domain.order import Order
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.values import BrokerOrderId

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from planfill.adapters.brokers.mock.prices import Prices
    from planfill.adapters.brokers.mock.settings import MockSettings
    from planfill.domain.values import ClientOrderId, Quantity


class Exchange:
    """
    One account at an exchange that fills orders at the quote and the slippage.

    Every method that takes the time first does what is due by then, in the order in which it was due.
    While ``holding_fills``, new orders rest until ``fill`` lets the market come to them.
    """

    def __init__(self, settings: MockSettings, prices: Prices) -> None:
        self.prices = prices
        self.balances = Balances()
        self.blotter = Blotter()
        self.holding_fills = False
        self.shown = settings.quote_size
        self._settings = settings
        self._matching = Matching(settings, prices, self.balances, self.blotter)
        self._instruments: dict[str, Instrument] = {}
        self.advance = self._matching.advance
        self.next_due = self._matching.next_due

    def is_open(self, now: datetime) -> bool:
        """Tell whether the session is on."""
        opens, closes = self._settings.opens_at, self._settings.closes_at
        return (
            self._settings.market_open
            and (opens is None or opens <= now)
            and (closes is None or now < closes)
        )

    def session(self, now: datetime) -> MarketSession:
        """Describe the session; what comes after it nobody knows."""
        opens, closes = self._settings.opens_at, self._settings.closes_at
        return MarketSession(
            is_open=self.is_open(now),
            opens_at=opens if opens is not None and now < opens else None,
            closes_at=closes if closes is not None and now < closes else None,
        )

    def lists(self, symbol: str) -> bool:
        """Tell whether the symbol exists here: it has a price, be it nonsense, or is held."""
        return self.prices.knows(symbol) or symbol in self.balances.shares

    def instruments(self, symbols: Collection[str]) -> dict[str, Instrument]:
        """Describe those of the symbols that exist."""
        known = self._instruments
        for symbol in symbols:
            if symbol not in known and self.lists(symbol):
                known[symbol] = rules.instrument(symbol, self._settings)
        return {symbol: known[symbol] for symbol in symbols if symbol in known}

    def place(self, order: Order, now: datetime, handling: Handling = AS_USUAL) -> ExecutionReport:
        """Accept an order, or report on the one that bears its name already."""
        self.advance(now)
        known = self.blotter.named(order.client_order_id)
        if known is not None and self._settings.unique_ids:
            return self._again(known, order)
        ticket = self._ticket(order, now, handling)
        why = handling.refusal or self._refusal(ticket, now)
        if why is not None:
            ticket.refuse(why)
            self.blotter.add(ticket)
            return self._again(ticket, order)
        self.blotter.add(ticket)
        self._matching.accept(ticket, now)
        return self.blotter.report(ticket)

    def status(self, client_order_id: ClientOrderId, now: datetime) -> ExecutionReport:
        """Report on an order."""
        self.advance(now)
        return self.blotter.report(self._visible(client_order_id, now))

    def cancel(self, client_order_id: ClientOrderId, now: datetime, handling: Handling = AS_USUAL) -> None:
        """End an order that works; what is done stays as it is."""
        self.advance(now)
        ticket = self._visible(client_order_id, now)
        if ticket.is_open and handling.fill_first:
            self._matching.force(ticket, now, handling.at_most)
        if ticket.is_open and not handling.ignore:
            self._matching.end(ticket, OrderStatus.CANCELED, now)

    def replace(self, client_order_id: ClientOrderId, quantity: Quantity, now: datetime) -> None:
        """
        Let somebody else put an order of ``quantity`` shares in the place of one that works.

        It has a name of its own and fills by itself; what the first has filled stays with the first.
        """
        self.advance(now)
        ticket = self._visible(client_order_id, now)
        name = f"replaces-{ticket.broker_order_id}"
        terms = {**dict(ticket.order), "client_order_id": name, "quantity": quantity, "notional": None}
        other = self._ticket(Order.model_validate(terms), now, AS_USUAL)
        ticket.why = other.broker_order_id
        self._matching.end(ticket, OrderStatus.REPLACED, now)
        self.blotter.add(other)
        self._matching.accept(other, now)

    def fill(self, symbol: str, now: datetime, at_most: Quantity | None = None) -> None:
        """Let the market come to the open orders of a symbol; ``at_most`` shares of each are filled."""
        self.advance(now)
        for ticket in self.blotter.open_orders(symbol):
            self._matching.force(ticket, now, at_most)

    def reprice(self, symbol: str, price: object, now: datetime) -> None:
        """Let the market move; resting limit orders that it reaches are filled."""
        self.advance(now)
        self.prices.change(symbol, price)
        for ticket in self.blotter.open_orders(symbol):
            if ticket.due_at is None and ticket.order.limit_price and not ticket.rests:
                self._matching.schedule(ticket, now)
        self.advance(now)

    def take_over(self, before: Exchange) -> None:
        """Go on in the place of another object."""
        self.holding_fills = before.holding_fills
        self.blotter.on_change = before.blotter.on_change
        self.blotter.happened = before.blotter.happened

    def restore(self, ticket: Ticket) -> None:
        """Take over the state of an order that another process has written."""
        before = self.blotter.put(ticket)
        if before is not None and before.is_open:
            self._matching.withdraw(before)
        if ticket.is_open:
            self._matching.work(ticket)

    def _ticket(self, order: Order, now: datetime, handling: Handling) -> Ticket:
        number = len(self.blotter.tickets) + 1
        settings = self._settings
        delay = settings.fill_delay_s if handling.fill_delay_s is None else handling.fill_delay_s
        hidden = max(settings.read_lag_s, handling.hidden_s)
        rests = handling.rests or self.holding_fills
        steps = 2 if settings.partial_fills else 1
        return Ticket(
            number=number,
            broker_order_id=BrokerOrderId(f"MOCK-{number:06}"),
            order=order,
            accepted_at=now,
            changed_at=now,
            due_at=None if rests else now + timedelta(seconds=delay) if delay else now,
            visible_at=now + timedelta(seconds=hidden) if hidden else None,
            expires_at=settings.closes_at,
            rests=rests,
            first_step=self._matching.first_step(order),
            at_most=handling.at_most,
            doom=handling.doom,
            reserve_price=rules.reserve_price(order, self.prices, steps=steps),
        )

    def _again(self, known: Ticket, order: Order) -> ExecutionReport:
        if not known.order.same_terms(order):
            raise OrderConflict(f"client order id {order.client_order_id} names another order")
        why = known.error()
        if why is not None:
            raise why
        return self.blotter.report(known)

    def _refusal(self, ticket: Ticket, now: datetime) -> OrderRejected | None:
        order = ticket.order
        if not self.lists(order.symbol):
            return NotTradableError(f"asset {order.symbol} not found")
        if not self.is_open(now):
            return MarketClosedError("the market is closed")
        if self.blotter.has_open(order.symbol, other_than=order.side):
            return OrderRejected("potential wash trade: an order of the opposite side is open")
        return rules.refusal(order, ticket.reserve_price, self._settings, self.prices, self.balances)

    def _visible(self, client_order_id: ClientOrderId, now: datetime) -> Ticket:
        ticket = self.blotter.named(client_order_id)
        if ticket is None or not ticket.is_visible(now):
            raise OrderNotFound(f"order not found for {client_order_id}")
        return ticket
