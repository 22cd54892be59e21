"""What the year came to: a line a month, and the growth and the cost of it all."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from planfill.domain.result import ExecutionStatus
from trading_engine.engine import Month

_NONE: Final = Decimal(0)
_BPS: Final = 10_000

HEADER: Final = "month end        value $  turnover  orders   filled $  fees $  cost $  cost bps"


def line(month: Month) -> str:
    """Describe one rebalancing: the value after it, what was traded, and what that cost."""
    result = month.result
    turnover = result.filled_usd / month.before.value(month.prices)
    bps = 0 if result.shortfall_bps is None else result.shortfall_bps
    told = (
        f"{month.day}  {month.after.value(month.prices):13,.2f}  {turnover:8.1%}"
        f"  {result.orders_filled:>2}/{result.orders_placed:<2}"
        f"  {result.filled_usd:12,.2f}"
        f"  {result.fees_usd:6,.2f}  {result.shortfall_usd:6,.2f}  {bps:8.2f}"
    )
    return told if result.status is ExecutionStatus.SUCCEEDED else f"{told}  {_explained(month)}"


def growth(months: Sequence[Month]) -> Decimal:
    """Tell by which part the portfolio has grown, from before the first rebalancing to after the last."""
    first, last = months[0], months[-1]
    return last.after.value(last.prices) / first.before.value(first.prices) - 1


def summary(months: Sequence[Month]) -> str:
    """Describe the whole: the growth, and what execution cost."""
    first, last = months[0], months[-1]
    results = [month.result for month in months]
    filled = sum((result.filled_usd for result in results), _NONE)
    fees = sum((result.fees_usd for result in results), _NONE)
    cost = sum((result.shortfall_usd for result in results), _NONE)
    start, end = first.before.value(first.prices), last.after.value(last.prices)
    return (
        f"growth {growth(months):.2%}: ${start:,.2f} on {first.day}, ${end:,.2f} on {last.day}\n"
        f"execution cost ${cost:,.2f} in all, ${fees:,.2f} of it fees: {cost / filled * _BPS:.2f} bps of the "
        f"${filled:,.2f} that were traded, {cost / start:.2%} of the portfolio"
    )


def _explained(month: Month) -> str:
    """Say what became of the lines that were not traded as planned."""
    short = [one for one in month.result.orders if not one.success]
    return f"{month.result.status}: " + ", ".join(f"{one.symbol} {one.outcome} {one.reason}" for one in short)
