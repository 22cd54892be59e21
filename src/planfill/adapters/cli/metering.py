"""What the command ``metrics`` does."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, NamedTuple

import typer

from planfill.adapters.cli.document import document
from planfill.adapters.cli.serving import exposition, serving

if TYPE_CHECKING:
    from pathlib import Path

    from planfill.adapters.cli.assembly import Assembly, Exposition
    from planfill.adapters.cli.printing import Printer
    from planfill.application.facade import ExecutionFacade


class Period(NamedTuple):
    """The days from ``since`` to ``until``, both included, in UTC."""

    since: datetime | None
    until: datetime | None

    @property
    def limits(self) -> tuple[datetime | None, datetime | None]:
        """The first moment and the last."""
        first = None if self.since is None else self.since.replace(tzinfo=UTC)
        return first, None if self.until is None else datetime.combine(self.until, time.max, UTC)


class MetricsCommand:
    """The command over what ``Assembly`` makes; each way of it gives what the program exits with."""

    def __init__(self, assembly: Assembly, printer: Printer, config: Path | None) -> None:
        self._assembly = assembly
        self._printer = printer
        self._config = config

    def show(self, period: Period) -> int:
        """Print the figures."""
        with self._assembly.open(self._config) as facade:
            report = facade.metrics(*period.limits)
        if self._printer.as_json:
            self._printer.document(document(report))
            return 0
        from planfill.adapters.cli.metrics_view import metrics_view

        self._printer.show(*metrics_view(report))
        return 0

    def write(self, path: Path, period: Period) -> int:
        """Write the figures for the node exporter of Prometheus."""
        with self._assembly.open(self._config) as facade:
            try:
                self._exposition(facade, period).write(path)
            except OSError as e:
                raise typer.BadParameter(f"{path} cannot be written: {e.strerror or e}") from e
        return 0

    def serve(self, address: str, period: Period) -> int:
        """Answer Prometheus until Ctrl-C."""
        with (
            self._assembly.open(self._config) as facade,
            serving(self._exposition(facade, period), address, self._printer),
            suppress(KeyboardInterrupt),
        ):
            threading.Event().wait()
        return 0

    def _exposition(self, facade: ExecutionFacade, period: Period) -> Exposition:
        return exposition(self._assembly, lambda: facade.metrics(*period.limits).figures)
