"""What ``planfill watch`` and ``planfill alerts`` do, and how it looks."""

from __future__ import annotations

import shlex
from contextlib import nullcontext, suppress
from threading import Event
from typing import TYPE_CHECKING

from planfill.adapters.cli.document import document
from planfill.adapters.cli.formats import one_line
from planfill.application.alerting import Delivery
from planfill.domain.alert import Alert
from planfill.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from planfill.adapters.cli.assembly import Assembly
    from planfill.adapters.cli.printing import Printer
    from planfill.application.facade import ExecutionFacade
    from planfill.application.watching import WatchReport


class _Listed(Value, frozen=True):
    alerts: tuple[Alert, ...]


class _Tested(Value, frozen=True):
    targets: tuple[Delivery, ...]


class WatchCommands:
    """The commands over what ``Assembly`` makes; each gives what the program exits with."""

    def __init__(self, assembly: Assembly, printer: Printer, config: Path | None) -> None:
        self._assembly = assembly
        self._printer = printer
        self._config = config
        self._options = f" --config {shlex.quote(str(config))}" if config else ""

    def once(self) -> int:
        """Look once."""
        with self._assembly.open(self._config) as facade:
            report = facade.watch()
        self._show(report)
        return report.exit_code

    def on(self, every_s: float, serve: str | None = None) -> int:
        """Look again and again until Ctrl-C, and print what is new; ``serve`` says where to show metrics."""
        before = ""
        pause = Event()
        with suppress(KeyboardInterrupt), self._assembly.open(self._config) as facade:
            # Before anybody is answered: there may be no ledger.
            report = facade.watch()
            with self._serving(facade, serve):
                while True:
                    now = "\n".join(watch_lines(report, self._options))
                    if now != before:
                        self._show(report)
                    before = now
                    pause.wait(every_s)
                    report = facade.watch()
        return 0

    def test(self, name: str | None) -> int:
        """Send a test message."""
        with self._assembly.open(self._config) as facade:
            found = facade.test_alerts(name)
        if self._printer.as_json:
            self._printer.document(document(_Tested(targets=found)))
        else:
            self._printer.lines(*(one_line(f"{one.target}: {one.trouble or 'sent'}") for one in found))
        return 1 if any(one.trouble for one in found) else 0

    def list(self, most: int) -> int:
        """List the last alerts."""
        with self._assembly.open(self._config) as facade:
            found = facade.alerts(most)
        if self._printer.as_json:
            self._printer.document(document(_Listed(alerts=found)))
        else:
            lines = [line for one in found for line in alert_lines(one, self._options)]
            self._printer.lines(*(lines or ["no alerts"]))
        return 0

    def _serving(self, facade: ExecutionFacade, address: str | None) -> AbstractContextManager[None]:
        if address is None:
            return nullcontext()
        from planfill.adapters.cli.serving import exposition, serving

        shown = exposition(self._assembly, lambda: facade.metrics().figures)
        return serving(shown, address, self._printer)

    def _show(self, report: WatchReport) -> None:
        if self._printer.as_json:
            self._printer.document(document(report))
        else:
            self._printer.lines(*watch_lines(report, self._options))


def watch_lines(report: WatchReport, options: str) -> Iterator[str]:
    """Say what stands wrong, what was since the last look, and whom that has not reached."""
    for trouble in report.troubles:
        yield one_line(f"WRONG  {trouble.what}; next: {trouble.todo}{options}")
    for delivery in report.deliveries:
        if delivery.target == "watch":
            for alert in delivery.alerts:
                yield from alert_lines(alert, options)
        yield from _delivery_lines(delivery)
    if report.exit_code == 0:
        yield "all is well"


def _delivery_lines(delivery: Delivery) -> Iterator[str]:
    if delivery.trouble:
        yield one_line(
            f"WRONG  alerts for {delivery.target} are not out, and are sent later: {delivery.trouble}"
        )


def alert_lines(alert: Alert, options: str) -> Iterator[str]:
    """Write an alert in a line, and one more for what to do."""
    detail = f": {alert.detail}" if alert.detail else ""
    symbols = f" [{', '.join(line.symbol for line in alert.lines)}]" if alert.lines else ""
    yield one_line(f"{alert.at:%Y-%m-%d %H:%M:%S} {alert.severity}  {alert.title}{symbols}{detail}")
    if alert.todo:
        yield f"    {one_line(f'next: {alert.todo}{options}')}"
