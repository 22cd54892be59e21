"""A comparison with the broker's record as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from planfill.adapters.cli.formats import one_line, words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from planfill.domain.reconciliation import Reconciliation


def reconciliation_view(reconciliation: Reconciliation) -> RenderableType:
    """Draw the verdict, what it is about, and one row a difference."""
    about = f"{reconciliation.plan_id} on {reconciliation.account}"
    if reconciliation.trouble:
        why = one_line(f"{about}: {reconciliation.trouble}")
        return Text.assemble(("NOT COMPARED", "bold yellow"), f"  {why}")
    positions = "no positions: nobody read them before"
    if reconciliation.positions is not None:
        positions = f"{reconciliation.positions} positions"
    compared = f"  {about}: {reconciliation.orders} orders, {positions}, the cash"
    if not reconciliation.differences:
        return Text.assemble(("IN ORDER", "bold green"), compared)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("difference", "symbol", "order", "ours", "theirs"):
        table.add_column(name, overflow="fold")
    for one in reconciliation.differences:
        style = "yellow" if one.is_foreign else "bold red"
        cells = (one.symbol, one.client_order_id or "", one.ours, one.theirs)
        table.add_row(Text(words(one.kind), style), *(Text(one_line(cell)) for cell in cells))
    return Group(Text.assemble(("DIFFERENT", "bold red"), compared), table)
