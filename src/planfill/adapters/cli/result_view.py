"""A result as people read it: one row a line, what the reasons mean, the sum, and what to do next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from planfill.adapters.cli.formats import (
    ACTION_STYLE,
    OUTCOME_STYLE,
    STATUS_STYLE,
    dollars,
    minute,
    one_line,
    price,
    shares,
    usd,
    words,
)
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from planfill.domain.result import ExecutionResult, OrderResult

_ROOMY: Final = 116
"""The width from which on the columns stand two blanks apart."""
_FOR_REASONS: Final = 92
"""The width from which on there is room for a column of reasons; below it they stand under the table."""
_NAMED: Final = 8


def result_view(result: ExecutionResult, width: int, options: str = "") -> Iterator[RenderableType]:
    """
    Give what is printed of a result, piece by piece, in ``width`` columns.

    ``options`` is what the commands that are named need besides, such as `` --config FILE``.
    """
    if result.plan_id:
        yield _heading(result)
    if result.lines:
        explained = width >= _FOR_REASONS and any(line.reason for line in result.lines)
        yield _table(result, gap=2 if width >= _ROOMY else 1, explained=explained)
        yield from _notes(result, explained=explained)
    yield _sum(result)
    if advice := next_step(result, options):
        yield Text.assemble(("next: ", "bold"), advice)


def _heading(result: ExecutionResult) -> Text:
    where = f" on {result.account}" if result.account else ""
    when = f", {minute(result.started_at)} UTC"
    return Text.assemble((one_line(result.plan_id or ""), "bold"), where, (when, "dim"))


def _table(result: ExecutionResult, *, gap: int, explained: bool) -> Table:
    """Draw one row a line of the plan; a figure that does not fit is folded, never cut."""
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    table.add_column()
    table.add_column("symbol", overflow="fold")
    table.add_column("planned $", justify="right", overflow="fold")
    table.add_column("outcome", overflow="fold")
    for name in ("filled $", "quantity", "avg price", "residual $"):
        table.add_column(name, justify="right", overflow="fold")
    if explained:
        table.add_column("reason", overflow="fold")
    for line in result.lines:
        cells = [*_cells(line), Text(words(line.reason or ""))]
        style = "dim" if line.outcome is LineOutcome.HOLD else ""
        table.add_row(*cells[: len(table.columns)], style=style)
    return table


def _cells(line: OrderResult) -> list[Text]:
    traded = line.filled_quantity != 0
    return [
        Text(line.action, ACTION_STYLE[line.action]),
        Text(line.symbol),
        Text(dollars(line.planned_usd)),
        Text(words(line.outcome), OUTCOME_STYLE[line.outcome]),
        Text(dollars(line.filled_usd) if traded else ""),
        Text(shares(line.filled_quantity)),
        Text(price(line.average_price)),
        Text(dollars(line.residual_usd) if line.residual_usd else ""),
    ]


def _notes(result: ExecutionResult, *, explained: bool) -> Iterator[Text]:
    """Say what the reasons mean where more is known than their names, once for all that share it."""
    shared: dict[tuple[str, str], list[str]] = {}
    for line in result.lines:
        detail = "" if line.detail == result.detail else one_line(line.detail)
        if detail or (line.reason and not explained):
            shared.setdefault((words(line.reason or ""), detail), []).append(line.symbol)
    for (reason, detail), symbols in shared.items():
        more = len(symbols) - _NAMED
        named = ", ".join(symbols[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield Text.assemble((named, "bold"), ": ", ": ".join(part for part in (reason, detail) if part))


def _sum(result: ExecutionResult) -> Text:
    seconds = (result.finished_at - result.started_at).total_seconds()
    bps = "" if result.shortfall_bps is None else f" ({result.shortfall_bps:,.2f} bps)"
    fees = f", fees {usd(result.fees_usd)}" if result.fees_usd else ""
    rest = (
        f"planned {usd(result.planned_usd)}, filled {usd(result.filled_usd)}, "
        f"residual {usd(result.residual_usd)}; "
        f"{result.orders_filled} of {result.orders_placed} orders filled; "
        f"shortfall {usd(result.shortfall_usd)}{bps}{fees}; {seconds:,.2f} s"
    )
    head = f"\nledger head {result.ledger_head}" if result.ledger_head else ""
    detail = f"{one_line(result.detail)}\n" if result.detail else ""
    status = (words(result.status), STATUS_STYLE[result.status])
    return Text.assemble("\n" if result.lines else "", status, "  ", detail, rest, (head, "dim"))


def next_step(result: ExecutionResult, options: str = "") -> str:
    """Give the command that goes on from here; nothing where all is done."""
    plan_id = shlex.quote(result.plan_id or "")
    match result.status:
        case ExecutionStatus.IN_DOUBT:
            return f"planfill resume {plan_id}{options} (asks the broker again, sends nothing twice)"
        case ExecutionStatus.HALTED:
            return (
                "the plan is closed for good, and what is left needs a new one: "
                f"planfill execute NEW_PLAN{options}"
            )
        case ExecutionStatus.REFUSED:
            other = any(line.reason is Reason.ACCOUNT_UNFINISHED for line in result.lines)
            first = "finish the other plan" if other else "mend the cause"
            return f"nothing was sent; {first}, then again: planfill execute PLAN{options}"
        case ExecutionStatus.PARTIAL | ExecutionStatus.FAILED:
            return f"what is left needs a new plan: planfill execute NEW_PLAN{options}"
        case _:
            return ""
