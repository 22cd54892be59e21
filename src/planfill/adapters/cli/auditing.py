"""What the commands of ``audit`` do."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from planfill.adapters.cli.document import document
from planfill.adapters.cli.formats import one_line
from planfill.adapters.cli.plan_file import STDIN, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planfill.adapters.cli.assembly import Assembly
    from planfill.adapters.cli.printing import Printer
    from planfill.application.audit import AuditReport

_HEAD: Final = re.compile(r"[0-9a-f]{64}")


class AuditCommands:
    """The commands over what ``Assembly`` makes; each gives what the program exits with."""

    def __init__(self, assembly: Assembly, printer: Printer, config: Path | None) -> None:
        self._assembly = assembly
        self._printer = printer
        self._config = config

    def verify(self, plan_id: str | None, against: str | None, file: str | None) -> int:
        """Verify the ledger, or a file that was exported; 1 where something is not in order."""
        head = _head(against)
        if file is not None:
            # A file needs no ledger and no settings: it may be verified anywhere.
            from planfill.application.audit import verify_file

            report = verify_file(_lines(file), plan_id, against=head)
        else:
            with self._assembly.open(self._config) as facade:
                report = facade.audit(plan_id, against=head)
        if self._printer.as_json:
            self._printer.document(document(report))
        else:
            self._printer.lines(*audit_lines(report))
        return 0 if report.in_order else 1

    def export(self, plan_id: str, output: Path | None) -> int:
        """Write an execution as it stands; 1 where standard output did not take it all."""
        with self._assembly.open(self._config) as facade:
            lines = facade.export(plan_id)
        if output is None:
            return 0 if self._printer.record(*lines) else 1
        try:
            output.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        except OSError as e:
            raise typer.BadParameter(f"{output} cannot be written: {e.strerror or e}") from e
        return 0


def audit_lines(report: AuditReport) -> Iterator[str]:
    """Give one line a problem, one a stream that is in order with its head, and the sum."""
    for finding in report.findings:
        where = "" if finding.number is None else f", event {finding.number}"
        yield one_line(f"{finding.stream or 'ledger'}{where}: {finding.problem}")
    troubled = {finding.stream for finding in report.findings}
    for one in report.streams:
        if one.stream not in troubled:
            yield one_line(f"{one.stream}: in order, {_count(one.events, 'event')}, head {one.head}")
    found = f"NOT IN ORDER: {_count(len(report.findings), 'problem')}" if report.findings else "IN ORDER"
    yield f"{found} in {_count(len(report.streams), 'stream')} with {_count(report.events, 'event')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _head(against: str | None) -> str | None:
    head = None if against is None else against.strip().lower()
    if head is not None and not _HEAD.fullmatch(head):
        raise typer.BadParameter("--against takes a ledger head: 64 hexadecimal digits, as a result names it")
    return head


def _lines(name: str) -> list[str]:
    """Read a file line by line; what is no text in it is found by who reads the line."""
    try:
        content = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except (OSError, ValueError) as e:
        why = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
        raise typer.BadParameter(f"{shown(name)} cannot be read: {why}") from e
    return content.decode(errors="backslashreplace").removesuffix("\n").split("\n")
