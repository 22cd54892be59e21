"""What each command does; the plan is read before anything else is built."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, TypeVar

from planfill.adapters.cli.board import Board
from planfill.adapters.cli.document import Failed, Failure, document, executions_document
from planfill.adapters.cli.formats import one_line
from planfill.adapters.cli.interrupting import Interrupts
from planfill.adapters.cli.live import PlainLines, Times, watching
from planfill.adapters.cli.plan_file import read_plan_file, shown
from planfill.adapters.cli.problems import INTERRUPTED
from planfill.adapters.cli.unfinished import name_unfinished
from planfill.domain.identity import stem_in, stem_of
from planfill.domain.outcome import Reason
from planfill.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from planfill.adapters.cli.assembly import Assembly
    from planfill.adapters.cli.printing import Printer
    from planfill.application.facade import ExecutionFacade
    from planfill.domain.plan import Plan
    from planfill.domain.reconciliation import Reconciliation
    from planfill.domain.resolution import Resolution
    from planfill.domain.result import ExecutionResult

_V = TypeVar("_V", bound=Value)
_MOST_WARNINGS: Final = 10
_STOPPED: Final = 3


class Commands:
    """The commands over what ``Assembly`` makes; each gives what the program exits with."""

    def __init__(
        self, assembly: Assembly, printer: Printer, config: Path | None, account: str | None = None
    ) -> None:
        self._assembly = assembly
        self._printer = printer
        self._config = config
        self._account = account
        self._options = f" --config {shlex.quote(str(config))}" if config else ""

    def execute(self, name: str, approved: str | None) -> int:
        """Execute the plan in a file."""
        plan = self._read(name)
        board = self._board()
        with self._open(board) as facade:
            self._name_unfinished(facade, plan.plan_id)
            board.begin(plan)
            code = self._run(
                plan.plan_id, board, facade, lambda: facade.execute_rebalance_plan(plan, approved=approved)
            )
            self._say_told(facade)
            return code

    def resume(self, plan_id: str) -> int:
        """Finish an execution that the ledger knows."""
        board = self._board()
        with self._open(board) as facade:
            self._name_unfinished(facade, plan_id)
            board.go_on(facade.result(plan_id))
            code = self._run(plan_id, board, facade, lambda: facade.resume(plan_id))
            self._say_told(facade)
            return code

    def reconcile(self, plan_id: str | None) -> int:
        """Compare an execution with the broker's own record."""
        with self._assembly.open(self._config, account=self._account) as facade:
            self._name_unfinished(facade, plan_id)
            reconciliation = facade.reconcile(plan_id)
        if self._printer.as_json:
            self._printer.document(document(reconciliation))
        else:
            from planfill.adapters.cli.reconciliation_view import reconciliation_view

            self._printer.show(reconciliation_view(self._redacted(reconciliation)))
        return reconciliation.exit_code

    def cancel(self, plan_id: str, detail: str) -> int:
        """Stop an execution, whoever drives it."""
        with self._assembly.open(self._config, account=self._account) as facade:
            self._name_unfinished(facade, plan_id)
            result = facade.cancel(plan_id, detail)
        if any(line.reason is Reason.ACCOUNT_BUSY for line in result.lines):
            self._printer.note(f"asked: whoever executes {plan_id!r} stops within a second ({result.detail})")
        self._print(result)
        return result.exit_code

    def resolve(self, order: str, resolution: Resolution, evidence: str) -> int:
        """Record what became of an order in doubt, and finish its execution."""
        with self._assembly.open(self._config, account=self._account) as facade:
            name_unfinished(facade, self._printer, self._options, lambda key: stem_of(key) == stem_in(order))
            result = facade.resolve(order, resolution, evidence)
        self._print(result)
        return result.exit_code

    def preview(self, name: str) -> int:
        """Say what executing the plan in a file would send."""
        plan = self._read(name)
        with self._assembly.open(self._config, account=self._account) as facade:
            self._name_unfinished(facade, plan.plan_id)
            preview = facade.preview(plan)
        if preview.note:
            self._printer.note(preview.note)
        if self._printer.as_json:
            self._printer.document(document(preview))
        else:
            from planfill.adapters.cli.preview_view import preview_view

            account = f" --account {self._account}" if self._account else ""
            options = f"{account}{self._options}"
            self._printer.show(*preview_view(self._redacted(preview), shlex.quote(name), options))
        return 0

    def show(self, plan_id: str) -> int:
        """Print the result of a plan."""
        with self._assembly.open(self._config, account=self._account) as facade:
            self._name_unfinished(facade, plan_id)
            self._print(facade.result(plan_id))
        return 0

    def watch(self, plan_id: str) -> int:
        """Show an execution as it goes on in another process, and its result when its run has ended."""
        from planfill.adapters.cli.following import Follower

        board = self._board()
        with self._open(board) as facade:
            self._name_unfinished(facade, plan_id)
            try:
                Follower(facade, board, self._printer, options=self._options)(plan_id)
            except KeyboardInterrupt:
                self._printer.note(f"not watched any more; the execution of {plan_id!r} goes on")
                return _STOPPED
            result = facade.result(plan_id)
        self._print(result)
        return result.exit_code

    def list(self, *, unfinished: bool) -> int:
        """Print the executions in the ledger."""
        with self._assembly.open(self._config, account=self._account) as facade:
            self._name_unfinished(facade, None)
            executions = facade.executions(unfinished=unfinished)
        if self._printer.as_json:
            self._printer.document(executions_document(executions))
        else:
            from planfill.adapters.cli.list_view import list_view

            self._printer.show(
                list_view(executions, self._assembly.redact, self._options, unfinished=unfinished)
            )
        return 0

    def _name_unfinished(self, facade: ExecutionFacade, plan_id: str | None) -> None:
        name_unfinished(facade, self._printer, self._options, lambda key: key.plan_id == plan_id)

    def _read(self, name: str) -> Plan:
        plan = read_plan_file(name)
        for warning in plan.warnings[:_MOST_WARNINGS]:
            self._printer.note(f"warning: {shown(name)}: {warning}")
        if more := len(plan.warnings[_MOST_WARNINGS:]):
            self._printer.note(f"warning: {shown(name)}: and {more} more of the kind")
        return plan

    def _board(self) -> Board:
        quiet = self._printer.as_json or self._printer.is_live
        return Board(None if quiet else PlainLines(self._printer))

    def _open(self, board: Board) -> AbstractContextManager[ExecutionFacade]:
        return self._assembly.open(
            self._config, account=self._account, listeners=[board], quiet=self._printer.is_live
        )

    def _run(
        self, plan_id: str, board: Board, facade: ExecutionFacade, run: Callable[[], ExecutionResult]
    ) -> int:
        """Let an execution run, watched and stoppable, and print what became of it."""
        times = Times(usual_s=self._usual_s(facade) if self._printer.is_live else None)
        resume = f"planfill resume {shlex.quote(plan_id)}{self._options}"
        interrupts = Interrupts(lambda: self._stopping(board), lambda: self._leaving(_left(plan_id, resume)))
        with interrupts:
            try:
                with watching(board, self._printer, plan_id, times):
                    result = run()
            except KeyboardInterrupt:
                # It came before the façade could hear it: the execution may be running.
                interrupts.leave()
                raise
        self._print(result)
        return result.exit_code

    def _say_told(self, facade: ExecutionFacade) -> None:
        """Say beside the result what came of comparing it, and of telling people."""
        self._say_reconciled(facade.reconciliation())
        for trouble in facade.alerted():
            self._printer.note(one_line(f"not told, and that changes nothing of the result: {trouble}"))

    def _say_reconciled(self, reconciliation: Reconciliation | None) -> None:
        """Say beside the result what came of comparing it; None where that was done before."""
        if reconciliation is None:
            return
        again = f"; planfill reconcile {shlex.quote(reconciliation.plan_id)}{self._options}"
        self._printer.note(one_line(f"{reconciliation}{again if reconciliation.trouble else ''}"))

    def _usual_s(self, facade: ExecutionFacade) -> float | None:
        from planfill.adapters.cli.following import usual_s

        return usual_s(facade)

    def _stopping(self, board: Board) -> None:
        board.stopping = "interrupted"
        self._printer.note(
            "stopping: nothing new is sent, what works is canceled and read once more; "
            "interrupt again to leave at once"
        )

    def _leaving(self, why: Failed) -> None:
        self._printer.give_back()
        self._printer.failure(why)

    def _print(self, result: ExecutionResult) -> None:
        if self._printer.as_json:
            self._printer.document(document(result))
            return
        from planfill.adapters.cli.result_view import result_view

        width = self._printer.console.width
        self._printer.show(*result_view(self._redacted(result), width, self._options))

    def _redacted(self, value: _V) -> _V:
        """Hide secrets before a picture is drawn: in it they might be broken across lines."""
        return type(value).model_validate_json(self._assembly.redact(value.model_dump_json()))


def _left(plan_id: str, resume: str) -> Failed:
    message = (
        f"left at once: plan {plan_id!r} is unfinished, and orders may be working at the broker; "
        f"to finish it: {resume}"
    )
    return Failed(error=Failure(code=INTERRUPTED, message=message))
