"""The command ``planfill metrics`` as it is typed."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from datetime import datetime
from typing import Annotated, Final

import typer

from planfill.adapters.cli.options import Config, Json, Request

_DAY: Final = ["%Y-%m-%d"]
Since = Annotated[
    datetime | None,
    typer.Option(metavar="DATE", formats=_DAY, help="From the beginning of this day on, in UTC."),
]
Until = Annotated[
    datetime | None, typer.Option(metavar="DATE", formats=_DAY, help="To the end of this day, in UTC.")
]


def metrics(
    context: typer.Context,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    *,
    json: Json = False,
) -> int:
    """Measure how the executions in the ledger have gone, beside what is to be reached."""
    from planfill.adapters.cli.metering import MetricsCommand
    from planfill.adapters.cli.printing import Printer

    request: Request = context.obj
    command = MetricsCommand(request.assembly, Printer(request.assembly.redact, as_json=json), config)
    return command.show(since, until)
