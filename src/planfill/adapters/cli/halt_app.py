"""The commands ``planfill halt`` and ``planfill unhalt`` as they are typed."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planfill.adapters.cli.options import Config, Json, Request

if TYPE_CHECKING:
    from planfill.adapters.cli.halting import HaltCommands

Because = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record; needed.")]
LiftedBecause = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")]
OnlyAccount = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="ACCOUNT", help="Only this account, by its number, key or name; by default all."
    ),
]
ReduceOnly = Annotated[bool, typer.Option("--reduce-only", help="Let sells through, and buy nothing.")]


def halt(
    context: typer.Context,
    reason: Because,
    account: OnlyAccount = None,
    config: Config = None,
    *,
    reduce_only: ReduceOnly = False,
    json: Json = False,
) -> int:
    """Send nothing more, whoever executes, now and later: what works is canceled; until unhalt."""
    return _commands(context, config, json=json).halt(reason, account, reduce_only=reduce_only)


def unhalt(
    context: typer.Context,
    account: OnlyAccount = None,
    reason: LiftedBecause = "lifted",
    config: Config = None,
    *,
    json: Json = False,
) -> int:
    """Lift a halt: plans can be executed again; what was stopped stays stopped."""
    return _commands(context, config, json=json).unhalt(reason, account)


def _commands(context: typer.Context, config: Path | None, *, json: bool) -> "HaltCommands":
    from planfill.adapters.cli.halting import HaltCommands

    request: Request = context.obj
    return HaltCommands(request.assembly, request.printer(json=json), config)
