"""The way between a process and the exchange: what is on it arrives, whatever becomes of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from simulation.dice import Fault

from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.application.ports.market import BrokerAccount, InstrumentCatalog, MarketData, MarketHours
from planfill.domain.errors import BrokerUnavailable, ExecutionError, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from simulation.exchange import Exchange
    from simulation.process import Process
    from simulation.timeline import Timeline

    from planfill.domain.market import Account, Instrument, MarketSession, NoQuote, Quote
    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport, Fill
    from planfill.domain.values import ClientOrderId, Quantity

T = TypeVar("T")
TIMEOUT_S: Final = 1.0


class Wire:
    """
    Requests and answers, each with a delay of its own, some of them lost, late, or doubled.

    A request arrives within ``delivery_s`` or never. ``in_flight`` is how many are still to arrive.
    """

    def __init__(self, timeline: Timeline, exchange: Exchange, delivery_s: float) -> None:
        self.exchange = exchange
        self.in_flight = 0
        self._timeline = timeline
        self._delivery_s = delivery_s
        self._sent = self._arrived = 0

    async def change(self, process: Process, what: str, effect: Callable[[], T]) -> T:
        """Send a request that changes something."""
        dice, answer = process.dice, asyncio.get_running_loop().create_future()
        self._sent += 1
        mine = self._sent

        def arrive() -> None:
            self.in_flight -= 1
            if mine < self._arrived:
                dice.met[Fault.REORDERED] += 1
            self._arrived = max(self._arrived, mine)
            result, error = _tried(effect)
            process.boundary(f"{what} arrived")
            if unreadable:
                error = ValueError("the answer cannot be read")
            if not lost:
                self._timeline.later(dice.between(0.001, 0.1), _answer, answer, result, error)

        unreadable = lost = False
        if dice.happens(Fault.UNAVAILABLE):
            error = BrokerUnavailable("connection refused")
            self._timeline.later(dice.between(0.001, 0.2), _answer, answer, None, error)
            return await self._answered(process, what, answer)
        silent_s = TIMEOUT_S if dice.chance(0.5) else dice.between(0.01, TIMEOUT_S)
        self._timeline.later(TIMEOUT_S, _answer, answer, None, OutcomeUnknown("timed out"))
        if dice.happens(Fault.REQUEST_LOST):
            self._timeline.later(silent_s, _answer, answer, None, OutcomeUnknown("reset, nothing arrived"))
            return await self._answered(process, what, answer)
        delay = dice.between(0.001, 0.1)
        if dice.happens(Fault.DELIVERED_LATE):
            delay, lost = dice.between(0, self._delivery_s), True
            self._timeline.later(silent_s, _answer, answer, None, OutcomeUnknown("reset, it arrives later"))
        elif dice.happens(Fault.ANSWER_LOST):
            lost = True
            self._timeline.later(silent_s, _answer, answer, None, OutcomeUnknown("reset, it has arrived"))
        elif dice.happens(Fault.TIMED_OUT):
            delay = dice.between(0, self._delivery_s)
        elif dice.happens(Fault.GARBLED):
            unreadable = True
        self.in_flight += 1
        self._timeline.later(delay, arrive)
        # An exchange that takes any name twice makes two orders of it: nobody could prevent that.
        if self.exchange.unique_ids and dice.happens(Fault.DELIVERED_TWICE):
            self.in_flight += 1
            self._timeline.later(dice.between(0, self._delivery_s), arrive)
        return await self._answered(process, what, answer)

    async def read(self, process: Process, what: str, effect: Callable[[], T]) -> T:
        """Ask for something; what is asked has no effect, and all of it is lost or none."""
        dice, answer = process.dice, asyncio.get_running_loop().create_future()
        if dice.happens(Fault.READ_FAILED):
            error = dice.pick((BrokerUnavailable, OutcomeUnknown, ValueError))("no answer")
            self._timeline.later(dice.between(0.001, 0.5), _answer, answer, None, error)
        else:

            def arrive() -> None:
                result, error = _tried(effect)
                self._timeline.later(dice.between(0.001, 0.05), _answer, answer, result, error)

            self._timeline.later(dice.between(0.001, 0.05), arrive)
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


class Terminal(
    Broker, BrokerRecords, MarketData, BrokerAccount, InstrumentCatalog, MarketHours, ReportFeed
):
    """Every port of the exchange, as one process has them."""

    def __init__(self, process: Process, wire: Wire) -> None:
        self._process = process
        self._wire = wire
        self._exchange = wire.exchange

    async def place_order(self, order: Order) -> ExecutionReport:
        self._process.about_to_send(order)
        what = f"place {order.client_order_id}"
        return await self._wire.change(self._process, what, lambda: self._exchange.place(order))

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
