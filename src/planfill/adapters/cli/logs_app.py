"""The command ``planfill logs`` as it is typed, and what it does."""

# typer reads the annotations at run time, and rewrites nothing: hence no __future__ here.
import typer

from planfill.adapters.cli.options import Config, Json, PlanId, Request


def logs(context: typer.Context, plan_id: PlanId, config: Config = None, *, json: Json = False) -> int:
    """Print what the log file, and the older ones beside it, say of a plan."""
    from json import dumps

    from planfill.adapters.cli.formats import one_line

    request: Request = context.obj
    printer = request.printer(json=json)
    try:
        found = request.assembly.logged(config, plan_id)
    except OSError as e:
        raise typer.BadParameter(f"the log cannot be read: {e.strerror or e}: {e.filename}") from e
    if not found:
        msg = f"the log says nothing of a plan {plan_id!r}: planfill list shows those in the ledger"
        raise typer.BadParameter(msg)
    if json:
        printer.document(dumps({"lines": found}, ensure_ascii=False, indent=2))
    else:
        printer.lines(*(one_line(f"{one['time']} {one['level']:<8} {one['message']}") for one in found))
    return 0
