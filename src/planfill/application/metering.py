"""Metering: how the executions of a period have gone, from the ledger alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import anyio

from planfill.application.alert_counts import message_counts
from planfill.application.heeding import account_stream
from planfill.application.opening import stream_of
from planfill.application.ports.ledger import Cursors, Ledger
from planfill.domain.attempts import Attempt, AttemptFold
from planfill.domain.metrics import Metrics, measure
from planfill.domain.targets import Target, targets
from planfill.domain.values import Value

if TYPE_CHECKING:
    from datetime import datetime

LOG: Final = "log"
"""The listener that writes the log file."""


class MetricsReport(Value, frozen=True):
    """The figures, and the targets that they are held beside."""

    figures: Metrics
    targets: tuple[Target, ...]


class _Known(NamedTuple):
    """What is known of a stream up to an event; ``fold`` is None where it has ended, and is not kept."""

    number: int
    logged_to: int
    attempts: tuple[Attempt, ...]
    fold: AttemptFold | None


_NOTHING: Final = _Known(0, 0, (), None)


@dataclass(slots=True)
class Metering:
    """
    The use-case, over the ledger and what its listeners have been told.

    What it has read once it does not read again: the next time only what is new is folded in.
    """

    ledger: Ledger
    cursors: Cursors
    _known: dict[str, _Known] = field(default_factory=dict)
    _turn: anyio.Lock = field(default_factory=anyio.Lock)

    async def __call__(self, since: datetime | None = None, until: datetime | None = None) -> MetricsReport:
        """
        Measure the executions that were taken up from ``since`` to ``until``; by default all.

        Raises:
            LedgerUnavailable: The ledger cannot be read.
            LedgerCorrupt: Some execution's events do not follow each other.

        """
        async with self._turn:
            streams = [stream_of(one.key) for one in await self.ledger.executions()]
            found = [one for stream in streams for one in await self._attempts(stream)]
        figures = measure(
            [
                one
                for one in found
                if (since is None or one.started_at >= since) and (until is None or one.started_at <= until)
            ],
            message_counts(await self.cursors.get_cursors(account_stream(None))),
        )
        return MetricsReport(figures=figures, targets=targets(figures))

    async def _attempts(self, stream: str) -> tuple[Attempt, ...]:
        # Out while it is worked on: what fails half-way is read from the beginning the next time.
        known = self._known.pop(stream, _NOTHING)
        if not 0 < known.number <= known.logged_to or await self.ledger.read(stream, known.number):
            known = await self._read(stream, known)
        self._known[stream] = known
        return known.attempts

    async def _read(self, stream: str, known: _Known) -> _Known:
        # The cursor first: an event that comes in between counts as not logged, never the reverse.
        logged_to = (await self.cursors.get_cursors(stream)).get(LOG, 0)
        news = await self.ledger.read(stream, known.number)
        fold = known.fold or AttemptFold()
        if news and fold.number < known.number:
            # Of what has ended only the figures were kept: a word that comes later is rare.
            news = await self.ledger.read(stream)
        for recorded in news:
            fold.take(recorded)
        found = fold.attempts() if news else known.attempts
        attempts = tuple(one.logged_to(logged_to) for one in found)
        if not news:
            return known._replace(logged_to=logged_to, attempts=attempts)
        return _Known(fold.number, logged_to, attempts, None if fold.is_over else fold)
