"""The commands of ``planfill limits`` as they are typed."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from typing import Final

import typer

from planfill.adapters.cli.options import Json, Request

limits: Final = typer.Typer(help="Exercise the limits and breakers.", no_args_is_help=True)


@limits.callback()
def of_limits() -> None:
    """Exercise the limits and breakers."""


@limits.command()
def check(context: typer.Context, *, json: Json = False) -> int:
    """Trip every limit and breaker on a mock exchange of its own; exits with 1 where one did not hold."""
    from planfill.adapters.cli.document import document
    from planfill.adapters.cli.drill_view import drill_lines

    request: Request = context.obj
    printer = request.printer(json=json)
    report = request.assembly.drill()
    if json:
        printer.document(document(report))
    else:
        printer.lines(*drill_lines(report))
    return report.exit_code
