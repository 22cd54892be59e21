"""A result as people read it: one row a line, what the reasons mean, the sum, and what to do next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from planfill.adapters.cli.formats import (
    ACTION_STYLE,
    OUTCOME_STYLE,
    STATUS_STYLE,
    dollars,
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



def result_view(result: ExecutionResult, options: str = "") -> Iterator[RenderableType]:
    """
    Give what is printed of a result, piece by piece.

    ``options`` is what the commands that are named need besides, such as `` --config FILE``.
    """
    if result.lines:
        yield line_table(result)
        yield from _notes(result)
    yield _sum(result)
    if advice := next_step(result, options):
        yield Text.assemble(("next: ", "bold"), advice)


def line_table(result: ExecutionResult) -> Table:
    """Draw one row a line of the plan."""
    explained = any(line.reason for line in result.lines)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("action")
    table.add_column("symbol", overflow="fold")
    table.add_column("planned $", justify="right", no_wrap=True)
    table.add_column("outcome")
    for name in ("filled $", "quantity", "avg price", "residual $"):
        table.add_column(name, justify="right", no_wrap=name != "quantity", overflow="fold")
    if explained:
        table.add_column("reason")
    for line in result.lines:
        cells = [*_cells(line), Text(words(line.reason or ""))]
        table.add_row(*cells[: len(table.columns)], style=_row_style(line))
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


def _row_style(line: OrderResult) -> str:
    return "dim" if line.outcome is LineOutcome.HOLD else ""


def _notes(result: ExecutionResult) -> Iterator[Text]:
    """Say what the reasons mean, where more is known than their names; once where all have the same."""
    seen: dict[tuple[str, str], list[str]] = {}
    for line in result.lines:
        if line.detail and line.detail != result.detail:
            seen.setdefault((line.reason or "", line.detail), []).append(line.symbol)
    for (reason, detail), symbols in seen.items():
        named = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8} more" if len(symbols) > 8 else "")  # noqa: PLR2004
        yield Text.assemble((f"{named}: ", "bold"), f"{words(reason)}: " if reason else "", one_line(detail))


def _sum(result: ExecutionResult) -> Text:
    seconds = (result.finished_at - result.started_at).total_seconds()
    bps = "" if result.shortfall_bps is None else f" ({result.shortfall_bps:,.2f} bps)"
    fees = f", fees {usd(result.fees_usd)}" if result.fees_usd else ""
    rest = (
        f"planned {usd(result.planned_usd)}, filled {usd(result.filled_usd)}, "
        f"residual {usd(result.residual_usd)}; {result.orders_filled} of {result.orders_placed} orders filled; "
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
            return f"planfill resume {plan_id}{options}   (it asks the broker again, and sends nothing twice)"
        case ExecutionStatus.HALTED:
            return (
                f"this plan is closed for good; planfill show {plan_id}{options} tells what was done, "
                "and the rest needs a new plan: planfill execute NEW_PLAN"
            )
        case ExecutionStatus.REFUSED:
            if any(line.reason is Reason.ACCOUNT_UNFINISHED for line in result.lines):
                return f"finish the other plan as said above, then planfill execute this one again{options}"
            return f"nothing was sent; mend the cause, then execute the same plan again: planfill execute PLAN{options}"
        case ExecutionStatus.PARTIAL | ExecutionStatus.FAILED:
            return f"the reasons are above; planfill show {plan_id}{options} prints them again; what is left needs a new plan"
        case _:
            return ""
