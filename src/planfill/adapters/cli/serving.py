"""Showing the metrics to Prometheus, for whichever command does it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from planfill.adapters.cli.assembly import Assembly, Exposition
    from planfill.adapters.cli.printing import Printer
    from planfill.domain.metrics import Metrics

_LOOPBACK: Final = "127.0.0.1"
_MOST: Final = 65535
_NEEDED: Final = "prometheus_client"


def exposition(assembly: Assembly, read: Callable[[], Metrics]) -> Exposition:
    """Make what shows the figures that ``read`` measures, or say what it needs."""
    try:
        return assembly.exposition(read)
    except ModuleNotFoundError as e:
        if e.name != _NEEDED:
            raise
        msg = "--textfile and --serve need prometheus_client: pip install 'planfill[metrics]'"
        raise typer.BadParameter(msg) from e


@contextmanager
def serving(shown: Exposition, address: str, printer: Printer) -> Iterator[None]:
    """Answer there until the context is left, and say where that is."""
    host, port = where(address)
    try:
        answering = shown.serve(host, port)
    except OSError as e:
        raise typer.BadParameter(f"nobody can listen on {address}: {e.strerror or e}") from e
    with answering as url:
        printer.note(f"metrics are at {url}; Ctrl-C ends it")
        yield


def where(address: str) -> tuple[str, int]:
    """Read HOST:PORT, or a port alone: then only this machine is answered."""
    host, _, port = address.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= _MOST):
        msg = f"--serve takes HOST:PORT or a port of {_LOOPBACK}, such as {_LOOPBACK}:9464, not {address!r}"
        raise typer.BadParameter(msg)
    return host.strip("[]") or _LOOPBACK, int(port)
