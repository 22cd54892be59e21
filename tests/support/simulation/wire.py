"""The way between a process and the exchange: what is on it arrives, whatever becomes of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from simulation.dice import Fault

from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.application.ports.market import BrokerAccount, InstrumentCatalog, MarketData, MarketHours
from planfill.domain.errors import (
    BrokerConnectionError,
    BrokerUnavailable,
    ExecutionError,
    OrderRejected,
    OutcomeUnknown,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from simulation.dice import Dice
    from simulation.exchange import Exchange
    from simulation.process import Process
    from simulation.timeline import Timeline

    from planfill.domain.market import Account, Instrument, MarketSession, NoQuote, Quote
    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport, Fill
    from planfill.domain.values import ClientOrderId, Quantity

T = TypeVar("T")
TIMEOUT_S: Final = 1.0


class _Fortune(NamedTuple):
    """When the copies of a request arrive, and what the sender hears: the answer, or an error before it."""

    arrives_s: tuple[float, ...] = ()
    fails_s: float = TIMEOUT_S
    error: Exception = OutcomeUnknown("timed out")
    heard: bool = True
    unreadable: bool = False


class _Request:
    """One request on its way, and perhaps a copy of it."""

    def __init__(self, wire: Wire, process: Process, what: str, effect: Callable[[], object]) -> None:
        wire.sent += 1
        self.answer = wire.timeline.create_future()
        self._number = wire.sent
        self._wire = wire
        self._process = process
        self._what = what
        self._effect = effect
        self._refusal: OrderRejected | None = None

    def arrive(self, fortune: _Fortune) -> None:
        """Have the effect; then answer."""
        wire, dice = self._wire, self._process.dice
        if self._number < wire.arrived:
            dice.met[Fault.REORDERED] += 1
        wire.arrived = max(wire.arrived, self._number)
        # A copy of a request that was refused is refused as well; a new request may not be.
        result, error = (None, self._refusal) if self._refusal else _tried(self._effect)
        if isinstance(error, OrderRejected):
            self._refusal = error
        self._process.boundary(f"{self._what} arrived")
        if fortune.unreadable:
            error = ValueError("the answer cannot be read")
        if fortune.heard and not wire.is_down:
            wire.timeline.later(dice.between(0.001, 0.1), _answer, self.answer, result, error)


class Wire:
    """
    Requests and answers, each with a delay of its own, some of them lost, late, or doubled.

    A request arrives within ``delivery_s`` or never.
    """

    def __init__(self, timeline: Timeline, exchange: Exchange, delivery_s: float) -> None:
        self.exchange = exchange
        self.is_down = False
        self.timeline = timeline
        self._delivery_s = delivery_s
        self.sent = self.arrived = 0

    async def change(self, process: Process, what: str, effect: Callable[[], T]) -> T:
        """Send a request that changes something; what becomes of it is decided now."""
        request = _Request(self, process, what, effect)
        fortune = self._fortune(process.dice)
        for at_s in fortune.arrives_s:
            self.timeline.later(at_s, request.arrive, fortune)
        self.timeline.later(fortune.fails_s, _answer, request.answer, None, fortune.error)
        result: T = await self._answered(process, what, request.answer)
        return result

    def fail(self, seconds: float) -> None:
        """Let nothing be answered for a while."""
        self.is_down = True
        self.timeline.later(seconds, self.recover)

    def recover(self) -> None:
        """Work again."""
        self.is_down = False

    def _fortune(self, dice: Dice) -> _Fortune:
        if self.is_down and dice.chance(0.5):
            return _Fortune(error=OutcomeUnknown("no answer, nothing arrived"))
        if self.is_down or dice.happens(Fault.UNAVAILABLE):
            refused = BrokerUnavailable("connection refused")
            return _Fortune(fails_s=dice.between(0.001, 0.2), error=refused)
        reset_s = dice.pick((TIMEOUT_S, 0.01, dice.between(0.01, TIMEOUT_S)))
        if dice.happens(Fault.REQUEST_LOST):
            return _Fortune(fails_s=reset_s, error=OutcomeUnknown("reset, nothing arrived"))
        soon_s, again_s = dice.between(0.001, 0.1), tuple[float, ...]()
        # An exchange that takes any name twice makes two orders of it: nobody could prevent that.
        if self.exchange.unique_ids and dice.happens(Fault.DELIVERED_TWICE):
            again_s = (dice.up_to(self._delivery_s),)
        if dice.happens(Fault.DELIVERED_LATE):
            late_s, error = dice.up_to(self._delivery_s), OutcomeUnknown("reset, it arrives later")
            return _Fortune((late_s, *again_s), fails_s=reset_s, error=error, heard=False)
        if dice.happens(Fault.ANSWER_LOST):
            error = OutcomeUnknown("reset, it has arrived")
            return _Fortune((soon_s, *again_s), fails_s=reset_s, error=error, heard=False)
        if dice.happens(Fault.TIMED_OUT):
            soon_s = dice.up_to(self._delivery_s)
        return _Fortune((soon_s, *again_s), unreadable=dice.happens(Fault.GARBLED))

    async def read(self, process: Process, what: str, effect: Callable[[], T]) -> T:
        """Ask for something; what is asked has no effect, and all of it is lost or none."""
        dice, answer = process.dice, asyncio.get_running_loop().create_future()
        if self.is_down:
            no_route = BrokerUnavailable("no route")
            self.timeline.later(dice.between(0.001, 0.5), _answer, answer, None, no_route)
        elif dice.happens(Fault.READ_FAILED):
            error = dice.pick((BrokerUnavailable, OutcomeUnknown, ValueError))("no answer")
            self.timeline.later(dice.between(0.001, 0.5), _answer, answer, None, error)
        else:

            def arrive() -> None:
                result, error = _tried(effect)
                self.timeline.later(dice.between(0.001, 0.05), _answer, answer, result, error)

            self.timeline.later(dice.between(0.001, 0.05), arrive)
        result: T = await self._answered(process, what, answer)
        return result

    async def _answered(self, process: Process, what: str, answer: asyncio.Future[Any]) -> Any:
        process.boundary(f"{what} sent")
        try:
            result = await answer
        except Exception as e:
            process.say(what, f"{type(e).__name__}: {e}")
            raise
        process.say(what, "answered")
        return result


def _tried(effect: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return effect(), None
    except ExecutionError as e:
        return None, e


def _answer(answer: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


class Terminal(Broker, BrokerRecords, MarketData, BrokerAccount, InstrumentCatalog, MarketHours, ReportFeed):
    """Every port of the exchange, as one process has them."""

    def __init__(self, process: Process, wire: Wire) -> None:
        self._process = process
        self._wire = wire
        self._exchange = wire.exchange

    async def place_order(self, order: Order) -> ExecutionReport:
        self._process.about_to_send(order)
        what = f"place {order.client_order_id}"
        law, left = self._process.world.law, self._process.world.clock.now()

        def effect() -> ExecutionReport:
            before = len(self._exchange.tickets)
            report = self._exchange.place(order)
            if len(self._exchange.tickets) > before:
                law.took(order, left)
            return report

        try:
            report = await self._wire.change(self._process, what, effect)
        except BrokerConnectionError:
            self._process.unanswered += 1
            raise
        except OrderRejected:
            self._process.unanswered = 0
            raise
        self._process.unanswered = 0
        return report

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        what = f"status {client_order_id}"
        return await self._wire.read(self._process, what, lambda: self._exchange.status(client_order_id))

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        what = f"cancel {client_order_id}"
        await self._wire.change(self._process, what, lambda: self._exchange.cancel(client_order_id))

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        return await self._wire.read(self._process, "orders", lambda: self._exchange.list_orders(since))

    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        return await self._wire.read(self._process, "fills", lambda: self._exchange.list_fills(since))

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        return await self._wire.read(self._process, "quotes", lambda: self._exchange.quotes(symbols))

    async def get_account(self) -> Account:
        return await self._wire.read(self._process, "account", self._exchange.account)

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        return await self._wire.read(self._process, "sellable", lambda: self._exchange.sellable(symbols))

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        return await self._wire.read(self._process, "positions", lambda: self._exchange.held(symbols))

    async def get_instruments(self, symbols: Collection[str]) -> Mapping[str, Instrument]:
        return await self._wire.read(
            self._process, "instruments", lambda: self._exchange.instruments(symbols)
        )

    async def get_session(self) -> MarketSession:
        return await self._wire.read(self._process, "session", self._exchange.session)

    async def wait(self, timeout_s: float) -> None:
        """Wake when anything happens at the exchange, or after the time."""
        news = asyncio.get_running_loop().create_future()

        def tell() -> None:
            if not news.done():
                news.set_result(None)

        self._exchange.on_change.append(tell)
        timer = asyncio.get_running_loop().call_later(timeout_s, tell)
        try:
            await news
        finally:
            timer.cancel()
            if tell in self._exchange.on_change:
                self._exchange.on_change.remove(tell)
