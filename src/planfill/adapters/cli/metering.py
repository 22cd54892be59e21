"""What the command ``metrics`` does."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final, NamedTuple

import typer

from planfill.adapters.cli.document import document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from planfill.adapters.cli.assembly import Assembly, Exposition
    from planfill.adapters.cli.printing import Printer

_LOOPBACK: Final = "127.0.0.1"
_MOST: Final = 65535
_NEEDED: Final = "prometheus_client"


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
        with self._exposition(period) as exposition:
            try:
                exposition.write(path)
            except OSError as e:
                raise typer.BadParameter(f"{path} cannot be written: {e.strerror or e}") from e
        return 0

    def serve(self, address: str, period: Period) -> int:
        """Answer Prometheus until Ctrl-C."""
        host, port = where(address)
        with self._exposition(period) as exposition:
            try:
                serving = exposition.serve(host, port)
            except OSError as e:
                raise typer.BadParameter(f"nobody can listen on {address}: {e.strerror or e}") from e
            with serving as url, suppress(KeyboardInterrupt):
                self._printer.note(f"metrics are at {url}; Ctrl-C ends it")
                threading.Event().wait()
        return 0

    @contextmanager
    def _exposition(self, period: Period) -> Iterator[Exposition]:
        with self._assembly.open(self._config) as facade:
            try:
                yield self._assembly.exposition(lambda: facade.metrics(*period.limits).figures)
            except ModuleNotFoundError as e:
                if e.name != _NEEDED:
                    raise
                msg = "--textfile and --serve need prometheus_client: pip install 'planfill[metrics]'"
                raise typer.BadParameter(msg) from e


def where(address: str) -> tuple[str, int]:
    """Read HOST:PORT, or a port alone: then only this machine is answered."""
    host, _, port = address.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= _MOST):
        msg = f"--serve takes HOST:PORT or a port of {_LOOPBACK}, such as {_LOOPBACK}:9464, not {address!r}"
        raise typer.BadParameter(msg)
    return host.strip("[]") or _LOOPBACK, int(port)
