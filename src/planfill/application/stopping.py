"""The wish to stop: a halt, Ctrl-C or a cancel, as one run sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from planfill.domain.checks import Objection
from planfill.domain.events import StopRequested
from planfill.domain.order import Side
from planfill.domain.plan import Action

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from planfill.domain.outcome import Reason
    from planfill.domain.state import ExecutionState


class StopSignal:
    """Asked for at most once; the first reason stands. ``buys`` is a stop that lets sells go on."""

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self.detail = ""
        self.buys: Objection | None = None
        self._asked = anyio.Event()

    def request(self, reason: Reason, detail: str) -> None:
        """Ask the run to send nothing new and to cancel what works."""
        if self.reason is None:
            self.reason, self.detail = reason, detail
            self._asked.set()

    def forbid_buys(self, reason: Reason, detail: str) -> None:
        """Ask the run to buy nothing more and to cancel the buys that work."""
        self.buys = self.buys or Objection(reason, detail)

    def against(self, side: Side) -> Objection | None:
        """Give what speaks against sending an order of a side, if anything."""
        if self.reason is not None:
            return Objection(self.reason, self.detail)
        return self.buys if side is Side.BUY else None

    def unrecorded(self, state: ExecutionState) -> list[StopRequested]:
        """Give what has been asked for and is in no event yet; of buys only where one is left to stop."""
        if state.stop is not None:
            return []
        if self.reason is not None:
            return [StopRequested(reason=self.reason, detail=self.detail)]
        buys = (line for line in state.lines.values() if line.item.action is Action.BUY)
        if self.buys is None or state.buys_stop or not any(one.is_pending or one.is_open for one in buys):
            return []
        return [StopRequested(reason=self.buys.reason, detail=self.buys.detail, only_buys=True)]

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
