"""
How long a plan takes at Alpaca, beside other ways to do it, over a wire with round trips.

Every run is a fresh process against a fresh market in a process of its own; the systems take turns. With
``--full`` the whole matrix, else what shows most in four minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from race.chart import chart
from race.given import with_a_ledger
from race.machine import described
from race.protocol import Case
from race.report import Results, Row, ceiling, overview, table
from race.running import Void, run, scratch

SYSTEMS: Final = ("planfill", "threads", "loop", "floor")
LUMIBOT: Final = os.environ.get("LUMIBOT_PYTHON", "")
SIZES: Final = (1, 20, 100, 500)
# One line after another: so slow that a few runs must do.
_SERIAL: Final = {"loop", "lumibot"}
_PLOTTED_RTT_S: Final = 0.05


def cases(*, full: bool) -> list[Case]:
    """Give the cells of the matrix."""
    if full:
        return [Case(n, rtt, tls) for tls in (False, True) for rtt in (0, 0.02, 0.05) for n in SIZES]
    return [Case(n, 0.05) for n in SIZES] + [Case(n, 0.05, tls=True) for n in (20, 100)]


def schedule(cells: list[Case], runs: int, *, full: bool) -> Iterator[tuple[Case, str]]:
    """Let the systems take turns."""
    for turn in range(runs):
        for case in cells:
            for system in (*SYSTEMS, *(["lumibot"] if LUMIBOT else [])):
                most = 500 if full else 100
                if system not in _SERIAL or (turn == 0 and case.lines <= most and (full or not case.tls)):
                    yield case, system


def measure(cells: list[Case], runs: int, *, full: bool) -> list[Row]:
    """Run them all."""
    results = Results()
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        given = with_a_ledger(Path(folder))
        for case, system in schedule(cells, runs, full=full):
            python = LUMIBOT if system == "lumibot" else sys.executable
            try:
                results.add(case, system, run(system, case, given=given, python=python))
            except Void as e:
                results.add_void(case, system, str(e))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results.rows()


def plot(rows: list[Row]) -> str:
    """Draw the makespans at the longest round trip, over plain connections."""
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row.makespan_s is not None and row.rtt_s == _PLOTTED_RTT_S and not row.tls:
            series.setdefault(row.system, []).append((row.lines, row.makespan_s))
    return chart("Makespan at 50 ms round trip, plain", "lines of the plan", "seconds", series)


def main() -> None:
    """Print the table; write it as JSON, and the plot, into ``build/bench``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the whole matrix: half an hour")
    parser.add_argument("--runs", type=int, help="of each system in each case")
    chosen = parser.parse_args()
    before = described(scratch())
    runs = chosen.runs or (5 if chosen.full else 3)
    rows = measure(cases(full=chosen.full), runs, full=chosen.full)
    after = described(scratch())
    document = {"before": before, "after": after, "rows": [asdict(row) for row in rows]}
    (scratch() / "alpaca.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (scratch() / "alpaca.svg").write_text(plot(rows), encoding="utf-8")
    print(f"{overview(rows)}\n\n{table(rows)}")
    print(ceiling(rows))
    print(f"before: {before}\nafter: load {after['load']}, fsync {after['fsync_ms']} ms")
    print(f"written: {scratch() / 'alpaca.json'} and alpaca.svg")


if __name__ == "__main__":
    main()
