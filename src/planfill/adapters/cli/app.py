"""The commands as they are typed; whatever is slow to import waits until one of them runs."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from planfill.adapters.cli.audit_app import audit
from planfill.adapters.cli.halt_app import halt, unhalt
from planfill.adapters.cli.limits_app import limits
from planfill.adapters.cli.logs_app import logs
from planfill.adapters.cli.metrics_app import metrics
from planfill.adapters.cli.options import (
    Account,
    Approved,
    Config,
    Evidence,
    FilledAt,
    Json,
    LastPlanId,
    OrderId,
    PlanFile,
    PlanId,
    Request,
    TryOrder,
    Unfinished,
    Version,
    WasCanceled,
    WasNeverPlaced,
    Why,
)
from planfill.adapters.cli.rollout_app import rollout
from planfill.adapters.cli.shadow_app import shadow
from planfill.adapters.cli.watch_app import alerts, watch

if TYPE_CHECKING:
    from planfill.adapters.cli.commands import Commands

app: Final = typer.Typer(
    name="planfill",
    help="Plan in, fills out: executes a rebalance plan at a broker, every line exactly once.",
    epilog=(
        "Exit codes: 0 done, 1 not all filled, 2 wrong plan, settings or usage, 3 refused or stopped, "
        "4 in doubt: resume it, 70 an error of Planfill's own."
    ),
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(audit, name="audit")
app.add_typer(limits, name="limits")
app.add_typer(rollout, name="rollout")
app.add_typer(alerts, name="alerts")
app.command()(halt)
app.command()(unhalt)
app.command()(shadow)
app.command()(watch)
app.command()(metrics)
app.command()(logs)


@app.callback(invoke_without_command=True)
def planfill(context: typer.Context, *, version: Version = False) -> None:
    """Say which version this is, or go on to the command."""
    if version:
        typer.echo(f"planfill {context.obj.version}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


@app.command()
def execute(
    context: typer.Context,
    plan: PlanFile,
    approved: Approved = None,
    account: Account = None,
    config: Config = None,
    *,
    json: Json = False,
) -> int:
    """Execute a plan, or finish what an earlier run of it left; done twice, it sends nothing twice."""
    return _commands(context, config, account, json=json).execute(plan, approved)


@app.command()
def preview(
    context: typer.Context,
    plan: PlanFile,
    account: Account = None,
    config: Config = None,
    *,
    json: Json = False,
) -> int:
    """Show the exact orders that a plan would become now, every check, and why. Sends nothing."""
    return _commands(context, config, account, json=json).preview(plan)


@app.command()
def show(context: typer.Context, plan_id: PlanId, config: Config = None, *, json: Json = False) -> int:
    """Print the recorded result of a plan, or how its execution stands."""
    return _commands(context, config, json=json).show(plan_id)


@app.command(name="list")
def list_(
    context: typer.Context,
    *,
    unfinished: Unfinished = False,
    config: Config = None,
    json: Json = False,
) -> int:
    """List the executions in the ledger, oldest first."""
    return _commands(context, config, json=json).list(unfinished=unfinished)


@app.command()
def resume(
    context: typer.Context,
    plan_id: PlanId,
    account: Account = None,
    config: Config = None,
    *,
    json: Json = False,
) -> int:
    """Finish an execution that was interrupted or is in doubt; sends nothing twice."""
    return _commands(context, config, account, json=json).resume(plan_id)


@app.command()
def cancel(
    context: typer.Context,
    plan_id: PlanId,
    reason: Why = "canceled",
    account: Account = None,
    config: Config = None,
    *,
    json: Json = False,
) -> int:
    """Stop an execution, whoever drives it: what works is canceled, the rest needs a new plan."""
    return _commands(context, config, account, json=json).cancel(plan_id, reason)


@app.command()
def resolve(
    context: typer.Context,
    order: OrderId,
    reason: Evidence,
    filled: FilledAt = None,
    config: Config = None,
    *,
    account: Account = None,
    canceled: WasCanceled = False,
    never_placed: WasNeverPlaced = False,
    json: Json = False,
) -> int:
    """Say what became of an order in doubt, by your own evidence, and finish its execution."""
    from planfill.adapters.cli.evidence import resolution

    found = resolution(filled, canceled=canceled, never_placed=never_placed)
    return _commands(context, config, account, json=json).resolve(order, found, reason)


@app.command()
def reconcile(
    context: typer.Context,
    plan_id: LastPlanId = None,
    account: Account = None,
    config: Config = None,
    *,
    json: Json = False,
) -> int:
    """Compare an execution with the broker's own orders, fills, positions and cash; changes nothing."""
    return _commands(context, config, account, json=json).reconcile(plan_id)


@app.command()
def doctor(
    context: typer.Context,
    account: Account = None,
    config: Config = None,
    *,
    order: TryOrder = False,
    json: Json = False,
) -> int:
    """Check settings, keys, network, account, prices and ledger: what is found, and what to do about it."""
    from planfill.adapters.cli.doctoring import DoctorCommand

    request: Request = context.obj
    return DoctorCommand(request.assembly, request.printer(json=json), config, account)(order=order)


def _commands(
    context: typer.Context, config: Path | None, account: str | None = None, *, json: bool
) -> "Commands":
    from planfill.adapters.cli.commands import Commands

    request: Request = context.obj
    printer = request.printer(json=json)
    return Commands(request.assembly, printer, config, account)
