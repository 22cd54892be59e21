"""How many plan lines a second go through the whole loop, and where the time goes as plans grow."""

import asyncio
import json
import statistics
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.brokers.wrappers.stack import stack
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.execute import ExecutePlan
from planfill.application.stopping import StopSignal
from planfill.domain.policy import Policy
from planfill.domain.reading import read_plan

SIZES: Final = (100, 1000, 5000, 10000)
RUNS: Final = 5


async def seconds_for(lines: int) -> float:
    """Execute one plan, half sells and half buys: mock broker, memory ledger, no listeners."""
    prices = {f"S{i:05}": str(50 + i % 100) for i in range(lines)}
    items = [
        {"symbol": s, "action": "SELL" if i % 2 else "BUY", "trade_amount": "1000", "current_value": "2000"}
        for i, s in enumerate(prices)
    ]
    plan = read_plan(
        {
            "plan_id": "bench",
            "correlation_id": "bench",
            "timestamp": datetime.now(UTC),
            "total_portfolio_value": Decimal(4000) * lines,
            "items": items,
        }
    )
    clock, ledger = SystemClock(), MemoryLedger()
    broker = MockBroker(MockSettings.model_validate({"prices": prices, "book": ":memory:"}), clock)
    use_case = ExecutePlan(
        brokerage=broker.brokerage(),
        ledger=ledger,
        cursors=ledger,
        clock=clock,
        policy=Policy(),
        listeners=(),
        wrap=stack,
        holder="bench",
    )
    begun = time.perf_counter()
    result = await use_case(plan, StopSignal())
    taken = time.perf_counter() - begun
    if result.orders_filled != lines:
        msg = f"{result.orders_filled} of {lines} filled"
        raise RuntimeError(msg)
    return taken


def main() -> None:
    """Print a row a size, the median of some runs, and the same as JSON."""
    rows = []
    for size in SIZES:
        taken = [asyncio.run(seconds_for(size)) for _ in range(RUNS)]
        median = statistics.median(taken)
        rows.append({"lines": size, "seconds": round(median, 4), "lines_per_second": round(size / median)})
        print(f"{size:>6} lines {median:8.3f} s {size / median:8.0f} lines/s")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
