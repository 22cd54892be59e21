"""The command ``planfill metrics`` as it is typed."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from datetime import datetime
from pathlib import Path
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
Textfile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", dir_okay=False, help="Write them there for Prometheus' node exporter instead."
    ),
]
Serve = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Answer Prometheus there instead, until Ctrl-C.")
]


def metrics(
    context: typer.Context,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    *,
    textfile: Textfile = None,
    serve: Serve = None,
    json: Json = False,
) -> int:
    """Measure how the executions in the ledger have gone, beside what is to be reached."""
    from planfill.adapters.cli.metering import MetricsCommand, Period

    request: Request = context.obj
    command = MetricsCommand(request.assembly, request.printer(json=json), config)
    period = Period(since, until)
    if textfile is not None and serve is not None:
        raise typer.BadParameter("--textfile and --serve are two ways: take one")
    if textfile is not None:
        return command.write(textfile, period)
    return command.show(period) if serve is None else command.serve(serve, period)
