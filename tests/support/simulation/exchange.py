"""The exchange of the simulation: the truth, with which everything that was told is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from simulation.dice import Fault

from planfill.domain.errors import (
    InsufficientFundsError,
    MarketClosedError,
    OrderConflict,
    OrderNotFound,
    OrderRejected,
)
from planfill.domain.identity import AccountKey
from planfill.domain.market import Account, Instrument, MarketSession, NoQuote, Quote
from planfill.domain.order import Side
from planfill.domain.report import TERMINAL, ExecutionReport, Fill, OrderStatus
from planfill.domain.values import BrokerOrderId, Money, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from simulation.dice import Dice
    from simulation.timeline import Timeline

    from planfill.domain.order import Order
    from planfill.domain.values import ClientOrderId

ACCOUNT: Final = AccountKey(broker="sim", environment="sim", number="1")
BORROWED: Final = Decimal(3000)
"""What an account with margin may spend beyond its cash."""
PRICES: Final = {"BIL": "90", "GLD": "170", "IWM": "200", "QQQ": "300", "SPY": "400", "TLT": "140"}
_SPREAD: Final = Decimal("0.0001")
_SLIPPAGE: Final = Decimal("0.0005")
_CENT: Final = Decimal("0.01")
_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class Ticket:
    """One order at the exchange, and every report there ever was of it, each with its time."""

    number: int
    order: Order
    quantity: Quantity
    accepted_s: float
    visible_s: float
    status: OrderStatus = OrderStatus.NEW
    filled: Decimal = _ZERO
    paid: Decimal = _ZERO
    priced_s: float = 0.0
    reports: list[tuple[float, ExecutionReport]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status not in TERMINAL

    @property
    def name(self) -> BrokerOrderId:
        return BrokerOrderId(f"SIM-{self.number}")

    def as_of(self, seconds: float) -> ExecutionReport:
        """Give the report as it was at a time; the first one where it is older than the order."""
        for at, report in reversed(self.reports):
            if at <= seconds:
                return report
        return self.reports[0][1]


class Exchange:
    """One account. It never looks at the application; time is the timeline's, orders come over the wire."""

    def __init__(self, timeline: Timeline, dice: Dice, *, unique_ids: bool, read_lag_s: float) -> None:
        self.tickets: list[Ticket] = []
        self.fills: list[tuple[float, Fill]] = []
        self.unique_ids = unique_ids
        self.read_lag_s = read_lag_s
        self.cash = Decimal(0)
        self.lowest_cash = Decimal(0)
        self.settled = Decimal(0)
        self.sold = Decimal(0)
        self.bought = Decimal(0)
        self.shares: dict[str, Decimal] = {}
        self.closes_s: float | None = None
        self.opens_s: float | None = None
        self.on_change: list[Callable[[], None]] = []
        self.say: Callable[..., None] = lambda *_: None
        self._coming = Decimal(0)
        self._timeline = timeline
        self._dice = dice

    def open(
        self, cash: Decimal, shares: dict[str, Decimal], closes_s: float | None, opens_s: float | None
    ) -> None:
        self.cash = self.lowest_cash = self.settled = cash
        self.shares = dict(shares)
        self.closes_s, self.opens_s = closes_s, opens_s
        if closes_s is not None:
            self._timeline.later(closes_s, self._close)

    @property
    def is_open(self) -> bool:
        now = self._timeline.elapsed
        return (self.opens_s is None or now >= self.opens_s) and (
            self.closes_s is None or now < self.closes_s
        )

    # What comes over the wire.

    def place(self, order: Order) -> ExecutionReport:
        known = self._named(order.client_order_id)
        if known is not None and self.unique_ids:
            self._dice.met[Fault.DUPLICATE_NAME] += 1
            if not known.order.same_terms(order):
                raise OrderConflict("another order bears this name")
            return known.reports[-1][1]
        if not self.is_open:
            raise MarketClosedError("the market is closed")
        if self._dice.happens(Fault.REJECTED):
            raise self._dice.pick((OrderRejected, InsufficientFundsError))("refused")
        if order.side is Side.SELL and (order.quantity or _ZERO) > self._sellable(order.symbol):
            raise OrderRejected("not enough shares")
        now = self._timeline.elapsed
        ticket = Ticket(len(self.tickets) + 1, order, order.quantity or Quantity(_ZERO), now, now)
        if self._dice.happens(Fault.HIDDEN):
            ticket.visible_s = now + self._dice.up_to(self.read_lag_s)
        self.tickets.append(ticket)
        self._report(ticket)
        self.say("accepted", order.client_order_id)
        self._fate(ticket)
        return ticket.reports[-1][1]

    def status(self, name: ClientOrderId) -> ExecutionReport:
        ticket = self._named(name)
        if ticket is None or ticket.visible_s > self._timeline.elapsed:
            raise OrderNotFound(f"no order {name}")
        return ticket.as_of(self._seen_s())

    def cancel(self, name: ClientOrderId) -> None:
        ticket = self._named(name)
        if ticket is None or ticket.visible_s > self._timeline.elapsed:
            raise OrderNotFound(f"no order {name}")
        if not ticket.is_open or self._dice.happens(Fault.CANCEL_IGNORED):
            return
        takes_s = self._dice.between(0, 0.5)
        if self._dice.happens(Fault.FILL_DURING_CANCEL):
            part = Quantity((ticket.quantity / 3).quantize(Decimal("1e-9")))
            self._fill_after(self._dice.between(0, takes_s), ticket, self._dice.pick((part, None)))
        self._timeline.later(takes_s, self._end, ticket, OrderStatus.CANCELED)

    def list_orders(self, since: datetime) -> list[ExecutionReport]:
        now, seen = self._timeline.elapsed, self._seen_s()
        return [
            ticket.as_of(seen)
            for ticket in self.tickets
            if ticket.visible_s <= now
            and (ticket.is_open or self._timeline.start + timedelta(seconds=ticket.accepted_s) >= since)
        ]

    def list_fills(self, since: datetime) -> list[Fill]:
        seen = self._seen_s()
        return [fill for at, fill in self.fills if at <= seen and fill.filled_at >= since]

    def account(self) -> Account:
        shown = self.cash - self._coming
        open_buys = sum(
            ((t.quantity - t.filled) * _ask(t.order.symbol) for t in self.tickets if _is_open_buy(t)), _ZERO
        )
        cash = Money(shown.quantize(_CENT))
        # What was sold in this session has not settled.
        settled = max(_ZERO, self.cash - self.sold)
        return Account(
            key=ACCOUNT,
            cash_usd=cash,
            settled_usd=Money(settled.quantize(_CENT)),
            buying_power_usd=Money(cash + BORROWED),
            open_buys_usd=Money(open_buys.quantize(_CENT)),
        )

    def sellable(self, symbols: Collection[str]) -> dict[str, Quantity]:
        return {s: Quantity(self._sellable(s)) for s in symbols if self.shares.get(s)}

    def held(self, symbols: Collection[str]) -> dict[str, Quantity]:
        return {s: Quantity(self.shares[s]) for s in symbols if self.shares.get(s)}

    def quotes(self, symbols: Collection[str]) -> dict[str, Quote | NoQuote]:
        at = self.time()
        return {
            symbol: NoQuote(symbol=symbol, detail="nobody quotes")
            if self._dice.happens(Fault.NO_QUOTE)
            else Quote(symbol=symbol, bid=_bid(symbol), ask=_ask(symbol), at=at, source="sim")
            for symbol in symbols
        }

    def instruments(self, symbols: Collection[str]) -> dict[str, Instrument]:
        return {symbol: Instrument(symbol=symbol) for symbol in symbols}

    def session(self) -> MarketSession:
        closes = None if self.closes_s is None else self._timeline.start + timedelta(seconds=self.closes_s)
        opens = None if self.opens_s is None else self._timeline.start + timedelta(seconds=self.opens_s)
        if self.is_open:
            return MarketSession(is_open=True, closes_at=closes)
        return MarketSession(is_open=False, opens_at=opens)

    def time(self) -> datetime:
        return self._timeline.start + timedelta(seconds=self._timeline.elapsed)

    # What becomes of orders.

    def settle(self) -> None:
        """Be done with what is still at work: the weather has cleared."""
        for ticket in self.tickets:
            unpriced = ticket.priced_s > self._timeline.elapsed
            ticket.priced_s = 0.0
            if unpriced:
                self._report(ticket)

    def _fate(self, ticket: Ticket) -> None:
        dice = self._dice
        if dice.happens(Fault.REJECTED_LATE):
            self._timeline.later(dice.between(0, 1), self._end, ticket, OrderStatus.REJECTED)
            return
        # The market comes to some of the limits that rest.
        if dice.happens(Fault.NEVER_FILLED) or (_rests(ticket.order) and dice.chance(0.6)):
            return
        delay = dice.between(1, 9) if dice.happens(Fault.LATE_FILL) else dice.pick((0, 0, 0.05, 0.3))
        if dice.happens(Fault.UNPRICED):
            ticket.priced_s = self._timeline.elapsed + delay + dice.between(0.1, 12)
        if dice.happens(Fault.PARTIAL):
            first = Quantity((ticket.quantity * Decimal(dice.number(1, 9)) / 10).quantize(Decimal("1e-9")))
            self._fill_after(delay, ticket, first)
            if dice.chance(0.3):
                return
            delay += dice.between(0, 3)
        self._fill_after(delay, ticket, None)

    def _fill_after(self, seconds: float, ticket: Ticket, shares: Quantity | None) -> None:
        if seconds:
            self._timeline.later(seconds, self._fill, ticket, shares)
        else:
            self._fill(ticket, shares)

    def _fill(self, ticket: Ticket, shares: Quantity | None) -> None:
        left = ticket.quantity - ticket.filled
        quantity = left if shares is None else min(shares, left)
        if not ticket.is_open or quantity <= 0:
            return
        order, now = ticket.order, self._timeline.elapsed
        price = _price_of(order)
        dollars = quantity * price
        ticket.filled += quantity
        ticket.paid += dollars
        if order.side is Side.BUY:
            self.cash -= dollars
            self.bought += dollars
            self.shares[order.symbol] = self.shares.get(order.symbol, _ZERO) + quantity
        else:
            self.cash += dollars
            self.sold += dollars
            self.shares[order.symbol] -= quantity
            if self._dice.happens(Fault.CASH_LAG):
                self._coming += dollars
                self._timeline.later(self._dice.between(0.1, 6), self._show, dollars)
        self.lowest_cash = min(self.lowest_cash, self.cash)
        fill = Fill(
            fill_id=f"FILL-{len(self.fills) + 1}",
            broker_order_id=ticket.name,
            symbol=order.symbol,
            side=order.side,
            quantity=Quantity(quantity),
            price=price,
            filled_at=self.time(),
        )
        self.fills.append((now, fill))
        whole = ticket.filled == ticket.quantity
        ticket.status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        self.say("filled", order.client_order_id, str(ticket.filled))
        self._report(ticket)
        if ticket.priced_s > now:
            self._timeline.later(ticket.priced_s - now, self._report, ticket)

    def _show(self, dollars: Decimal) -> None:
        self._coming -= dollars

    def _end(self, ticket: Ticket, status: OrderStatus) -> None:
        if ticket.is_open:
            ticket.status = status
            self.say(status.value.lower(), ticket.order.client_order_id, str(ticket.filled))
            self._report(ticket)

    def _close(self) -> None:
        self.say("market closed")
        self._dice.met[Fault.MARKET_CLOSED] += 1
        for ticket in self.tickets:
            self._end(ticket, OrderStatus.EXPIRED)

    def _report(self, ticket: Ticket) -> None:
        now = self._timeline.elapsed
        priced = ticket.filled and ticket.priced_s <= now
        values: dict[str, Any] = {"average_price": Price(ticket.paid / ticket.filled)} if priced else {}
        report = ExecutionReport(
            client_order_id=ticket.order.client_order_id,
            broker_order_id=ticket.name,
            symbol=ticket.order.symbol,
            side=ticket.order.side,
            status=ticket.status,
            filled_quantity=Quantity(ticket.filled),
            reported_at=self.time(),
            **values,
        )
        ticket.reports.append((now, report))
        for tell in tuple(self.on_change):
            tell()

    def _named(self, name: ClientOrderId) -> Ticket | None:
        for ticket in reversed(self.tickets):
            if ticket.order.client_order_id == name:
                return ticket
        return None

    def _seen_s(self) -> float:
        """Give the moment as of which a read tells the truth."""
        now = self._timeline.elapsed
        if self.read_lag_s and self._dice.happens(Fault.STALE_READ):
            return now - self._dice.up_to(self.read_lag_s)
        return now

    def _sellable(self, symbol: str) -> Decimal:
        locked = sum(
            (
                t.quantity - t.filled
                for t in self.tickets
                if t.is_open and t.order.symbol == symbol and t.order.side is Side.SELL
            ),
            _ZERO,
        )
        return self.shares.get(symbol, _ZERO) - locked


def near(symbol: str, side: Side) -> Price:
    """Give the price at which an order of a side would trade now."""
    return _ask(symbol) if side is Side.BUY else _bid(symbol)


def _is_open_buy(ticket: Ticket) -> bool:
    return ticket.is_open and ticket.order.side is Side.BUY


def _ask(symbol: str) -> Price:
    return Price(Decimal(PRICES[symbol]) * (1 + _SPREAD))


def _bid(symbol: str) -> Price:
    return Price(Decimal(PRICES[symbol]) * (1 - _SPREAD))


def _rests(order: Order) -> bool:
    if order.limit_price is None:
        return False
    return (
        order.limit_price < _ask(order.symbol)
        if order.side is Side.BUY
        else order.limit_price > _bid(order.symbol)
    )


def _price_of(order: Order) -> Price:
    slipped = _slipped(order)
    if order.limit_price is None:
        return slipped
    return min(slipped, order.limit_price) if order.side is Side.BUY else max(slipped, order.limit_price)


def _slipped(order: Order) -> Price:
    if order.side is Side.BUY:
        return Price(_ask(order.symbol) * (1 + _SLIPPAGE))
    return Price(_bid(order.symbol) * (1 - _SLIPPAGE))
