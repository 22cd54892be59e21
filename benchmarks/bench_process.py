"""
What ``planfill execute`` costs as a whole process, beside a bare Python that imports what it imports.

The bare one imports exactly the third-party modules that are loaded when ``planfill execute`` exits. Every
run has a new folder, so that the ledger and the mock's book are made; they take turns.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from race.protocol import Case
from race.running import environment, market, scratch
from race.spawning import Cost, cost_of, middle
from race.systems.planfill import plan, variables

LINES: Final = 20
RUNS: Final = 7
PROGRAM: Final = str(Path(sys.executable).with_name("planfill"))
# Says at its exit what is loaded of other people's, in the order in which it came.
_RECORDER: Final = """
import atexit, sys

def record():
    modules = [(name, module.__spec__) for name, module in sys.modules.items() if hasattr(module, "__spec__")]
    theirs = [name for name, spec in modules if spec and "site-packages" in str(spec.origin)]
    open("loaded.txt", "w").write("\\n".join(name for name in theirs if name.split(".")[0] != "planfill"))

atexit.register(record)
from planfill.bootstrap.cli import main
sys.exit(main(sys.argv[1:]))
"""


def main() -> None:
    """Print a row each, and write them as JSON."""
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        figures = measure(Path(folder))
    bare = figures["bare imports"]
    for name, cost in figures.items():
        ratio = f"{cost.wall_s / bare.wall_s:5.2f} of the bare imports"
        print(f"{name:32} {cost.wall_s:6.3f} s wall {cost.cpu_s:6.3f} s CPU {cost.peak_mb:5.0f} MB {ratio}")
    rows = {name: cost._asdict() for name, cost in figures.items()}
    (scratch() / "process.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def measure(folder: Path) -> dict[str, Cost]:
    """Run them in turns."""
    with market(Case(LINES, 0), folder) as (job, _):
        (folder / "plan.json").write_text(json.dumps(plan(job), default=str), encoding="utf-8")
        prices = json.dumps(dict.fromkeys(job.symbols, "100"))
        mock = environment() | {"PLANFILL_MOCK__PRICES": prices, "PLANFILL_MOCK__CASH": "1000000"}
        execute = ["execute", str(folder / "plan.json")]
        cost_of([sys.executable, "-c", _RECORDER, *execute], folder, mock)
        names = (folder / "loaded.txt").read_text(encoding="utf-8").splitlines()
        (folder / "bare.py").write_text("".join(f"import {name}\n" for name in names), encoding="utf-8")
        kinds: dict[str, Callable[[Path], Cost]] = {
            "bare imports": lambda here: cost_of([sys.executable, str(folder / "bare.py")], here, mock),
            "planfill execute, mock broker": lambda here: cost_of([PROGRAM, *execute], here, mock),
            "planfill --help": lambda here: cost_of([PROGRAM, "--help"], here, mock),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in kinds}
        for _ in range(RUNS):
            for name, cost in kinds.items():
                with tempfile.TemporaryDirectory(dir=folder) as here:
                    costs[name].append(cost(Path(here)))
        at_alpaca = cost_of([PROGRAM, *execute], folder, environment() | variables(job))
    return {name: middle(found) for name, found in costs.items()} | {"planfill execute, Alpaca": at_alpaca}


if __name__ == "__main__":
    main()
