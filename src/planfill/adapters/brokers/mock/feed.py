"""The reports that the simulated exchange pushes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from planfill.adapters.brokers.mock.desk import AtDesk
from planfill.application.ports.broker import ReportFeed

if TYPE_CHECKING:
    from planfill.adapters.brokers.mock.desk import Desk


class MockFeed(AtDesk, ReportFeed):
    """
    Wakes when anything becomes of an order after its acceptance.

    At once if that was since the last ``wait``; else when this process does it, or when it is due. What
    another process does is seen at the next look.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._seen = 0
        self._stirred: anyio.Event | None = None
        desk.on_change(self._stir)

    async def wait(self, timeout_s: float) -> None:
        """Wait for news, ``timeout_s`` at the longest."""
        clock = self.desk.clock
        until = clock.monotonic() + timeout_s
        stream = await self.desk.call("wait", (), lambda _exchange, _now, handling: handling)
        if stream.message_repeated:
            return
        if stream.stream_away_s:
            await clock.sleep(min(stream.stream_away_s, timeout_s))
        while not self._has_news(stream.messages_lost):
            left = until - clock.monotonic()
            if left <= 0:
                self._seen = self.desk.happened()
                return
            due = self.desk.next_due()
            if due is not None:
                left = min(left, (due - clock.now()).total_seconds())
            await self._pause(left)

    def _has_news(self, lost: int) -> bool:
        happened = self.desk.happened()
        news = happened - self._seen > lost
        if news:
            self._seen = happened
        return news

    async def _pause(self, seconds: float) -> None:
        async def wake() -> None:
            await self.desk.clock.sleep(seconds)
            stirred.set()

        stirred = self._stirred = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wake)
            await stirred.wait()
            tasks.cancel_scope.cancel()

    def _stir(self) -> None:
        if self._stirred is not None:
            self._stirred.set()
