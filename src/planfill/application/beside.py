"""Letting something go on beside a block of code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from anyio.abc import TaskGroup

_P = ParamSpec("_P")


class Beside:
    """Runs ``work`` while the block runs, and ends it with the block; the block's errors stay its own."""

    def __init__(
        self, work: Callable[_P, Coroutine[Any, Any, None]], *args: _P.args, **rest: _P.kwargs
    ) -> None:
        self._work = lambda: work(*args, **rest)
        self._group: TaskGroup

    async def __aenter__(self) -> None:
        """Begin."""
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._work)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, whatever has happened in the block."""
        self._group.cancel_scope.cancel()
        await self._group.__aexit__(None, None, None)
