"""Answers that are shared by all who ask the same at the moment in which a plan is taken up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from planfill.adapters.brokers.alpaca.reading import ask

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.adapters.brokers.alpaca.transport import Transport
    from planfill.application.ports.clock import Clock

_LASTS_S: Final = 1.0
# What an order of ours does not change, and no later one must be asked for anew.
_STAYS: Final = frozenset({"/assets", "/stocks/quotes/latest"})
Question = tuple[str, frozenset[tuple[str, str]]]


class Moment:
    """
    Begun with what will be asked; over after a second.

    What tells of the account is forgotten as soon as an order is sent or canceled; so is the session, which
    may end between two waves.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers: dict[Question, asyncio.Task[Any]] = {}
        self._asking = set[asyncio.Task[Any]]()
        self._until = 0.0
        self.began_at: datetime | None = None
        """When the answers that are shared were asked for, at the earliest; None where none are."""

    def begin(self) -> None:
        """Forget what was asked before."""
        self._answers.clear()
        self._until = self._clock.monotonic() + _LASTS_S
        self.began_at = self._clock.now()

    def ask_ahead(self, transport: Transport, path: str, **parameters: str) -> None:
        """Begin to ask; whoever asks the same within the moment gets the answer, or the failure."""
        task = asyncio.create_task(ask(transport, path, **parameters))
        self._answers[_question(path, parameters)] = task
        self._asking.add(task)
        task.add_done_callback(self._asked)

    async def ask(self, transport: Transport, path: str, **parameters: str) -> Any:
        """Give the answer of the moment, or ask now; raises as ``reading.ask``."""
        if (shared := self.shared(path, **parameters)) is not None:
            return await asyncio.shield(shared)
        return await ask(transport, path, **parameters)

    def shared(self, path: str, **parameters: str) -> asyncio.Task[Any] | None:
        """Give the answer of the moment, here or on its way, if there is one."""
        if self._clock.monotonic() >= self._until:
            self.began_at = None
            self._answers.clear()
        return self._answers.get(_question(path, parameters))

    def forget(self) -> None:
        """Forget what was asked about the account, and whether the market is open."""
        self.began_at = None
        for question in tuple(self._answers):
            if question[0] not in _STAYS:
                del self._answers[question]

    async def aclose(self) -> None:
        """Wait for what is on its way: nobody can take it back."""
        await asyncio.gather(*self._asking, return_exceptions=True)

    def _asked(self, task: asyncio.Task[Any]) -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asks is told; that nobody does is no mistake


def _question(path: str, parameters: dict[str, str]) -> Question:
    return path, frozenset(parameters.items())
