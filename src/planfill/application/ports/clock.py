"""Time, as a port: the simulation has its own."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """What time it is, and how long things take."""

    @abstractmethod
    def now(self) -> datetime:
        """Tell the wall time, in UTC."""

    @abstractmethod
    def monotonic(self) -> float:
        """Tell seconds since some moment, never going back."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait."""
