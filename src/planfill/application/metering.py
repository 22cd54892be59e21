"""Metering: how the executions of a period have gone, from the ledger alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planfill.application.opening import stream_of
from planfill.application.ports.ledger import Cursors, Ledger
from planfill.domain.metrics import Attempt, Metrics, attempts, measure
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


@dataclass(frozen=True, slots=True)
class Metering:
    """The use-case, over the ledger and what its listeners have been told."""

    ledger: Ledger
    cursors: Cursors

    async def __call__(self, since: datetime | None = None, until: datetime | None = None) -> MetricsReport:
        """
        Measure the executions that were taken up from ``since`` to ``until``; by default all.

        Raises:
            LedgerUnavailable: The ledger cannot be read.
            LedgerCorrupt: Some execution's events do not follow each other.

        """
        found: list[Attempt] = []
        for one in await self.ledger.executions():
            stream = stream_of(one.key)
            # The cursor first: an event that comes in between counts as not logged, never the reverse.
            logged_to = (await self.cursors.get_cursors(stream)).get(LOG, 0)
            found += attempts(await self.ledger.read(stream), logged_to)
        figures = measure(
            [
                one
                for one in found
                if (since is None or one.started_at >= since) and (until is None or one.started_at <= until)
            ]
        )
        return MetricsReport(figures=figures, targets=targets(figures))
