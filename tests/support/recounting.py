"""What Prometheus should be told, counted from the rows of a ledger by nothing of Planfill's."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[str, ...]], float]
NAMES = {"order_recorded", "order_reported", "order_refused", "order_not_sent", "order_doubted"}
ENDINGS = {"execution_completed", "execution_suspended", "execution_refused"}
BEGINNINGS = {"execution_started", "execution_resumed"}
OF_ORDERS = {"FILLED", "PARTIALLY_FILLED", "UNFILLED", "REJECTED", "UNRESOLVED"}


class Row(NamedTuple):
    """An event: its number, when it was, what it says."""

    number: int
    at: datetime
    event: dict[str, Any]

    @property
    def kind(self) -> str:
        """What happened."""
        return str(self.event["kind"])


def scrape(url: str) -> Samples:
    """Ask as Prometheus does."""
    with urlopen(url, timeout=30) as answer:  # noqa: S310
        families = text_string_to_metric_families(answer.read().decode())
    return {
        (sample.name.removeprefix("planfill_"), tuple(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def recounted(ledger: Path) -> Samples:
    """Count everything that is told of the executions in a ledger."""
    found: Samples = defaultdict(float)
    runs, fills = list[float](), list[float]()
    executions, told = stored(ledger)
    for stream, rows in executions:
        found["events", ()] += len(rows)
        found["executions", (status(rows),)] += 1
        found["executions_logged", ()] += told.get(stream, 0) >= rows[-1].number
        found["orders_without_id", ()] += without_id(rows)
        found["orders_unresolved", ()] += unresolved(rows)
        runs += [count_run(found, run) for run in ended_runs(rows)]
        fills += to_fill(rows)
        count_calls(found, rows)
        if status(rows) != "UNFINISHED":
            count_result(found, rows[-1 - next(n for n, r in enumerate(reversed(rows)) if r.kind in ENDINGS)])
    number = sum(n for (name, _), n in found.items() if name == "executions")
    samples = {**found, ("ledger_readable", ()): 1.0}
    for name, took in (("fill_seconds", fills), ("run_seconds", runs)):
        samples |= {(f"{name}_count", ()): len(took), (f"{name}_sum", ()): sum(took)}
        if took:
            samples |= {(f"{name}_median", ()): median(took), (f"{name}_worst", ()): max(took)}
    for phase in ("checks", "sells", "funds", "buys"):
        samples.setdefault(("phase_seconds", (phase,)), 0)
    for ratio, part, whole in (
        ("order_success_ratio", found["orders_filled", ()], found["orders_placed", ()]),
        ("order_error_ratio", found["orders_failed", ()], found["orders_ended", ()]),
        ("logged_ratio", found["executions_logged", ()], number),
    ):
        if whole:
            samples[ratio, ()] = part / whole
    return samples


def stored(ledger: Path) -> tuple[list[tuple[str, list[Row]]], dict[str, int]]:
    """Read the executions, oldest first in each stream, and how far the log was told of each stream."""
    with closing(sqlite3.connect(ledger)) as db:
        rows = db.execute("SELECT stream, number, at, payload FROM events ORDER BY stream, number").fetchall()
        told = dict(db.execute("SELECT stream, number FROM cursors WHERE listener = 'log'").fetchall())
    executions = list[tuple[str, list[Row]]]()
    for stream, number, at, payload in rows:
        if stream.startswith("execution/"):
            row = Row(number, datetime.fromisoformat(at), json.loads(payload))
            if row.kind == "execution_started":
                executions.append((stream, []))
            executions[-1][1].append(row)
    return executions, told


def status(rows: list[Row]) -> str:
    """Give what the last run came to."""
    last = next(row for row in reversed(rows) if row.kind in ENDINGS | BEGINNINGS)
    return str(last.event["result"]["status"]) if last.kind in ENDINGS else "UNFINISHED"


def without_id(rows: list[Row]) -> int:
    """Count the orders of which nobody has said anything since they were recorded."""
    heard = {name_of(row) for row in rows if row.kind in NAMES - {"order_recorded"}}
    return sum(row.kind == "order_recorded" and name_of(row) not in heard for row in rows)


def unresolved(rows: list[Row]) -> int:
    """Count the orders that were given up, and of which nothing was heard since."""
    last = {}
    for row in rows:
        if row.kind in NAMES | {"order_unresolved"}:
            last[name_of(row)] = row.kind
    return sum(kind == "order_unresolved" for kind in last.values())


def ended_runs(rows: list[Row]) -> list[list[Row]]:
    """Split into the runs that came to an end."""
    runs = list[list[Row]]()
    begin = 0
    for index, row in enumerate(rows):
        if row.kind in BEGINNINGS:
            begin = index
        elif row.kind in ENDINGS:
            runs.append(rows[begin : index + 1])
    return runs


def phases(run: list[Row]) -> dict[str, float]:
    """Add up what a run took by phase."""
    took, phase = dict[str, float](), "checks"
    for before, row in pairwise(run):
        match before.event:
            case {"kind": "order_recorded" | "order_requoted", "order": {"side": side}}:
                phase = "buys" if side == "BUY" else "sells"
            case {"kind": "funds_allotted"}:
                phase = "funds"
        took[phase] = took.get(phase, 0) + (row.at - before.at).total_seconds()
    return took


def to_fill(rows: list[Row]) -> list[float]:
    """Give how long each order took that was filled."""
    sent = {name_of(row): row.at for row in rows if row.kind == "order_recorded"}
    filled = dict[str, datetime]()
    for row in rows:
        if row.kind == "order_reported" and row.event["report"]["status"] == "FILLED":
            filled.setdefault(name_of(row), row.at)
    return [(at - sent[name]).total_seconds() for name, at in filled.items()]


def name_of(row: Row) -> str:
    """Name the order that an event is about."""
    about = row.event.get("order") or row.event.get("report") or row.event
    return str(about["client_order_id"])


def count_run(found: Samples, run: list[Row]) -> float:
    """Count what a run took by phase; give what it took in all."""
    for phase, seconds in phases(run).items():
        found["phase_seconds", (phase,)] += seconds
    return (run[-1].at - run[0].at).total_seconds()


def count_calls(found: Samples, rows: list[Row]) -> None:
    """Count what was asked."""
    for event in (row.event for row in rows if row.kind == "calls_counted"):
        for one in event["calls"]:
            found["broker_calls", (one["call"], one["status"])] += one["calls"]
        found["orders_resent", ()] += event["resent"]
        found["rate_waits", ()] += event["waits"]
        found["rate_wait_seconds", ()] += event["waited_s"]
        found["ledger_commits", ()] += event["commits"]


def count_result(found: Samples, ending: Row) -> None:
    """Count what a result says."""
    result = ending.event["result"]
    for line in result["lines"]:
        found["lines", (line["outcome"], line["reason"] or "")] += 1
        ended = line["outcome"] in OF_ORDERS and line["client_order_id"] is not None
        found["orders_ended", ()] += ended
        found["orders_failed", ()] += ended and not float(line["filled_quantity"])
    found["orders_placed", ()] += result["orders_placed"]
    found["orders_filled", ()] += sum(line["outcome"] == "FILLED" for line in result["lines"])
    for name in ("planned", "filled", "shortfall"):
        found[f"{name}_dollars", ()] += float(result[f"{name}_usd"])
