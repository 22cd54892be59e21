"""The commands of ``planfill rollout`` as they are typed."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from planfill.adapters.cli.options import Account, Config, Json, Request

if TYPE_CHECKING:
    from planfill.adapters.cli.promoting import RolloutCommands

Override = Annotated[
    bool, typer.Option("--override", help="Promote although conditions fail; needs --reason, is recorded.")
]
OverriddenBecause = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why conditions are overridden.")
]
rollout: Final = typer.Typer(help="The stage of the account, and its promotion.", no_args_is_help=True)


@rollout.callback()
def of_rollout() -> None:
    """Tell the stage of the account: paper, canary, live; and promote it."""


@rollout.command()
def status(
    context: typer.Context, account: Account = None, config: Config = None, *, json: Json = False
) -> int:
    """Show the stage of the account, what it may trade, and each condition of the next with its evidence."""
    return _commands(context, account, config, json=json).status()


@rollout.command()
def promote(
    context: typer.Context,
    reason: OverriddenBecause = None,
    account: Account = None,
    config: Config = None,
    *,
    override: Override = False,
    json: Json = False,
) -> int:
    """Move the account to its next stage; exits with 1 while a condition fails, and names it."""
    if override is not bool(reason and reason.strip()):
        raise typer.BadParameter("--override and --reason TEXT go together: who and why is recorded")
    return _commands(context, account, config, json=json).promote(reason)


def _commands(
    context: typer.Context, account: str | None, config: Path | None, *, json: bool
) -> "RolloutCommands":
    from planfill.adapters.cli.promoting import RolloutCommands

    request: Request = context.obj
    return RolloutCommands(request.assembly, request.printer(json=json), config, account)
