"""What the command ``metrics`` does."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from planfill.adapters.cli.document import document

if TYPE_CHECKING:
    from pathlib import Path

    from planfill.adapters.cli.assembly import Assembly
    from planfill.adapters.cli.printing import Printer


class MetricsCommand:
    """The command over what ``Assembly`` makes; it gives what the program exits with."""

    def __init__(self, assembly: Assembly, printer: Printer, config: Path | None) -> None:
        self._assembly = assembly
        self._printer = printer
        self._config = config

    def show(self, since: datetime | None, until: datetime | None) -> int:
        """Print the figures of the days from ``since`` to ``until``, both included."""
        after = None if since is None else since.replace(tzinfo=UTC)
        upto = None if until is None else datetime.combine(until, time.max, UTC)
        with self._assembly.open(self._config) as facade:
            report = facade.metrics(after, upto)
        if self._printer.as_json:
            self._printer.document(document(report))
            return 0
        from planfill.adapters.cli.metrics_view import metrics_view

        self._printer.show(*metrics_view(report))
        return 0
