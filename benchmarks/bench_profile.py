"""
Where the time of a run by Planfill goes: its CPU by part, and when the market saw which request.

100 lines at the local Alpaca, 50 ms away. CPU is measured in every thread, by a profiler that costs itself:
only the shares mean anything.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from race.given import with_a_ledger
from race.protocol import Case
from race.running import BENCHMARKS, environment, market, run, scratch


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100)
    case = Case(parser.parse_args().lines, 0.05)
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        here = with_a_ledger(Path(folder))
        found = run("planfill", case, given=here)
        with market(case, here) as (job, _):
            profiled = subprocess.run(
                [sys.executable, "-m", "race.profiling"],
                cwd=here,
                env=environment() | {"PYTHONPATH": str(BENCHMARKS)},
                input=job.written() + "\n",
                text=True,
                capture_output=True,
                check=True,
            )
    makespan_ms, cpu_ms = found.outcome.makespan_s * 1000, found.outcome.cpu_s * 1000
    print(f"{case.lines} lines: {makespan_ms:.0f} ms, {cpu_ms:.0f} ms of CPU")
    print(f"CPU by part:\n{profiled.stdout}")
    print("requests, in ms after the first:")
    for kind, first_ms, last_ms, count in found.seen.timeline:
        print(f"| {kind} | {first_ms} | {last_ms} | {count} |")


if __name__ == "__main__":
    main()
