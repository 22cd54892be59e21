"""What the commands ``halt`` and ``unhalt`` do, and how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.adapters.cli.document import document
from planfill.adapters.cli.formats import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from planfill.adapters.cli.assembly import Assembly
    from planfill.adapters.cli.printing import Printer
    from planfill.application.halting import HaltReport, LiftReport


class HaltCommands:
    """The commands over what ``Assembly`` makes; each gives what the program exits with."""

    def __init__(self, assembly: Assembly, printer: Printer, config: Path | None) -> None:
        self._assembly = assembly
        self._printer = printer
        self._config = config

    def halt(self, reason: str, account: str | None, *, reduce_only: bool) -> int:
        """Halt, and end what nobody drives."""
        with self._assembly.open(self._config) as facade:
            report = facade.halt(reason, account=account, reduce_only=reduce_only)
        for trouble in report.troubles:
            self._printer.note(one_line(f"halted, but {trouble}"))
        if self._printer.as_json:
            self._printer.document(document(report))
        else:
            self._printer.lines(*halt_lines(report))
        return report.exit_code

    def unhalt(self, reason: str, account: str | None) -> int:
        """Lift a halt; say which ones still hold."""
        with self._assembly.open(self._config) as facade:
            report = facade.unhalt(reason, account=account)
        if self._printer.as_json:
            self._printer.document(document(report))
        else:
            self._printer.lines(*lift_lines(report))
        return 0


def halt_lines(report: HaltReport) -> Iterator[str]:
    """Say what is halted and where that stands, and what becomes of what was unfinished, order by order."""
    yield one_line(str(report.halt))
    yield one_line(f"it stands in {' and in '.join(report.where)}")
    for told in report.obeying:
        yield one_line(f"whoever executes it stops within a second: {told}")
    for result in report.ended:
        yield one_line(
            f"ended, since nobody drove it: plan {result.plan_id!r} on {result.account}: {result.status}"
        )
        for line in result.orders:
            if line.client_order_id is not None:
                became = f"{line.outcome} ({line.reason})" if line.reason else line.outcome
                order = f"{line.action} {line.symbol}, order {line.client_order_id}"
                filled = f"filled ${line.filled_usd} of ${line.planned_usd}"
                yield f"  {one_line(f'{order}: {became}, {filled}')}"


def lift_lines(report: LiftReport) -> Iterator[str]:
    """Say what is lifted, and what still holds."""
    where = "all accounts" if report.account is None else f"account {report.account}"
    yield f"the halt of {where} is lifted; what it stopped stays stopped"
    for halt in report.left:
        yield one_line(f"STILL HALTED  {halt}")
