"""When the last order of a plan is placed: with no target of alerts, and with one that never answers."""

import os
import socket
import statistics
import tempfile
from pathlib import Path
from typing import Final

from planfill import ExecutionManager
from planfill.application.ports.listener import EventListener
from planfill.domain.events import ExecutionStarted, OrderRecorded, Recorded

LINES: Final = 50
RUNS: Final = 5
URL: Final = "PLANFILL_ALERTS__TARGETS__DEAD__URL"


class Placements(EventListener):
    """Notes how long after the start the last order was recorded to be sent."""

    name = ""

    def __init__(self) -> None:
        self.last_s = 0.0
        self._start: Recorded | None = None

    async def on_event(self, recorded: Recorded) -> None:
        """Take the times."""
        if isinstance(recorded.event, ExecutionStarted):
            self._start = recorded
        elif isinstance(recorded.event, OrderRecorded) and self._start is not None:
            self.last_s = (recorded.at - self._start.at).total_seconds()


def run(number: int, prices: dict[str, str]) -> float:
    """Execute a plan of which one line cannot be traded, so that there is something to tell."""
    items = [{"symbol": symbol, "action": "BUY", "trade_amount": "100"} for symbol in (*prices, "NOPE")]
    head = {"plan_id": f"p{number}", "correlation_id": "bench", "timestamp": "2021-03-31T20:55:00+00:00"}
    seen = Placements()
    with ExecutionManager.from_settings("planfill.toml", listeners=[seen]) as execution:
        execution.execute_rebalance_plan({**head, "items": items})
    return seen.last_s


def main() -> None:
    """Measure by turns, so that what else the machine does falls on both."""
    prices = {f"S{number}": "100" for number in range(LINES)}
    table = ", ".join(f'"{symbol}" = "{price}"' for symbol, price in prices.items())
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0), backlog=100) as hole:
        os.chdir(folder)
        text = f'[log]\nlevel = "CRITICAL"\n[mock]\ncash = "1000000"\nprices = {{ {table} }}\n'
        Path("planfill.toml").write_text(text, encoding="utf-8")
        found: dict[str, list[float]] = {"none": [], "dead": []}
        for number in range(2 * RUNS):
            which = "dead" if number % 2 else "none"
            os.environ.pop(URL, None)
            if which == "dead":
                os.environ[URL] = f"json://127.0.0.1:{hole.getsockname()[1]}"
            found[which].append(run(number, prices))
        os.chdir("/")
    for which, seconds in found.items():
        spread = f"{min(seconds) * 1000:.0f} to {max(seconds) * 1000:.0f}"
        median_ms = statistics.median(seconds) * 1000
        print(f"target {which}: last of {LINES} orders after {median_ms:.0f} ms ({spread})")


if __name__ == "__main__":
    main()
