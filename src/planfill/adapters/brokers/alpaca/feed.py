"""Alpaca's stream of order news: a hint that something happened; the lists decide."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio
from loguru import logger
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.legacy.exceptions import InvalidStatusCode

from planfill.application.ports.broker import ReportFeed

if TYPE_CHECKING:
    from collections.abc import Callable

    from alpaca.trading.stream import TradingStream

    from planfill.application.ports.clock import Clock

_SHORTEST_S, _LONGEST_S = 0.25, 30.0
# An accepted order is in the stream within milliseconds.
_SILENCE_S: Final = 5.0
_TOO_MANY: Final = 429
# What the SDK says of its connection, tracebacks included, is said below in one line.
logging.getLogger("alpaca.trading.stream").addHandler(logging.NullHandler())
logging.getLogger("alpaca.trading.stream").propagate = False


class Feed(ReportFeed):
    """
    Keeps alpaca-py's ``TradingStream`` connected, and wakes whoever waits.

    The SDK's own loop never gives up on bad keys, and tells nobody that it was away; so the loop is here. A
    stream that cannot be had, or is silent, costs speed only: whoever waits asks the broker after a while.
    """

    def __init__(self, make: Callable[[], TradingStream], clock: Clock) -> None:
        self._make = make
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._news = anyio.Event()
        self._awaited_since: float | None = None
        self._warned: set[str] = set()

    def start(self) -> None:
        """Subscribe, in the background; nobody waits for the answer, since a list covers the gap."""
        if self._task is None and not self._closing:
            self._task = asyncio.create_task(self._stay_connected())

    def expect(self) -> None:
        """An order was accepted: the stream should say something soon."""
        if self._awaited_since is None:
            self._awaited_since = self._clock.monotonic()

    async def wait(self, timeout_s: float) -> None:
        """Wait for news, ``timeout_s`` at the longest."""
        self.start()
        with anyio.move_on_after(timeout_s):
            await self._news.wait()
        if self._news.is_set():
            self._news = anyio.Event()
        elif self._awaited_since is not None and self._clock.monotonic() - self._awaited_since > _SILENCE_S:
            self._awaited_since = None
            self._warn("it is silent")

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
                self._stir()
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
            self._stir()
            lasted = self._clock.monotonic() - began > _LONGEST_S
            pause = _SHORTEST_S if lasted else min(_LONGEST_S, pause * 2)
            await asyncio.sleep(pause)

    async def _heard(self, _message: Any) -> None:
        self._awaited_since = None
        self._stir()

    def _stir(self) -> None:
        self._news.set()

    def _warn(self, what: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            logger.warning("Alpaca's stream of order news: {}; orders are followed by asking alone", what)
