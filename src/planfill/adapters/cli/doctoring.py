"""What the command ``doctor`` does, and how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.adapters.cli.document import Failed, Failure, document
from planfill.adapters.cli.formats import one_line
from planfill.adapters.cli.interrupting import Interrupts
from planfill.adapters.cli.problems import INTERRUPTED
from planfill.domain.errors import SettingsError
from planfill.domain.examination import CheckStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from planfill.adapters.cli.assembly import Assembly
    from planfill.adapters.cli.printing import Printer
    from planfill.domain.examination import Examination

_WORDS: Final = {
    CheckStatus.IN_ORDER: "ok",
    CheckStatus.NOT_IN_ORDER: "NOT IN ORDER",
    CheckStatus.NOT_CHECKED: "not checked",
    CheckStatus.NOTE: "note",
}


class DoctorCommand:
    """The command over what ``Assembly`` makes; gives what the program exits with."""

    def __init__(
        self, assembly: Assembly, printer: Printer, config: Path | None, account: str | None = None
    ) -> None:
        self._assembly = assembly
        self._printer = printer
        self._config = config
        self._account = account

    def __call__(self, *, order: bool) -> int:
        """Examine the set-up; 1 where something is not in order."""
        examination = self._examined(order=order)
        if self._printer.as_json:
            self._printer.document(document(examination))
        else:
            self._printer.lines(*examination_lines(examination))
        return 0 if examination.in_order else 1

    def _examined(self, *, order: bool) -> Examination:
        from planfill.application.examining import without_settings

        interrupts = Interrupts(self._stopping, lambda: self._printer.failure(_left(order=order)))
        try:
            with self._assembly.open(self._config, account=self._account) as facade, interrupts:
                try:
                    return facade.examine(order=order)
                except KeyboardInterrupt:
                    # It came before the façade could hear it: an order may be on its way.
                    interrupts.leave()
                    raise
        except SettingsError as e:
            return without_settings(e, order=order)

    def _stopping(self) -> None:
        self._printer.note("stopping: what was sent is canceled first; interrupt again to leave at once")


def examination_lines(examination: Examination) -> Iterator[str]:
    """Give one line a finding, and the verdict."""
    width = max(len(one.check) for one in examination.findings)
    for one in examination.findings:
        remedy = f"; {one.remedy}" if one.remedy else ""
        yield one_line(f"{_WORDS[one.status]:<12}  {one.check:<{width}}  {one.found}{remedy}")
    bad = sum(not one.is_well for one in examination.findings)
    found = f"NOT IN ORDER: {bad} of" if bad else "IN ORDER:"
    yield f"{found} {len(examination.findings)} checks"


def _left(*, order: bool) -> Failed:
    message = "left at once"
    if order:
        message += (
            "; the trial order, if it was sent, may be working: look at the broker for a client order id "
            "that begins with doctor-, and cancel it by hand"
        )
    return Failed(error=Failure(code=INTERRUPTED, message=message))
