"""What following orders hears, what it asks beside the list of them, and how often it may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.errors import BrokerConnectionError
from planfill.domain.following import news, unpriced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.application.ports.clock import Clock
    from planfill.application.run import Run
    from planfill.domain.events import Event
    from planfill.domain.report import ExecutionReport, Fill

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


class Pushed:
    """What the feed says of the orders of a run; the list is looked at behind it, however much it says."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pace = Pace(run.clock, run.brokerage.capabilities.requests_per_minute)
        self._heard_since: float | None = None
        self._said: Sequence[ExecutionReport] | None = None

    async def news(self, pause_s: float) -> list[Event]:
        """
        Wait for news, ``pause_s`` at the longest, and give them; without any, the list is to be read.

        It is also to be read once in ``poll_max_s``, whatever is heard: what a feed loses it does not tell.
        """
        clock = self._run.clock
        until = clock.monotonic() + pause_s
        while not self._is_due() and (left := until - clock.monotonic()) > 0:
            await self._run.stop.or_done(self._listen(left))
            if self._said is None:
                break
            if heard := list(news(self._run.state, self._said)):
                self._heard_since = self._heard_since or clock.monotonic()
                return heard
        await self._pace.turn()
        self._heard_since = None
        return []

    def _is_due(self) -> bool:
        since, longest_s = self._heard_since, self._run.policy.execution.poll_max_s
        return since is not None and self._run.clock.monotonic() - since >= longest_s

    async def _listen(self, timeout_s: float) -> None:
        """Hear what the feed says; one that fails, or is not waited for to the end, says nothing."""
        self._said = None
        try:
            self._said = await self._run.ask(self._run.brokerage.feed.wait, timeout_s)
        except BrokerConnectionError:
            await self._run.clock.sleep(timeout_s)
