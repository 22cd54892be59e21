"""The metrics as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from planfill.adapters.cli.formats import OUTCOME_STYLE, usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from planfill.application.metering import MetricsReport

_MET: Final = {True: Text("yes", "green"), False: Text("NO", "bold red"), None: Text("-", "dim")}


def metrics_view(report: MetricsReport) -> Iterator[RenderableType]:
    """Draw the targets, how the lines ended, and what was counted."""
    found = report.figures
    beside = _table("metric", "target", "figure", "met")
    for one in report.targets:
        beside.add_row(one.name, one.target, one.figure, _MET[one.met])
    yield beside
    if found.lines:
        yield ""
        ends = _table("lines", "outcome", "reason")
        for line in found.lines:
            outcome = Text(line.outcome, OUTCOME_STYLE[line.outcome])
            ends.add_row(str(line.lines), outcome, line.reason or "")
        yield ends
    statuses = ", ".join(f"{number} {status}" for status, number in found.statuses.items())
    yield ""
    yield f"executions: {found.executions}{f' ({statuses})' if statuses else ''}, with {found.events} events"
    yield (
        f"planned {usd(found.planned_usd)}, filled {usd(found.filled_usd)}, "
        f"shortfall {usd(found.shortfall_usd)}; unresolved orders: {found.orders_unresolved}"
    )
    took = ", ".join(f"{phase} {seconds:.2f}" for phase, seconds in found.phases_s.items())
    yield f"seconds in all: {took}{_to_fill(found.median_fill_s)}"


def _to_fill(median_s: float | None) -> str:
    return "" if median_s is None else f"; to fill an order {median_s:.2f} in the median"


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table
