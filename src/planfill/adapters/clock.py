"""The machine's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import anyio

from planfill.application.ports.clock import Clock


class SystemClock(Clock):
    """Wall time in UTC, and the monotonic clock of the machine."""

    def now(self) -> datetime:
        """Tell the wall time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Tell seconds since some moment, never going back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)
