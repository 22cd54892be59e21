"""Where orders meet the market: fills in steps, expiries, and what open orders hold meanwhile."""

from __future__ import annotations

import heapq
import random
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from planfill.adapters.brokers.mock.prices import NoPrice
from planfill.adapters.brokers.mock.rules import fee, needs
from planfill.adapters.brokers.mock.ticket import EXACT, LOT, Trade
from planfill.domain.order import Side
from planfill.domain.report import OrderStatus
from planfill.domain.values import Money, Price, Quantity, round_down

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.adapters.brokers.mock.balances import Balances
    from planfill.adapters.brokers.mock.blotter import Blotter
    from planfill.adapters.brokers.mock.prices import Prices
    from planfill.adapters.brokers.mock.settings import MockSettings
    from planfill.adapters.brokers.mock.ticket import Ticket
    from planfill.domain.order import Order


class Matching:
    """
    Fills what is due, in the order in which it is due.

    A limit order fills only where the market has come to its limit, and never beyond it; until then it
    rests without being looked at.
    """

    def __init__(self, settings: MockSettings, prices: Prices, balances: Balances, blotter: Blotter) -> None:
        self._settings = settings
        self._prices = prices
        self._balances = balances
        self._blotter = blotter
        self._delay = timedelta(seconds=settings.fill_delay_s)
        self._proceeds_delay = timedelta(seconds=settings.proceeds_delay_s)
        self._due: list[tuple[datetime, int]] = []

    def next_due(self) -> datetime | None:
        """Tell when something is due, as far as is known."""
        times = [at for at, _ in self._balances.coming]
        if self._due:
            times.append(self._due[0][0])
        return min(times, default=None)

    def advance(self, now: datetime) -> None:
        """Fill and expire what is due."""
        while self._due and self._due[0][0] <= now:
            at, number = heapq.heappop(self._due)
            ticket = self._blotter.tickets[number - 1]
            if not ticket.is_open:
                continue
            if ticket.expires_at is not None and ticket.expires_at <= at:
                self.end(ticket, OrderStatus.EXPIRED, at)
            elif ticket.due_at == at:
                self._step(ticket, at)
        if self._balances.coming and self._balances.show(now):
            self._blotter.stir()

    def accept(self, ticket: Ticket, now: datetime) -> None:
        """Let a new order work; what is due at once is done without setting anything aside before."""
        if ticket.due_at != now:
            self.work(ticket)
            return
        self._step(ticket, now)
        if ticket.is_open:
            self.withdraw(ticket)
            self.work(ticket)
            self.advance(now)

    def work(self, ticket: Ticket) -> None:
        """Let an open order work: set aside what it needs, and remember when it is due."""
        self._hold(ticket)
        for at in (ticket.due_at, ticket.expires_at):
            if at is not None:
                heapq.heappush(self._due, (at, ticket.number))

    def withdraw(self, ticket: Ticket) -> None:
        """Give back what an open order holds."""
        if not ticket.held:
            return
        if ticket.order.side is Side.SELL:
            self._balances.lock(ticket.order.symbol, -ticket.held)
        else:
            self._balances.reserve(-ticket.held)

    def schedule(self, ticket: Ticket, at: datetime | None) -> None:
        """Let the next step of a fill be due at ``at``, or let the order rest."""
        ticket.due_at = at
        self._blotter.rescheduled(ticket)
        if at is not None:
            heapq.heappush(self._due, (at, ticket.number))

    def end(self, ticket: Ticket, status: OrderStatus, at: datetime) -> None:
        """End an open order."""
        self.withdraw(ticket)
        ticket.status, ticket.changed_at, ticket.due_at = status, at, None
        self._blotter.saw(ticket)

    def force(self, ticket: Ticket, at: datetime, at_most: Quantity | None) -> None:
        """Let the market come to an order wherever it stands: at its price, or else at the order's limit."""
        price = self._price(ticket) or ticket.order.limit_price
        if price is not None:
            left = ticket.left(price)
            quantity = left if at_most is None else min(left, at_most)
            if quantity > 0:
                self._execute(ticket, quantity, price, at)

    def first_step(self, order: Order) -> Quantity | None:
        """Throw the dice whether the order fills in two steps, and how much the first of them is."""
        if not self._settings.partial_fills:
            return None
        dice = random.Random(f"{self._settings.seed}/{order.client_order_id}")  # noqa: S311 - a game
        if dice.random() >= self._settings.partial_fills:
            return None
        price = self._prices.fill(order.symbol, order.side)
        quantity = order.quantity or (order.notional or Decimal(0)) / (price or Decimal(1))
        lot = LOT if EXACT.remainder(quantity, Decimal(1)) else Decimal(1)
        return Quantity(round_down(quantity * dice.randint(10, 90) / 100, lot)) or None

    def _step(self, ticket: Ticket, at: datetime) -> None:
        if ticket.doom:
            ticket.raw = ticket.doom
            self.end(ticket, OrderStatus.REJECTED, at)
            return
        price = self._price(ticket)
        if price is None:
            self.schedule(ticket, None)
            return
        quantity = ticket.left(price)
        if ticket.first_step is not None:
            quantity, ticket.first_step = min(quantity, ticket.first_step), None
        if ticket.at_most is not None:
            quantity = min(quantity, Quantity(ticket.at_most - ticket.filled))
        if quantity <= 0:
            self.schedule(ticket, None)
            return
        ticket.steps += 1
        self._execute(ticket, quantity, price, at)
        if ticket.is_open:
            self.schedule(ticket, at + self._delay)

    def _price(self, ticket: Ticket) -> Price | None:
        order = ticket.order
        spread, limit = self._prices.of(order.symbol), order.limit_price
        price = self._prices.fill(order.symbol, order.side, 2 if ticket.steps else 1)
        if isinstance(spread, NoPrice) or price is None or limit is None:
            return price
        if order.side is Side.BUY:
            return min(price, limit) if spread.ask <= limit else None
        return max(price, limit) if spread.bid >= limit else None

    def _execute(self, ticket: Ticket, quantity: Quantity, price: Price, at: datetime) -> None:
        order, balances = ticket.order, self._balances
        self.withdraw(ticket)
        dollars = EXACT.multiply(quantity, price)
        charge = fee(self._settings, quantity, dollars)
        ticket.filled = Quantity(ticket.filled + quantity)
        ticket.paid_usd = Money(EXACT.add(ticket.paid_usd, dollars))
        ticket.fees_usd = Money(ticket.fees_usd + charge)
        ticket.changed_at = at
        if order.side is Side.BUY:
            balances.buy(order.symbol, quantity, EXACT.add(dollars, charge))
        else:
            net = EXACT.subtract(dollars, charge)
            balances.sell(order.symbol, quantity, net, at, at + self._proceeds_delay)
        if ticket.left(price):
            ticket.status = OrderStatus.PARTIALLY_FILLED
            self._hold(ticket)
        else:
            ticket.status = OrderStatus.FILLED
        number = len(self._blotter.trades) + 1
        self._blotter.trades.append(
            Trade(
                f"FILL-{number:06}",
                ticket.broker_order_id,
                order.symbol,
                order.side,
                quantity,
                price,
                charge,
                at,
            )
        )
        self._blotter.saw(ticket)

    def _hold(self, ticket: Ticket) -> None:
        price = ticket.reserve_price
        left = ticket.left(price)
        if ticket.order.side is Side.SELL:
            ticket.held = left
            self._balances.lock(ticket.order.symbol, left)
        else:
            ticket.held = needs(self._settings, left, EXACT.multiply(left, price))
            self._balances.reserve(ticket.held)
