"""The rebalancing itself: once a month look, weigh, plan, have it executed, and book what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from planfill import ExecutionManager
from planfill.domain.result import ExecutionResult, ExecutionStatus
from trading_engine.portfolio import Portfolio, write_plan

if TYPE_CHECKING:
    from trading_engine.market import Market, Prices

    Weigh = Callable[[Market, date], dict[str, Decimal]]

SETTINGS: Final = Path(__file__).with_name("planfill.toml")
START: Final = Portfolio(Decimal(1_000_000), {})
"""What the account has in the beginning; the settings say the same to the mock broker."""
_NOT_OVER: Final = frozenset({ExecutionStatus.REFUSED, ExecutionStatus.IN_DOUBT})


@dataclass(frozen=True)
class Month:
    """One rebalancing: the closes it was made at, and the portfolio before and after."""

    day: date
    prices: Prices
    before: Portfolio
    result: ExecutionResult
    after: Portfolio


class EngineStopped(Exception):
    """A plan was refused, was halted, or is in doubt: somebody has to look before the next one is written."""


def rebalance(market: Market, days: Iterable[date], weigh: Weigh) -> Iterator[Month]:
    """
    Rebalance on each of the days, one after another, in the current folder.

    Started again in the same folder it goes through the same plans: those that were executed give their
    recorded results, the one that was interrupted is finished, and then come the others.

    Raises:
        EngineStopped: Somebody has to look first; the message says what to do.

    """
    portfolio = START
    for day in days:
        prices = market.prices(day)
        plan = write_plan(portfolio, weigh(market, day), prices, day)
        # A real broker knows the prices; the mock reads them, and writing them is the market's part here.
        Path("prices.json").write_text(json.dumps({"last": prices}, default=str), encoding="utf-8")
        Path(f"{day}.plan.json").write_text(json.dumps(plan, indent=1), encoding="utf-8")
        asked_at = datetime.now(UTC)
        with ExecutionManager.from_settings(SETTINGS) as execution:
            result = execution.execute_rebalance_plan(plan)
        # Whoever halted it wants no other plan now; when the engine is started again, it is history.
        halted = result.status is ExecutionStatus.HALTED and result.finished_at >= asked_at
        if halted or result.status in _NOT_OVER:
            raise EngineStopped(_advice(result))
        month = Month(day, prices, portfolio, result, portfolio.after(result))
        yield month
        portfolio = month.after


def _advice(result: ExecutionResult) -> str:
    why = result.detail or ", ".join(sorted({str(line.reason) for line in result.orders if line.reason}))
    return (
        f"{result.plan_id} is {result.status}: {why}. No further plan was written: see `planfill list` and "
        f"`planfill show {result.plan_id}`, settle it, and start the engine again"
    )
