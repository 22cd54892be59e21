"""
How time and memory grow with the plan: ``planfill execute`` as a whole process, from 10 to 10,000 lines.

At the mock broker, whose book is in memory; the ledger is on SQLite, with the log beside it. The growth is
linear if a line costs the same at every size.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from race.chart import chart
from race.running import environment, scratch
from race.spawning import Cost, cost_of, middle

SIZES: Final = (10, 100, 1000, 3000, 10_000)
PROGRAM: Final = str(Path(sys.executable).with_name("planfill"))


def cost_at(lines: int, folder: Path) -> Cost:
    """Execute a plan of buys."""
    symbols = [f"S{number:05}" for number in range(lines)]
    (folder / "prices.json").write_text(
        json.dumps({"last": {symbol: str(50 + at % 100) for at, symbol in enumerate(symbols)}}),
        encoding="utf-8",
    )
    head = {"plan_id": "bench", "correlation_id": "bench", "timestamp": str(datetime.now(UTC))}
    items = [{"symbol": symbol, "action": "BUY", "trade_amount": "1000"} for symbol in symbols]
    (folder / "plan.json").write_text(json.dumps({**head, "items": items}), encoding="utf-8")
    mock = {"PRICES": "prices.json", "BOOK": ":memory:", "CASH": str(2000 * lines)}
    variables = environment() | {f"PLANFILL_MOCK__{name}": value for name, value in mock.items()}
    return cost_of([PROGRAM, "execute", "plan.json"], folder, variables)


def main() -> None:
    """Print a row a size, and what a line costs between them; write JSON and a plot."""
    rows: dict[int, Cost] = {}
    for lines in SIZES:
        costs = []
        for _ in range(1 if lines > SIZES[2] else 3):
            with tempfile.TemporaryDirectory(dir=scratch()) as folder:
                costs.append(cost_at(lines, Path(folder)))
        rows[lines] = cost = middle(costs)
        print(f"{lines:>6} lines {cost.wall_s:8.3f} s wall {cost.cpu_s:8.3f} s CPU {cost.peak_mb:6.0f} MB")
    for (few, less), (many, more) in pairwise(rows.items()):
        a_line = (more.cpu_s - less.cpu_s) / (many - few) * 1000, (more.peak_mb - less.peak_mb) / (many - few)
        print(f"{few:>6} to {many:>6}: a line {a_line[0]:6.3f} ms CPU {a_line[1] * 1024:6.1f} KB")
    found = {lines: cost._asdict() for lines, cost in rows.items()}
    (scratch() / "growth.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    drawn = {
        "seconds": [(lines, cost.wall_s) for lines, cost in rows.items()],
        "CPU seconds": [(lines, cost.cpu_s) for lines, cost in rows.items()],
        "MB": [(lines, cost.peak_mb) for lines, cost in rows.items()],
    }
    title = "planfill execute, mock broker, whole process"
    (scratch() / "growth.svg").write_text(chart(title, "lines of the plan", "", drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
