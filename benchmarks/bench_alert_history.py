"""What delivering the alerts of one more execution costs, with 10, 100 and 1,000 executions before it."""

import asyncio
import itertools
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.sql import SqlLedger
from planfill.application.alerting import Alerts, AlertTarget
from planfill.application.opening import stream_of
from planfill.application.ports.alerter import Alerter
from planfill.domain.alert_message import AlertMessage
from planfill.domain.events import Event
from planfill.domain.identity import AccountKey, ExecutionKey
from planfill.testing.events import one_of_each_kind

SIZES: Final = (10, 100, 1000)
RUNS: Final = 5
ACCOUNT: Final = AccountKey(broker="mock", environment="mock", number="MOCK-1")


class Silent(Alerter):
    """Takes everything at once: what is left is our own cost."""

    async def send(self, message: AlertMessage) -> None:
        """Take it."""


def an_execution() -> list[Event]:
    """Give the events of a small execution that has ended."""
    return [event for event in one_of_each_kind() if event.kind not in {"halted", "unhalted"}]


async def grow(ledger: SqlLedger, plan_id: str, events: list[Event]) -> None:
    """Add an execution."""
    key, now = ExecutionKey(account=ACCOUNT, plan_id=plan_id), datetime.now(UTC)
    async with await ledger.claim(ACCOUNT, holder="bench", at=now) as claim:
        await ledger.append(stream_of(key), events, at=now, claim=claim)


async def measure(size: int, folder: Path) -> tuple[float, list[float]]:
    """Give the seconds of the first delivery of a new target, and of those after one more execution each."""
    ledger, names, events = SqlLedger(f"sqlite:///{folder / 'bench.db'}"), itertools.count(), an_execution()
    for _ in range(size):
        await grow(ledger, f"plan-{next(names)}", events)
    alerts = Alerts(ledger, ledger, SystemClock(), (AlertTarget("phone", Silent()),), "bench")
    found = []
    for _ in range(1 + RUNS):
        await grow(ledger, f"plan-{next(names)}", events)
        began = time.perf_counter()
        (delivery,) = await alerts.deliver()
        if not delivery.alerts:
            raise SystemExit(delivery.trouble)
        found.append(time.perf_counter() - began)
    await ledger.aclose()
    return found[0], found[1:]


def main() -> None:
    """Print a row a size."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            first, later = asyncio.run(measure(size, Path(folder)))
        print(
            f"{size:>5} executions: a new target {first * 1000:7.0f} ms, one more execution "
            f"{statistics.median(later) * 1000:6.1f} ms ({min(later) * 1000:.1f} to {max(later) * 1000:.1f})"
        )


if __name__ == "__main__":
    main()
