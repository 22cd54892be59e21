"""Running a command line: every way in which it can end becomes an exit code and a message."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import typer

from planfill.adapters.cli.app import app
from planfill.adapters.cli.options import Request
from planfill.adapters.cli.printing import Printer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.adapters.cli.assembly import Assembly

_STOPPED: Final = 3
_INTERRUPTED: Final = 130
"""What typer makes of Ctrl-C."""


def run(arguments: Sequence[str], assembly: Assembly, version: str) -> int:
    """Run one command; give what the program exits with. No exception leaves it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # What a terminal cannot show must not end an execution.
            stream.reconfigure(errors="backslashreplace")
    printer = Printer(assembly.redact, as_json="--json" in arguments)
    try:
        code = _invoke(arguments, Request(assembly, version))
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as e:  # noqa: BLE001 - the last resort: whatever it is becomes a message
        return _failed(e, assembly, printer)
    return _interrupted(printer) if code == _INTERRUPTED else code


def _invoke(arguments: Sequence[str], request: Request) -> int:
    command = typer.main.get_command(app)
    code = command.main(list(arguments), prog_name="planfill", standalone_mode=False, obj=request)
    return code if isinstance(code, int) else 0


def _interrupted(printer: Printer) -> int:
    from planfill.adapters.cli.document import Failed, Failure
    from planfill.adapters.cli.problems import INTERRUPTED

    message = "interrupted; nothing was sent"
    printer.failure(Failed(error=Failure(code=INTERRUPTED, message=message)))
    return _STOPPED


def _failed(error: Exception, assembly: Assembly, printer: Printer) -> int:
    from planfill.adapters.cli import problems
    from planfill.domain.errors import ExecutionError

    if _is_usage(error):
        where = getattr(getattr(error, "ctx", None), "command_path", "planfill")
        printer.failure(problems.misused(error.format_message(), where))  # type: ignore[attr-defined]
        return 2
    if isinstance(error, ExecutionError) and error.exit_code != problems.OUR_OWN:
        printer.failure(problems.failed(error))
        return error.exit_code
    printer.failure(problems.crashed(error, assembly.keep(error)))
    return problems.OUR_OWN


def _is_usage(error: Exception) -> bool:
    # typer ships its own click now and once used click's: they have the shape in common, not the class.
    return hasattr(error, "format_message") and hasattr(error, "exit_code")
