"""Alpaca's stream of order news; what it did not tell, the lists do."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio
from loguru import logger
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.legacy.exceptions import InvalidStatusCode

from planfill.adapters.brokers.alpaca.news import LISTENING
from planfill.adapters.brokers.alpaca.wire import Unreadable, report_of
from planfill.application.ports.broker import ReportFeed
from planfill.domain.report import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alpaca.trading.stream import TradingStream

    from planfill.application.ports.clock import Clock
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import ClientOrderId

_SHORTEST_S, _LONGEST_S = 0.25, 30.0
# An accepted order is in the stream within milliseconds.
_SILENCE_S: Final = 5.0
_TOO_MANY: Final = 429
# Nothing is learnt from these: they say that an order is there, as the answer to it does.
_NO_NEWS: Final = frozenset({"new", "accepted", "pending_new"})
_GRACE_S: Final = 0.05
# Nobody listens between two plans; so much is kept meanwhile, of whatever trades on the account.
_MOST: Final = 10_000
# What the SDK says of its connection, tracebacks included, is said below in one line.
logging.getLogger("alpaca.trading.stream").addHandler(logging.NullHandler())
logging.getLogger("alpaca.trading.stream").propagate = False


class Feed(ReportFeed):
    """
    Keeps alpaca-py's ``TradingStream`` connected, and hands on the orders of which it tells.

    The SDK's own loop never gives up on bad keys, and tells nobody that it was away; so the loop is here. A
    stream that cannot be had, or is silent, costs speed only: whoever waits asks the broker after a while.
    """

    def __init__(self, make: Callable[[], TradingStream], clock: Clock) -> None:
        self._make = make
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._news = anyio.Event()
        self._reports: list[ExecutionReport] | None = []
        self._was_heard = False
        self._before: set[ClientOrderId] = set()
        self._awaited_since: float | None = None
        self._warned: set[str] = set()

    def start(self) -> None:
        """Subscribe, in the background; nobody waits for the answer, since a list covers the gap."""
        if self._task is None and not self._closing:
            self._task = asyncio.create_task(self._stay_connected())

    def expect(self, name: ClientOrderId) -> None:
        """An order was accepted: the stream should say something soon."""
        if not self._was_heard:
            self._before.add(name)
        if self._awaited_since is None:
            self._awaited_since = self._clock.monotonic()

    async def wait(self, timeout_s: float) -> Sequence[ExecutionReport] | None:
        """Wait for news, ``timeout_s`` at the longest; None where there are none, or some were missed."""
        self.start()
        if self._was_heard and self._before:
            # Orders that were sent while it was being set up may have ended before, but most end only now.
            timeout_s = min(timeout_s, _GRACE_S)
        with anyio.move_on_after(timeout_s):
            await self._news.wait()
        if self._news.is_set():
            self._news = anyio.Event()
            reports, self._reports = self._reports, []
            return reports
        if self._was_heard:
            self._before.clear()
        if self._awaited_since is not None and self._clock.monotonic() - self._awaited_since > _SILENCE_S:
            self._awaited_since = None
            self._warn("it is silent")
        return None

    async def aclose(self) -> None:
        """End the connection."""
        task, self._task, self._closing = self._task, None, True
        while task is not None and not task.done():
            task.cancel()
            # The SDK beneath may lose a cancellation that comes while it closes its socket.
            await asyncio.wait({task}, timeout=1)

    async def _stay_connected(self) -> None:
        pause = _SHORTEST_S
        while not self._closing:
            stream = self._make()
            stream.subscribe_trade_updates(self._heard)
            began = self._clock.monotonic()
            try:
                # Its public way is a thread and a loop of its own.
                await stream._start_ws()  # type: ignore[no-untyped-call]  # noqa: SLF001
                await stream._consume()  # type: ignore[no-untyped-call]  # noqa: SLF001
            except ConnectionClosed:
                pass  # it is back in a moment, and whoever waits is woken
            except InvalidStatusCode as e:
                other = "another program has it" if e.status_code == _TOO_MANY else f"HTTP {e.status_code}"
                self._warn(f"Alpaca refuses it: {other}")
            except (WebSocketException, OSError, ValueError, AttributeError, TypeError) as e:
                self._warn(f"{type(e).__name__}: {e}")
            finally:
                with suppress(WebSocketException, OSError):
                    await stream.close()
            # Nobody tells what happened meanwhile: whoever waits must ask.
            self._miss()
            lasted = self._clock.monotonic() - began > _LONGEST_S
            pause = _SHORTEST_S if lasted else min(_LONGEST_S, pause * 2)
            await asyncio.sleep(pause)

    async def _heard(self, message: Any) -> None:
        if isinstance(message, dict) and message.get("stream") == LISTENING:
            self._listens()
            return
        self._awaited_since = None
        try:
            if message["data"]["event"] in _NO_NEWS:
                return
            report = report_of(message["data"]["order"])
        except (Unreadable, KeyError, TypeError):
            self._miss()
            return
        # What took the place of an order, and what a fill has cost, stands in the lists.
        if self._reports is None or len(self._reports) >= _MOST or not _is_whole(report):
            self._miss()
            return
        self._reports.append(report)
        if report.is_terminal:
            self._before.discard(report.client_order_id)
        self._news.set()

    def _listens(self) -> None:
        """Take note that from now on Alpaca tells what happens; what happened before it does not tell."""
        if self._was_heard:
            self._miss()
        elif self._before:
            self._news.set()  # who waits need not wait so long now
        self._was_heard = True

    def _miss(self) -> None:
        """Have the lists read by whoever waits."""
        self._reports = None
        self._news.set()

    def _warn(self, what: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            logger.warning("Alpaca's stream of order news: {}; orders are followed by asking alone", what)


def _is_whole(report: ExecutionReport) -> bool:
    return report.is_priced and report.status is not OrderStatus.REPLACED
