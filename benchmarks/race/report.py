"""What the runs of the matrix come to: a row a system and case, as JSON and as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Final

from race.protocol import Case
from race.running import Measured

FLOOR: Final = "floor"
_COLUMNS: Final = (
    "lines", "RTT", "wire", "system", "makespan", "[min to max]", "of the floor", "CPU an order", "requests",
    "memory",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of one system in one case; ``void`` says why one did not count, and is empty if all did."""

    system: str
    lines: int
    rtt_s: float
    tls: bool
    runs: int
    makespan_s: float | None = None
    fastest_s: float | None = None
    slowest_s: float | None = None
    of_floor: float | None = None
    cpu_per_order_s: float | None = None
    requests: int | None = None
    too_many: int | None = None
    peak_mb: float | None = None
    market_cpu_s: float | None = None
    void: str = ""


class Results:
    """Collects runs."""

    def __init__(self) -> None:
        self._runs = defaultdict[tuple[Case, str], list[Measured]](list)
        self._void = dict[tuple[Case, str], str]()

    def add(self, case: Case, system: str, run: Measured) -> None:
        """Add a run that counts."""
        self._runs[case, system].append(run)

    def add_void(self, case: Case, system: str, why: str) -> None:
        """Note a run that does not count; its row is void."""
        self._void[case, system] = why

    def rows(self) -> list[Row]:
        """Give a row for each system in each case, in the order in which they first ran."""
        keys = dict.fromkeys([*self._runs, *self._void])
        return [self._row(case, system) for case, system in sorted(keys, key=_place)]

    def _row(self, case: Case, system: str) -> Row:
        runs, void = self._runs[case, system], self._void.get((case, system), "")
        floor = [run.outcome.makespan_s for run in self._runs[case, FLOOR]]
        of_case = (system, case.lines, case.rtt_s, case.tls, len(runs))
        if void:
            return Row(*of_case, void=void)
        spans = [run.outcome.makespan_s for run in runs]
        return Row(
            *of_case,
            makespan_s=median(spans),
            fastest_s=min(spans),
            slowest_s=max(spans),
            of_floor=median(spans) / median(floor) if floor else None,
            cpu_per_order_s=median(run.outcome.cpu_s for run in runs) / case.lines,
            requests=round(median(sum(run.seen.requests.values()) for run in runs)),
            too_many=max(run.seen.too_many for run in runs),
            peak_mb=median(run.outcome.peak_mb for run in runs),
            market_cpu_s=median(run.seen.cpu_s for run in runs),
        )


def _place(key: tuple[Case, str]) -> tuple[bool, float, int]:
    case, _ = key
    return case.tls, case.rtt_s, case.lines


def table(rows: Sequence[Row]) -> str:
    """Write the rows as a table in Markdown."""
    return "\n".join([f"| {' | '.join(_COLUMNS)} |", "|---:" * len(_COLUMNS) + "|", *map(_line, rows)])


def _line(row: Row) -> str:
    case = f"| {row.lines} | {row.rtt_s * 1000:.0f} ms | {'TLS' if row.tls else 'plain'} | {row.system} |"
    if row.makespan_s is None or row.fastest_s is None or row.slowest_s is None:
        return f"{case} void: {row.void} | | | | | |"
    spread = f"[{row.fastest_s:.3f} to {row.slowest_s:.3f}]" if row.runs > 1 else "one run"
    multiple = f"{row.of_floor:.2f}" if row.of_floor else ""
    cpu = f"{(row.cpu_per_order_s or 0) * 1000:.2f} ms"
    memory = f"{row.peak_mb:.0f} MB"
    return f"{case} {row.makespan_s:.3f} s | {spread} | {multiple} | {cpu} | {row.requests} | {memory} |"


def overview(rows: Sequence[Row]) -> str:
    """Write the makespans side by side, a table for each round trip and wire; in brackets of the floor."""
    systems = list(dict.fromkeys(row.system for row in rows))
    tables = []
    for (tls, rtt_s), together in groupby(rows, key=lambda row: (row.tls, row.rtt_s)):
        cells = {(row.lines, row.system): _makespan(row) for row in together}
        lines = list(dict.fromkeys(lines for lines, _ in cells))
        head = f"{rtt_s * 1000:.0f} ms, {'TLS' if tls else 'plain'}"
        told = [f"| {head} | {' | '.join(systems)} |", "|---:" * (len(systems) + 1) + "|"]
        told += [
            f"| {size} | {' | '.join(cells.get((size, one), '') for one in systems)} |" for size in lines
        ]
        tables.append("\n".join(told))
    return "\n\n".join(tables)


def ceiling(rows: Sequence[Row]) -> str:
    """Say what the market itself can do at the most: its own CPU binds the floor's longest plan."""
    longest = max((row for row in rows if row.system == FLOOR and not row.tls), key=lambda row: row.lines)
    cpu_s = longest.market_cpu_s or 0.0
    a_second = f"{longest.lines / cpu_s:.0f} orders a second" if cpu_s else "unknown"
    return f"the market's own ceiling: {a_second} ({cpu_s / longest.lines * 1000:.2f} ms of its CPU an order)"


def _makespan(row: Row) -> str:
    if row.makespan_s is None:
        return "void"
    return f"{row.makespan_s:.3f} s ({row.of_floor:.2f})" if row.of_floor else f"{row.makespan_s:.3f} s"
