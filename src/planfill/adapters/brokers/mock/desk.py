"""Where requests arrive: latency, faults and the book, for every port alike."""

from __future__ import annotations

import heapq
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from planfill.adapters.brokers.mock.book import Book, MemoryBook
from planfill.adapters.brokers.mock.exchange import Exchange
from planfill.adapters.brokers.mock.handling import AS_USUAL, Handling
from planfill.adapters.brokers.mock.opening import opening
from planfill.adapters.brokers.mock.price_file import read_prices
from planfill.adapters.brokers.mock.prices import Prices
from planfill.adapters.brokers.mock.script import Call, Fault, Script
from planfill.adapters.brokers.mock.sqlite_book import SqliteBook, copied
from planfill.domain.errors import ExecutionError
from planfill.domain.values import Money, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from planfill.adapters.brokers.mock.settings import MockSettings
    from planfill.application.ports.clock import Clock
    from planfill.domain.plan import Plan
    from planfill.domain.values import ClientOrderId

T = TypeVar("T")
Effect: TypeAlias = "Callable[[Exchange, datetime, Handling], T]"


class Desk:
    """
    The simulated exchange and the way to it; what all ports of the family share.

    The methods that are not ``async`` are for tests: they see the exchange from inside and move the market.
    """

    def __init__(
        self,
        settings: MockSettings,
        clock: Clock,
        script: Script | None = None,
        *,
        aside: bool = False,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.script = Script() if script is None else script
        last, origin = read_prices(settings.prices)
        self.prices = Prices(
            last, spread_bps=settings.spread_bps, slippage_bps=settings.slippage_bps, origin=origin
        )
        self.book = self._new_book(aside=aside)
        self._late: list[tuple[datetime, int, Effect[Any], Handling]] = []
        self._tie = count()
        if isinstance(settings.holdings, dict) and settings.cash is not None:
            with self.book.change() as exchange:
                if not exchange.balances.opened:
                    shares = {s: Quantity(held) for s, held in settings.holdings.items()}
                    exchange.balances.open(shares, Money(settings.cash))

    async def call(
        self, method: str, symbols: Collection[str], effect: Effect[T], *, changes: bool = False
    ) -> T:
        """Perform a request: half the latency, its effect with the faults of the script, the other half."""
        latency = self.settings.latency_s / 2
        if latency:
            await self.clock.sleep(latency)
        faults = self.script.faults(method, symbols) if self.script else ()
        if faults:
            answer = await self._faulty(effect, faults, changes=changes)
        else:
            answer = self._perform(effect, AS_USUAL, changes=changes)
        if latency:
            await self.clock.sleep(latency)
        return answer

    def open_for(self, plan: Plan) -> None:
        """Open an empty book with what the plan says is held; leave any other alone."""
        with self.book.change() as exchange:
            if not exchange.balances.opened:
                exchange.balances.open(*opening(plan, self.settings, self.prices))

    def hold_fills(self, *, on: bool = True) -> None:
        """Let new orders rest until ``let_fill``; ``on=False`` ends that for later orders."""
        self.book.exchange.holding_fills = on

    def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        """Fill the open orders of a symbol now, or so many shares of each."""
        with self.book.change() as exchange:
            exchange.fill(symbol, self.clock.now(), shares)

    def replace(self, client_order_id: ClientOrderId, quantity: Quantity) -> None:
        """Let somebody else put an order for so many shares in the place of one that works."""
        with self.book.change() as exchange:
            exchange.replace(client_order_id, quantity, self.clock.now())

    def move(self, symbol: str, price: object) -> None:
        """Set the last price of a symbol; resting limit orders that it reaches are filled."""
        with self.book.change() as exchange:
            exchange.reprice(symbol, price, self.clock.now())

    def on_change(self, tell: Callable[[], None]) -> None:
        """Tell somebody whenever anything becomes of an order after its acceptance."""
        self.book.exchange.blotter.on_change = tell

    def happened(self) -> int:
        """Do what is due; tell how often something has become of an order so far."""
        with self.book.look(self.clock.now()) as exchange:
            return exchange.blotter.happened

    def next_due(self) -> datetime | None:
        """Tell when something is due next, as far as is known."""
        return self.book.exchange.next_due()

    def symbols_of(self, client_order_id: ClientOrderId) -> tuple[str, ...]:
        """Tell what an order trades, for the script."""
        ticket = self.book.exchange.blotter.named(client_order_id) if self.script else None
        return (ticket.order.symbol,) if ticket else ()

    def positions(self) -> Mapping[str, Quantity]:
        """Tell the shares that are held."""
        with self.book.look(self.clock.now()) as exchange:
            return dict(exchange.balances.shares)

    def cash(self) -> Money:
        """Tell the cash, to its last digit."""
        with self.book.look(self.clock.now()) as exchange:
            return exchange.balances.cash_usd

    def _perform(self, effect: Effect[T], handling: Handling, *, changes: bool) -> T:
        now = self.clock.now()
        while self._late and self._late[0][0] <= now:
            at, _, late_effect, late_handling = heapq.heappop(self._late)
            with suppress(ExecutionError), self.book.change() as exchange:
                late_effect(exchange, at, late_handling)
        with self.book.change() if changes else self.book.look(now) as exchange:
            return effect(exchange, now, handling)

    async def _faulty(self, effect: Effect[T], faults: Sequence[Fault], *, changes: bool) -> T:
        def again_after(seconds: float) -> None:
            at = self.clock.now() + timedelta(seconds=seconds)
            heapq.heappush(self._late, (at, next(self._tie), effect, call.handling))

        call = Call(self.clock, again_after)
        for fault in faults:
            await fault.before(call)
        answer: object
        try:
            answer = self._perform(effect, call.handling, changes=changes)
        except ExecutionError as e:
            answer = e  # a refusal is an answer too, and can be lost as any other
        for fault in reversed(faults):
            answer = await fault.after(call, answer)
        if isinstance(answer, ExecutionError):
            raise answer
        return cast("T", answer)

    def _new_book(self, *, aside: bool) -> Book:
        if self.settings.in_memory:
            return MemoryBook(self._new_exchange())
        if aside:
            return MemoryBook(copied(self.settings.book, self._new_exchange()))
        return SqliteBook(self.settings.book, self._new_exchange)

    def _new_exchange(self) -> Exchange:
        return Exchange(self.settings, self.prices)


class AtDesk:
    """A port of the exchange; ``desk`` is the exchange itself, from inside."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
