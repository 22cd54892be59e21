"""Time that passes when everybody waits for it."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

from planfill.application.ports.clock import Clock

if TYPE_CHECKING:
    from anyio import CapacityLimiter

START: Final = datetime(2021, 3, 31, 15, 0, tzinfo=UTC)
_LET_IO_THROUGH: Final = 2
_THREAD_POLL_S: Final = 0.0005


class VirtualClock(Clock):
    """
    A clock for tests: a sleep of an hour takes no time, and sleepers wake in the order of their times.

    Time passes only when nothing else can run: no callback of the event loop is ready, and no worker
    thread of anyio is busy. It knows asyncio's event loop alone; one loop at a time.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._tie = count()
        self._idle_rounds = 0
        self._ticking = False
        self._threads: CapacityLimiter | None = None

    def now(self) -> datetime:
        """Tell the start and what has been slept since."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Tell the seconds that have been slept."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass at once, for a test that waits for nobody."""
        self._elapsed_s += seconds
