"""What the commands of ``planfill rollout`` do, and how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.adapters.cli.document import document
from planfill.adapters.cli.formats import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from planfill.adapters.cli.assembly import Assembly
    from planfill.adapters.cli.printing import Printer
    from planfill.application.promoting import Promotion, RolloutReport

_MOST: Final = 8
"""So much evidence is named in a line; all of it is in the JSON document."""


class RolloutCommands:
    """The commands over what ``Assembly`` makes; each gives what the program exits with."""

    def __init__(
        self, assembly: Assembly, printer: Printer, config: Path | None, account: str | None = None
    ) -> None:
        self._assembly = assembly
        self._printer = printer
        self._config = config
        self._account = account

    def status(self) -> int:
        """Show where the account stands."""
        with self._assembly.open(self._config, account=self._account) as facade:
            report = facade.rollout()
        if self._printer.as_json:
            self._printer.document(document(report))
        else:
            self._printer.lines(*status_lines(report))
        return 0

    def promote(self, override: str | None) -> int:
        """Promote it, or say what speaks against that."""
        with self._assembly.open(self._config, account=self._account) as facade:
            promotion = facade.promote(override=override)
        if self._printer.as_json:
            self._printer.document(document(promotion))
        else:
            self._printer.lines(*promotion_lines(promotion))
        return promotion.exit_code


def status_lines(report: RolloutReport) -> Iterator[str]:
    """Say the stage, what it lets through, and each condition of the next: held or not, figures, plans."""
    yield f"account {report.account}: stage {report.stage}{_step(report)}"
    if not report.is_live:
        yield "not live: no stage is enforced here; what it shows counts for the broker's live accounts"
    else:
        yield f"may trade: {report.terms}" if report.terms else "may trade: nothing, until it is promoted"
    if report.following is None:
        yield "the last step: nothing comes after it"
        return
    yield f"next: {report.following}"
    for one in report.conditions:
        named = ", ".join(one.evidence[-_MOST:])
        more = f" and {len(one.evidence) - _MOST} more" if len(one.evidence) > _MOST else ""
        found = one_line(f"{one}{f': {named}{more}' if named else ''}")
        yield f"  {'holds' if one.holds else 'FAILS'}  {found}"


def promotion_lines(promotion: Promotion) -> Iterator[str]:
    """Say what came of it, and the way out."""
    if promotion.refused:
        yield one_line(f"NOT PROMOTED  {promotion.refused}")
        if promotion.report.failing and promotion.report.is_live:
            yield 'planfill rollout status shows the evidence; --override --reason "..." is recorded'
        return
    how = ", overriding conditions that fail; that is recorded" if promotion.overridden else ""
    report = promotion.report
    yield f"promoted account {report.account} to stage {report.stage}{_step(report)}{how}"
    yield f"may trade: {report.terms}"


def _step(report: RolloutReport) -> str:
    return "" if report.step is None else f", step {report.step} of the ramp"
