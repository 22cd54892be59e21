"""The arguments and options of the commands, each said once."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from planfill.adapters.cli.assembly import Assembly
    from planfill.adapters.cli.printing import Printer


class Request(NamedTuple):
    """What the commands need besides their arguments."""

    assembly: "Assembly"
    version: str

    def printer(self, *, json: bool) -> "Printer":
        """Make what the command prints with; its module is imported here, not before."""
        from planfill.adapters.cli.printing import Printer

        return Printer(self.assembly.redact, as_json=json)


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="PLANFILL_CONFIG",
        metavar="FILE",
        help="The settings; planfill.toml in the current folder where there is one.",
    ),
]
Account = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="NAME", help="Which account of the settings, where the plan names none."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
PlanFile = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's file, or - for standard input.")]
PlanId = Annotated[str, typer.Argument(metavar="PLAN_ID", help="The plan_id of the plan.")]
LastPlanId = Annotated[
    str | None,
    typer.Argument(metavar="[PLAN_ID]", help="The plan_id of the plan; by default the last one executed."),
]
Approved = Annotated[
    str | None,
    typer.Option(metavar="DIGEST", help="Execute only the plan with this digest; see preview."),
]
Unfinished = Annotated[bool, typer.Option("--unfinished", help="Only those that can be resumed.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="The client order id of the order.")]
Evidence = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="How you know it, for the record; needed.")
]
FilledAt = Annotated[
    str | None, typer.Option("--filled", metavar="QUANTITY@PRICE", help="So many shares, at this average.")
]
WasCanceled = Annotated[bool, typer.Option("--canceled", help="It was canceled.")]
WasNeverPlaced = Annotated[bool, typer.Option("--never-placed", help="The broker never had it.")]
TryOrder = Annotated[
    bool,
    typer.Option("--order", help="Also place one smallest order far from the market, and cancel it."),
]
Version = Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)]
