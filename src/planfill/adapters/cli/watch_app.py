"""The commands ``planfill watch`` and ``planfill alerts`` as they are typed."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from planfill.adapters.cli.options import Config, Json, Request

if TYPE_CHECKING:
    from planfill.adapters.cli.watching import WatchCommands

Once = Annotated[bool, typer.Option("--once", help="Look once and end: 0 all is well, 1 something is wrong.")]
Every = Annotated[float, typer.Option("--every", metavar="SECONDS", min=1, help="How often to look.")]
Serve = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Show the metrics to Prometheus there meanwhile.")
]
TargetName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Only this target; by default all.", show_default=False)
]
Most = Annotated[int, typer.Option("--most", metavar="N", min=1, help="So many of the last ones.")]

WatchedPlanId = Annotated[
    str | None,
    typer.Argument(
        metavar="[PLAN_ID]", help="The plan to follow; by default all is looked after.", show_default=False
    ),
]

alerts: Final = typer.Typer(help="List the alerts, and try the targets that are told of them.")


def watch(
    context: typer.Context,
    plan_id: WatchedPlanId = None,
    *,
    once: Once = False,
    every: Every = 60,
    serve: Serve = None,
    config: Config = None,
    json: Json = False,
) -> int:
    """Show an execution until its run ends; or look for runs without an end, and send what alerts are due."""
    if serve is not None and (once or plan_id is not None):
        raise typer.BadParameter("--serve goes on until Ctrl-C: neither with --once nor with a plan")
    if plan_id is not None:
        return _follow(context, config, plan_id, json=json)
    commands = _commands(context, config, json=json)
    return commands.once() if once else commands.on(every, serve)


@alerts.command(name="test")
def send_test(
    context: typer.Context, name: TargetName = None, config: Config = None, *, json: Json = False
) -> int:
    """Send a test message to a target, or to all, and say what came of it."""
    return _commands(context, config, json=json).test(name)


@alerts.command(name="list")
def list_(context: typer.Context, *, most: Most = 20, config: Config = None, json: Json = False) -> int:
    """List the last alerts in the ledger, oldest first."""
    return _commands(context, config, json=json).list(most)


def _commands(context: typer.Context, config: Path | None, *, json: bool) -> "WatchCommands":
    from planfill.adapters.cli.watching import WatchCommands

    request: Request = context.obj
    return WatchCommands(request.assembly, request.printer(json=json), config)


def _follow(context: typer.Context, config: Path | None, plan_id: str, *, json: bool) -> int:
    from planfill.adapters.cli.commands import Commands

    request: Request = context.obj
    return Commands(request.assembly, request.printer(json=json), config).watch(plan_id)
