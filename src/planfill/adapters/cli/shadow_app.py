"""The command ``planfill shadow`` as it is typed."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from typing import Annotated

import typer

from planfill.adapters.cli.options import Account, Config, Json, Request

Shadowed = Annotated[
    str,
    typer.Argument(
        metavar="PLAN|report", help="The plan's file, or - for standard input; or the word report."
    ),
]
Against = Annotated[
    str | None,
    typer.Option("--against", metavar="NAME", help="Which shadow of the settings the plan is compared with."),
]


def shadow(
    context: typer.Context,
    plan: Shadowed,
    against: Against = None,
    account: Account = None,
    config: Config = None,
    *,
    json: Json = False,
) -> int:
    """Execute a plan, then compare it with what a shadow makes of it; or report the clean days."""
    from planfill.adapters.cli.shadowing import ShadowCommands

    request: Request = context.obj
    commands = ShadowCommands(request.assembly, request.printer(json=json), config, account)
    if against is not None:
        return commands.shadow(plan, against)
    if plan == "report":
        return commands.report()
    raise typer.BadParameter("--against NAME is needed: with which [shadow.NAME] the plan is compared")
