"""Telling the listeners, off the trading path."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Self

import anyio

from planfill.domain.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from anyio.abc import TaskGroup

    from planfill.application.ports.ledger import Cursors, Ledger
    from planfill.application.ports.listener import EventListener
    from planfill.domain.events import Recorded


class Teller:
    """
    Tells each listener every event of one stream, in order, at least once.

    A listener that fails is not told again in this run; its cursor stays, and the next run tells it what
    it missed. ``failures`` holds what went wrong.
    """

    def __init__(self, listeners: Sequence[EventListener], cursors: Cursors, stream: str) -> None:
        self.failures: list[Exception] = []
        self._silenced: set[int] = set()
        self._listeners = listeners
        self._cursors = cursors
        self._stream = stream
        self._told: dict[str, int] = {}
        self._queue: deque[Recorded] = deque()
        self._news = anyio.Event()
        self._closing = False
        self._group: TaskGroup

    def tell(self, recorded: Iterable[Recorded]) -> None:
        """Have these events told soon; returns at once."""
        if self._listeners:
            self._queue.extend(recorded)
            self._news.set()

    async def catch_up(self, ledger: Ledger, number: int) -> None:
        """Tell what named listeners have not been told of the events up to ``number``."""
        named = [listener for listener in self._listeners if listener.name]
        if not named or not number:
            return
        known = await self._cursors.get_cursors(self._stream)
        behind = min(known.get(listener.name, 0) for listener in named)
        for recorded in await ledger.read(self._stream, after=behind):
            for listener in named:
                if known.get(listener.name, 0) < recorded.number:
                    await self._tell(listener, recorded)

    async def __aenter__(self) -> Self:
        """Begin to tell."""
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell what is left, whatever has happened, and remember how far each listener has been told."""
        self._closing = True
        self._news.set()
        # The error, if there is one, goes its own way: it is not the group's.
        await self._group.__aexit__(None, None, None)
        await self.remember()

    async def _run(self) -> None:
        while True:
            while self._queue:
                recorded = self._queue.popleft()
                for listener in self._listeners:
                    await self._tell(listener, recorded)
            if self._closing:
                return
            await self._news.wait()
            self._news = anyio.Event()

    async def remember(self) -> None:
        """Store how far each listener has been told; without that they are told again, which is harmless."""
        if self._told:
            try:
                await self._cursors.set_cursors(self._stream, self._told)
            except LedgerError as e:
                self.failures.append(e)

    async def _tell(self, listener: EventListener, recorded: Recorded) -> None:
        if id(listener) in self._silenced:
            return
        try:
            await listener.on_event(recorded)
        except Exception as e:  # noqa: BLE001 - whatever a listener does wrong, what happened has happened
            self._silenced.add(id(listener))
            self.failures.append(e)
        else:
            if listener.name:
                self._told[listener.name] = recorded.number
