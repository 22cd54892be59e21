"""What the command ``shadow`` does, and how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.adapters.cli.commands import Commands
from planfill.adapters.cli.document import listed
from planfill.adapters.cli.formats import one_line
from planfill.domain.errors import ExecutionError
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.shadow import ShadowField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planfill.application.facade import ExecutionFacade
    from planfill.application.shadowing import ShadowReport
    from planfill.domain.events import ShadowCompared


class ShadowCommands(Commands):
    """Executes as ``execute`` does; what comes after the result can no longer change it."""

    _result: ExecutionResult

    def shadow(self, name: str, against: str) -> int:
        """Execute the plan in a file, then compare it; 1 where anything differs."""
        plan = self._read(name)
        board = self._board()
        compared: ShadowCompared | None = None
        with self._open(board) as facade:
            facade.require_shadow(against)
            self._name_unfinished(facade, plan.plan_id)
            board.begin(plan)
            code = self._run(plan.plan_id, board, facade, lambda: facade.execute_rebalance_plan(plan))
            self._say_reconciled(facade.reconciliation())
            if self._result.status in {ExecutionStatus.REFUSED, ExecutionStatus.IN_DOUBT}:
                self._printer.note(f"not compared with shadow {against}: the plan is {self._result.status}")
            else:
                compared = self._compared(facade, plan.plan_id, against)
                code = max(code, 0 if compared and compared.clean else 1)
        if self._printer.as_json:
            self._printer.document(listed({"result": self._result, "shadow": compared}))
        elif compared is not None:
            self._printer.lines(*run_lines(compared))
        return code

    def report(self) -> int:
        """Say which days were clean, and what was compared."""
        with self._assembly.open(self._config) as facade:
            reports = facade.shadow_report()
        if self._printer.as_json:
            self._printer.document(listed({"accounts": reports}))
        else:
            self._printer.lines(*report_lines(reports))
        return 0

    def _compared(self, facade: ExecutionFacade, plan_id: str, against: str) -> ShadowCompared | None:
        """Compare, and say where that is broken off: what was executed must not read as an error for it."""
        try:
            return facade.shadow(plan_id, against, account=self._result.account)
        except (KeyboardInterrupt, ExecutionError) as e:
            why = str(e) or "interrupted"
            self._printer.note(
                one_line(f"not compared with shadow {against}: {why}; what was executed stands")
            )
            return None

    def _print(self, result: ExecutionResult) -> None:
        self._result = result
        if not self._printer.as_json:
            super()._print(result)


def run_lines(run: ShadowCompared) -> Iterator[str]:
    """Give the verdict, one line a difference, and what was not compared."""
    about = f"{run.plan_id} against {run.against}"
    if run.trouble:
        yield one_line(f"SHADOW FAILED  {about}: {run.trouble}; what was executed stands")
        return
    fields = [str(one) for one in ShadowField if one is not ShadowField.LINE]
    compared = [one for one in fields if one in run.compared_fields]
    verdict = "CLEAN" if run.clean else f"{len(run.differences)} DIFFERENCES"
    yield one_line(f"{verdict}  {about}: {run.lines} lines by {', '.join(compared) or 'nothing'}")
    for one in run.differences:
        yield f"  {one_line(str(one))}"
    if len(compared) < len(fields):
        missing = ", ".join(one for one in fields if one not in compared)
        yield f"  not told of every line, so not compared there: {missing}"


def report_lines(reports: tuple[ShadowReport, ...]) -> Iterator[str]:
    """Give each account's runs, oldest first, and its clean days."""
    if not reports:
        yield "no shadow runs"
    for report in reports:
        for run in report.runs:
            first, *rest = run_lines(run)
            yield f"{run.executed_at:%Y-%m-%d}  {first}"
            yield from rest
        days = ", ".join(str(day) for day in report.clean_days)
        yield f"{report.account}: {len(report.clean_days)} clean days{': ' if days else ''}{days}"
