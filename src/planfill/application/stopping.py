"""The wish to stop: a halt, Ctrl-C or a cancel, as one run sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from planfill.domain.outcome import Reason


class StopSignal:
    """Asked for at most once; the first reason stands."""

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self.detail = ""
        self._asked = anyio.Event()

    def request(self, reason: Reason, detail: str) -> None:
        """Ask the run to send nothing new and to cancel what works."""
        if self.reason is None:
            self.reason, self.detail = reason, detail
            self._asked.set()

    async def or_done(self, waiting: Awaitable[None]) -> None:
        """Return when ``waiting`` is over, or as soon as a stop is asked for meanwhile."""
        if self.reason is not None:
            await waiting
            return
        async with anyio.create_task_group() as group:
            watching = anyio.CancelScope()

            async def watch() -> None:
                with watching:
                    await self._asked.wait()
                    group.cancel_scope.cancel()

            group.start_soon(watch)
            await waiting
            watching.cancel()
