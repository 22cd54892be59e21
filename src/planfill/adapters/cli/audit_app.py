"""The commands of ``planfill audit`` as they are typed."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from planfill.adapters.cli.options import Config, Json, PlanId, Request

if TYPE_CHECKING:
    from planfill.adapters.cli.auditing import AuditCommands

OnlyPlan = Annotated[
    str | None, typer.Option("--plan", metavar="PLAN_ID", help="Only the executions of this plan.")
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="HEAD", help="A ledger head that was kept elsewhere: some event must have this hash."
    ),
]
Exported = Annotated[
    str | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="What audit export wrote, or - for standard input, in place of the ledger.",
    ),
]
Output = Annotated[
    Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Where to; standard output by default.")
]

audit: Final = typer.Typer(help="Verify the record: every chain, and every execution from its events.")


@audit.command()
def verify(
    context: typer.Context,
    *,
    plan: OnlyPlan = None,
    against: Against = None,
    file: Exported = None,
    config: Config = None,
    json: Json = False,
) -> int:
    """Find what was changed in the ledger, and where; exits with 1 where something was."""
    return _audits(context, config, json=json).verify(plan, against, file)


@audit.command()
def export(context: typer.Context, plan_id: PlanId, output: Output = None, config: Config = None) -> int:
    """Write an execution as JSON lines, its head last: for audit verify --file, wherever it is kept."""
    return _audits(context, config, json=False).export(plan_id, output)


def _audits(context: typer.Context, config: Path | None, *, json: bool) -> "AuditCommands":
    from planfill.adapters.cli.auditing import AuditCommands

    request: Request = context.obj
    return AuditCommands(request.assembly, request.printer(json=json), config)
