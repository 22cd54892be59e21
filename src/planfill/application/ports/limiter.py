"""The pace at which a broker takes requests."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple, Protocol


class Waits(NamedTuple):
    """How often somebody had to wait for a turn, and for how long in all."""

    times: int = 0
    seconds: float = 0.0


class RequestLimiter(Protocol):
    """Gives turns to send, as many as the broker allows for one account."""

    @abstractmethod
    async def turn(self, *, urgent: bool = False) -> None:
        """
        Wait until one more request may be sent, and take that turn.

        ``urgent`` ones (looking up, cancelling) go first, and have a part of the turns for themselves.
        """

    @abstractmethod
    def free(self) -> int:
        """Tell how many orders may be sent now without waiting."""

    @abstractmethod
    async def ready(self) -> None:
        """Wait until an order may be sent; takes no turn."""

    def waited(self) -> Waits:
        """Tell how much has been waited so far; a limiter that does not count says nothing of it."""
        return Waits()
