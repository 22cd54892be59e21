"""What is done once a result is out: nobody waits for it but the next run, and the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from planfill.application.stopping import StopSignal
from planfill.domain.outcome import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from planfill.domain.reconciliation import Reconciliation

    Work = Callable[[StopSignal], Coroutine[Any, Any, Reconciliation | None]]


class Afterwards:
    """Reconciliations that go on in the background of one event loop."""

    def __init__(self) -> None:
        self._doing: dict[asyncio.Task[None], tuple[str | None, StopSignal]] = {}
        self._last: Reconciliation | None = None

    def begin(self, work: Work, account: str | None = None) -> None:
        """Begin one, of an account by its name in the settings, as soon as whoever runs now is done."""
        stop = StopSignal()
        task = asyncio.create_task(self._do(work, stop))
        self._doing[task] = account, stop
        task.add_done_callback(self._doing.pop)

    async def done(self) -> Reconciliation | None:
        """Wait until nothing goes on; give what came of the last one."""
        while self._doing:
            await asyncio.wait(tuple(self._doing))
        return self._last

    async def done_of(self, account: str | None) -> None:
        """Wait until nothing of one account goes on: no other's broker holds it up."""
        while own := [task for task, (whose, _) in self._doing.items() if whose == account]:
            await asyncio.wait(own)

    def hurry(self, detail: str) -> None:
        """Have those that wait for the broker give up."""
        for _, stop in self._doing.values():
            stop.request(Reason.INTERRUPTED, detail)

    async def _do(self, work: Work, stop: StopSignal) -> None:
        self._last = await work(stop)
