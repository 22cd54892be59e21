"""How soon a halt is obeyed, with 200 lines on their way at the local Alpaca; see ``halt_latency``."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from halt_latency import LINES, by_command, by_hand, measure

RUNS: Final = 5


def main() -> None:
    """Print a row a way to halt, the worst of some runs, and the same as JSON."""
    rows = []
    for means in (by_command, by_hand):
        seen = []
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as folder:
                seen.append(measure(Path(folder), means))
        row = {
            "halted": means.__name__,
            "lines": LINES,
            "sent_after_it_stood": max(len(one.late_s) for one in seen),
            "last_sent_s": round(max(max(one.late_s, default=0) for one in seen), 3),
            "command_s": round(max(one.command_s for one in seen), 3),
            "canceled": [one.orders["canceled"] for one in seen],
            "ended_s": round(max(one.ended_s for one in seen), 3),
        }
        rows.append(row)
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
