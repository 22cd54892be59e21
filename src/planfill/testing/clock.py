"""Time that passes when everybody waits for it."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

from anyio.to_thread import current_default_thread_limiter

from planfill.application.ports.clock import Clock

if TYPE_CHECKING:
    from anyio import CapacityLimiter

START: Final = datetime(2021, 3, 31, 15, 0, tzinfo=UTC)
# One round of the event loop lets sockets and threads that are done be heard, another runs what they woke.
_QUIET_ROUNDS: Final = 3
_THREAD_POLL_S: Final = 0.0005


class VirtualClock(Clock):
    """
    A clock for tests: a sleep of an hour takes no time, and sleepers wake in the order of their times.

    Time passes only when nothing else can go on: no callback of the event loop is ready, and no worker
    thread of anyio is busy. For asyncio, one event loop at a time.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._tie = count()
        self._watched: asyncio.AbstractEventLoop | None = None

    def now(self) -> datetime:
        """Tell the start and what has been slept since."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Tell the seconds that have been slept."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass at once, where nobody is waiting."""
        self._elapsed_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Wait until everybody else waits, and everything that is due before has happened."""
        loop = asyncio.get_running_loop()
        awake = loop.create_future()
        if self._watched is not loop:
            # Whoever slept in an event loop that is gone will not wake.
            self._sleepers.clear()
            self._watched = loop
            loop.call_soon(self._watch, loop, current_default_thread_limiter(), _QUIET_ROUNDS)
        until = self._elapsed_s + max(0.0, seconds)
        heapq.heappush(self._sleepers, (until, next(self._tie), awake))
        await awake

    def _watch(self, loop: asyncio.AbstractEventLoop, threads: CapacityLimiter, quiet_rounds: int) -> None:
        """Wake the next sleeper once the event loop has had nothing else to do for some rounds."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers:
            self._watched = None
            return
        if threads.borrowed_tokens:
            loop.call_later(_THREAD_POLL_S, self._watch, loop, threads, _QUIET_ROUNDS)
            return
        # asyncio tells nobody what is ready but itself; this deque has been there since the beginning.
        busy = bool(loop._ready)  # type: ignore[attr-defined] # noqa: SLF001
        rounds = _QUIET_ROUNDS if busy else quiet_rounds - 1
        if not rounds:
            until, _, awake = heapq.heappop(self._sleepers)
            self._elapsed_s = max(self._elapsed_s, until)
            awake.set_result(None)
            rounds = _QUIET_ROUNDS
        loop.call_soon(self._watch, loop, threads, rounds)
