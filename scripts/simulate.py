"""Run the deterministic simulation: one seed with its trace, or many on every core."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from simulation.tally import Tally, run_seeds
from simulation.world import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 50


def main() -> int:
    """Run what the command line asks for; 1 where a law was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this seed, and print its trace")
    parser.add_argument("--seeds", type=int, default=3000, help="run so many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--quick", action="store_true", help="end with the first seed that fails")
    told = parser.parse_args()
    if told.seed is not None:
        return _replay(told.seed)
    return _many(told.first, told.seeds, quick=told.quick)


def _replay(seed: int) -> int:
    outcome = simulate(seed)
    for at, what in outcome.trace:
        print(f"{at:10.4f}", *what)
    for broken in outcome.broken:
        print("BROKEN:", broken)
    verdict = "BROKEN" if outcome.broken else "every law held"
    print(f"seed {seed}: {verdict}; {outcome.runs} runs, {outcome.crashes} crashes; trace {outcome.digest}")
    return bool(outcome.broken)


def _many(first: int, count: int, *, quick: bool) -> int:
    begun, total = time.perf_counter(), Tally()
    for tally in _tallies(first, count):
        for seed, broken in tally.failures:
            print(f"seed {seed}: {broken}\n  replay it: make simulate SEED={seed}", flush=True)
        total.add(tally)
        if quick and total.failures:
            break
    print(total.table(time.perf_counter() - begun))
    return bool(total.failures)


def _tallies(first: int, count: int) -> Iterator[Tally]:
    """Run the seeds on every core, a few chunks ahead; stop early where nobody asks for more."""
    cores, chunks = os.cpu_count() or 1, iter(range(first, first + count, _CHUNK))
    if cores == 1 or count <= _CHUNK:
        yield from (run_seeds(begin, min(begin + _CHUNK, first + count)) for begin in chunks)
        return
    with ProcessPoolExecutor(cores) as pool:
        waiting: set[Future[Tally]] = set()
        try:
            while True:
                while len(waiting) < 3 * cores and (begin := next(chunks, None)) is not None:
                    waiting.add(pool.submit(run_seeds, begin, min(begin + _CHUNK, first + count)))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    yield one.result()
        finally:
            pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    raise SystemExit(main())
