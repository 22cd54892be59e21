"""What following orders asks beside the list of them, and how often it may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.errors import BrokerConnectionError
from planfill.domain.following import unpriced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.application.ports.clock import Clock
    from planfill.application.run import Run
    from planfill.domain.report import Fill

# A look takes two requests, and may take half of what the broker allows; a third of a minute's all at once.
_REQUESTS_A_LOOK: Final = 4
_AT_ONCE: Final = 3


async def fills(run: Run) -> Sequence[Fill]:
    """Read the fill records where a price is missing; what the list of orders says holds without."""
    if not unpriced(run.state):
        return ()
    try:
        return await run.ask(run.brokerage.records.list_fills, run.since)
    except BrokerConnectionError:
        return ()


class Pace:
    """Gives turns to look; news that never end leave requests for those who place and cancel."""

    def __init__(self, clock: Clock, requests_per_minute: int | None) -> None:
        self._clock = clock
        self._each_s = 0.0 if requests_per_minute is None else 60 * _REQUESTS_A_LOOK / requests_per_minute
        self._saved_s = 60 / _AT_ONCE
        self._at = clock.monotonic()

    async def turn(self) -> None:
        """Wait for a turn, and take it."""
        now = self._clock.monotonic()
        self._saved_s, self._at = min(60 / _AT_ONCE, self._saved_s + now - self._at), now
        if self._saved_s < self._each_s:
            await self._clock.sleep(self._each_s - self._saved_s)
        self._saved_s -= self._each_s
