"""
Long plans under Alpaca's limit: 200 requests a minute, in fixed windows.

The limit's own time is what passes until the windows have room for so many requests. With ``--full`` 500
lines from the beginning of a window, which takes two minutes; else 250, ten seconds before its end.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from math import ceil
from pathlib import Path
from typing import Final

from race.given import with_a_ledger
from race.protocol import Case
from race.running import Void, run, scratch

A_MINUTE: Final = 200
# A plan is more than its orders: account, prices, clock.
_OVERHEAD: Final = 6
_LIMIT_S: Final = 300.0
QUICK: Final = Case(lines=250, rtt_s=0.05, requests_per_minute=A_MINUTE, starts_at_s=50)
LONG: Final = Case(lines=500, rtt_s=0.05, requests_per_minute=A_MINUTE, starts_at_s=0.1)


def own_time_s(case: Case) -> float:
    """Say how long nobody can be faster than, but for the wire."""
    windows = ceil((case.lines + _OVERHEAD) / A_MINUTE)
    return (windows - 1) * 60 - (case.starts_at_s or 0)


def main() -> None:
    """Print a row a system, and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="500 lines: two minutes and more for each system")
    case = LONG if parser.parse_args().full else QUICK
    own_s, rows = own_time_s(case), []
    for system in ("planfill", "threads"):
        with tempfile.TemporaryDirectory(dir=scratch()) as folder:
            try:
                found = run(system, case, given=with_a_ledger(Path(folder)), limit_s=_LIMIT_S)
            except Void as e:
                rows.append({"system": system, "lines": case.lines, "own_s": own_s, "void": str(e)})
                print(f"{system:9} {case.lines} lines: void: {e}")
                continue
        took_s, requests = found.outcome.makespan_s, sum(found.seen.requests.values())
        rows.append({"system": system, "lines": case.lines, "own_s": own_s, "makespan_s": took_s})
        beyond = f"{(took_s / own_s - 1) * 100:+.1f} % of the limit's own {own_s:.1f} s"
        refused = found.seen.too_many
        print(
            f"{system:9} {case.lines} lines: {took_s:.2f} s, {beyond}; {requests} requests, {refused} refused"
        )
    (scratch() / "limit.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
