"""Planfill, everything on: the ledger on SQLite with FULL sync, every check, the log, the slow start."""

from __future__ import annotations

import importlib
import os
from datetime import UTC, datetime
from typing import Final

from planfill import ExecutionManager
from planfill.domain.outcome import LineOutcome
from race.measuring import Execute, measure
from race.protocol import Job

# What the first execution of a process would import; the SDK is most of it.
_IMPORTED: Final = ("planfill.adapters.brokers.alpaca.family", "planfill.adapters.ledgers.opening")


def prepare(job: Job) -> Execute:
    """Import, read the settings; the ledger of the folder exists, everything else is cold."""
    os.environ |= variables(job)
    for module in _IMPORTED:
        importlib.import_module(module)
    manager = ExecutionManager.from_settings()
    asked = plan(job)

    def execute() -> int:
        result = manager.execute_rebalance_plan(asked)
        return sum(line.outcome is LineOutcome.FILLED for line in result.orders)

    return execute


def variables(job: Job) -> dict[str, str]:
    """Give the environment that names the market; of its rate Planfill is told, as of an account's."""
    return {
        "APCA_API_KEY_ID": job.key,
        "APCA_API_SECRET_KEY": job.secret,
        "PLANFILL_BROKER__ADAPTER": "alpaca",
        "PLANFILL_ALPACA__TRADING_URL": job.url,
        "PLANFILL_ALPACA__DATA_URL": job.url,
        "PLANFILL_ALPACA__STREAM_URL": job.stream_url,
        "PLANFILL_ALPACA__REQUESTS_PER_MINUTE": str(job.requests_per_minute),
    }


def plan(job: Job) -> dict[str, object]:
    """Write the orders as a plan."""
    return {
        "plan_id": "bench",
        "correlation_id": "bench",
        "timestamp": datetime.now(UTC),
        "items": [
            {"symbol": symbol, "action": side.upper(), "trade_amount": dollars}
            for symbol, side, dollars in job.orders
        ],
    }


if __name__ == "__main__":
    measure(prepare)
