"""What goes on behind a run and after it, one thing after the other; nobody who trades waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from planfill.domain.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_PATIENCE_S: Final = 20


class Background:
    """Work in the order in which it was begun, in one event loop; ``troubles`` is what went wrong."""

    def __init__(self, patience_s: float = _PATIENCE_S) -> None:
        self._patience_s = patience_s
        self.troubles: list[str] = []
        self._last: asyncio.Task[None] | None = None

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have it done once all before it is done."""
        self._last = asyncio.create_task(self._do(work, self._last))

    async def done(self) -> tuple[str, ...]:
        """Wait until all is done, not for ever; give what went wrong since the last time."""
        last, self._last = self._last, None
        if last is not None and not last.done():
            done, _ = await asyncio.wait([last], timeout=self._patience_s)
            if not done:
                self.troubles.append(f"alerts are not out after {self._patience_s} s: they are sent later")
                last.cancel()
                await asyncio.wait([last])
        troubles, self.troubles = tuple(self.troubles), []
        return troubles

    async def _do(
        self, work: Callable[[], Coroutine[Any, Any, None]], before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            await before
        try:
            await work()
        except Exception as e:  # noqa: BLE001 - whatever it is, it changes nothing of what was executed
            self.troubles.append(str(e) if isinstance(e, ExecutionError) else f"{type(e).__name__}: {e}")
