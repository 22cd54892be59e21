"""The executions in a ledger as people read them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from planfill.adapters.cli.formats import minute

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from planfill.application.ports.ledger import ExecutionSummary


def list_view(
    executions: Sequence[ExecutionSummary],
    redact: Callable[[str], str],
    options: str,
    *,
    unfinished: bool,
) -> RenderableType:
    """Draw one row an execution, and how to go on with those that are unfinished."""
    if not executions:
        return Text("no unfinished executions" if unfinished else "no executions")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("plan id", "account", "started (UTC)", "state"):
        table.add_column(name, overflow="fold")
    for one in executions:
        state = Text("finished", "green") if one.finished else Text("unfinished", "bold red")
        table.add_row(
            Text(redact(one.key.plan_id)), Text(str(one.key.account)), minute(one.started_at), state
        )
    to_do = [
        Text.assemble(("next: ", "bold"), f"planfill resume {shlex.quote(redact(one.key.plan_id))}{options}")
        for one in executions
        if not one.finished
    ]
    return Group(table, *to_do)
