"""Those who are told what happened."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from planfill.domain.events import Recorded


class EventListener(Protocol):
    """
    Told after the commit, in order, at least once; recognises a repetition by stream and number.

    An exception of a listener ends its being told in this run and changes nothing else: it catches up
    from its stored cursor in the next one.
    """

    name: str
    """Names the stored cursor; empty for a listener that only wants to see what happens while it looks."""

    @abstractmethod
    async def on_event(self, recorded: Recorded) -> None:
        """Take note of one event, quickly: under 100 microseconds."""
