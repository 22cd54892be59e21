"""What a listener costs an event: the JSON line in the file, the line for people, the board, the spans."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from opentelemetry.sdk.trace import TracerProvider

from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.brokers.wrappers.stack import stack
from planfill.adapters.cli.board import Board
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.traces.spans import Spans
from planfill.application.execute import ExecutePlan
from planfill.application.ports.listener import EventListener
from planfill.application.stopping import StopSignal
from planfill.bootstrap.logging import close_files, console, file_listeners
from planfill.bootstrap.settings import load_settings
from planfill.domain.events import Recorded
from planfill.domain.plan import Plan
from planfill.domain.policy import Policy
from planfill.domain.reading import read_plan

LINES: Final = 1000
RUNS: Final = 5


class Tape(EventListener):
    """Keeps what it is told, to be told again."""

    name = ""

    def __init__(self) -> None:
        self.events: list[Recorded] = []

    async def on_event(self, recorded: Recorded) -> None:
        """Keep it."""
        self.events.append(recorded)


def a_plan(prices: dict[str, str]) -> Plan:
    """Make a plan of buys."""
    items = [{"symbol": symbol, "action": "BUY", "trade_amount": "1000"} for symbol in prices]
    head = {"plan_id": "bench", "correlation_id": "bench", "timestamp": "2021-03-31T20:55:00+00:00"}
    return read_plan({**head, "items": items})


async def events_of(plan: Plan, prices: dict[str, str]) -> list[Recorded]:
    """Execute a plan and give all that happened."""
    clock, ledger, tape = SystemClock(), MemoryLedger(), Tape()
    settings = MockSettings.model_validate({"prices": prices, "book": ":memory:"})
    use_case = ExecutePlan(
        brokerage=MockBroker(settings, clock).brokerage(),
        ledger=ledger,
        cursors=ledger,
        clock=clock,
        policy=Policy(),
        listeners=[tape],
        wrap=stack,
        holder="bench",
    )
    await use_case(plan, StopSignal())
    return tape.events


async def cost_us(listener: EventListener, events: Sequence[Recorded]) -> float:
    """Tell a listener all the events; give the microseconds an event took on average."""
    begun = time.perf_counter()
    for event in events:
        await listener.on_event(event)
    return (time.perf_counter() - begun) / len(events) * 1e6


async def main() -> None:
    """Print the figures; what goes to stderr is thrown away, as a pipe would take it."""
    prices = {f"S{i:04}": str(50 + i % 100) for i in range(LINES)}
    plan = a_plan(prices)
    events = await events_of(plan, prices)
    (log,) = file_listeners(load_settings())
    board = Board()
    board.begin(plan)
    figures: dict[str, list[float]] = {"JSON file": [], "JSON file and stderr": [], "board": [], "spans": []}
    spans = Spans(TracerProvider().get_tracer("bench"))
    for _ in range(RUNS):
        figures["JSON file"].append(await cost_us(log, events))
        with console("INFO"):
            figures["JSON file and stderr"].append(await cost_us(log, events))
        figures["board"].append(await cost_us(board, events))
        figures["spans"].append(await cost_us(spans, events))
    close_files()
    for name, costs in figures.items():
        print(f"listener: {name:<21} {statistics.median(costs):6.1f} us an event ({len(events)} events)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.chdir(folder)
        os.environ["PLANFILL_MOCK__PRICES"] = "{}"
        sys.stderr = nowhere
        asyncio.run(main())
