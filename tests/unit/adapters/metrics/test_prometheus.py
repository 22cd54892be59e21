"""What Prometheus is told is what stands in the ledger, to the unit."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from stage import Stage, a_plan, buy, sell

from planfill.adapters.brokers.mock.faults import (
    Fail,
    LoseAnswer,
    NeverFill,
    Refuse,
    RejectLate,
)
from planfill.adapters.brokers.mock.script import Fault, On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.metrics.prometheus import Prometheus
from planfill.application.metering import LOG, Metering
from planfill.application.ports.listener import EventListener
from planfill.domain.errors import LedgerUnavailable
from planfill.domain.metrics import Metrics, measure

SYMBOLS: Final = ("QQQ", "IWM", "GLD", "TLT")
STORM: Final[tuple[tuple[Fault, ...], ...]] = (
    (),
    (Refuse(), NeverFill()),
    (LoseAnswer(), RejectLate(), Refuse()),
    (NeverFill(), NeverFill(), LoseAnswer(), Refuse()),
    (RejectLate(),),
)
SILENT: Final = ("place_order", "get_order_status", "cancel_order")
Samples = dict[tuple[str, tuple[str, ...]], float]


class Log(EventListener):
    name = LOG

    async def on_event(self, recorded: object) -> None:
        pass


async def a_storm() -> Stage:
    """Execute plans under faults; the last one ends in doubt."""
    stage = Stage(settings={"holdings": {"SPY": "100"}, "partial_fills": 1})
    stage.listeners = (Log(),)
    for number, faults in enumerate(STORM, start=1):
        for fault, symbol in zip(faults, SYMBOLS, strict=False):
            stage.script.add(On("place_order", fault, symbol=symbol))
        lines = (sell("SPY", "4000"), *(buy(symbol, "1000") for symbol in SYMBOLS))
        await stage.execute(a_plan(*lines, plan_id=f"plan-{number}"))
    stage.script.clear()
    stage.script.add(On("list_orders", Fail(), nth=2, times=10**6))
    for method in SILENT:
        stage.script.add(On(method, Fail(), times=10**6))
    await stage.execute(a_plan(buy("GLD", "500"), plan_id="in-doubt"))
    return stage


def metrics(stage: Stage) -> Metrics:
    ledger = MemoryLedger(stage.store)
    return asyncio.run(Metering(ledger, ledger)()).figures


def samples(text: str) -> Samples:
    return {
        (sample.name.removeprefix("planfill_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def stored(stage: Stage) -> list[list[dict[str, Any]]]:
    """Read the executions as they stand in the ledger, by nothing of Planfill's."""
    streams = [kept for name, kept in stage.store.streams.items() if name.startswith("execution/")]
    return [[json.loads(row.payload) for row in kept.rows] for kept in streams]


def scraped(collector: Prometheus) -> Samples:
    with collector.serve("127.0.0.1", 0) as url, urlopen(url, timeout=30) as answer:  # noqa: S310
        return samples(answer.read().decode())


def test_what_is_scraped_in_a_storm_of_faults_agrees_with_the_ledger_to_the_unit() -> None:
    stage = asyncio.run(a_storm())
    executions = stored(stage)
    results = [next(e["result"] for e in reversed(events) if "result" in e) for events in executions]
    lines = [line for result in results for line in result["lines"]]
    found = scraped(Prometheus(lambda: metrics(stage)))
    assert {labels[0]: n for (name, labels), n in found.items() if name == "executions"} == Counter(
        result["status"] for result in results
    )
    assert {labels: n for (name, labels), n in found.items() if name == "lines"} == Counter(
        (line["outcome"], line["reason"] or "") for line in lines
    )
    assert {line["outcome"] for line in lines} >= {"FILLED", "REJECTED", "UNRESOLVED"}
    placed = sum(result["orders_placed"] for result in results)
    filled = sum(line["outcome"] == "FILLED" for line in lines)
    assert (found["orders_placed", ()], found["orders_filled", ()]) == (placed, filled)
    assert found["order_success_ratio", ()] == filled / placed
    assert found["orders_unresolved", ()] == sum(line["outcome"] == "UNRESOLVED" for line in lines)
    assert found["orders_without_id", ()] == 0
    assert found["events", ()] == sum(map(len, executions))
    assert found["run_seconds_count", ()] == len(results) == found["executions_logged", ()]
    assert found["filled_dollars", ()] == pytest.approx(sum(float(one["filled_usd"]) for one in results))
    assert found["shortfall_dollars", ()] == pytest.approx(
        sum(float(one["shortfall_usd"]) for one in results)
    )


def test_each_scrape_measures_anew() -> None:
    stage = Stage()
    collector = Prometheus(lambda: metrics(stage))
    assert scraped(collector)["orders_placed", ()] == 0
    asyncio.run(stage.execute(a_plan(buy("SPY", "1000"))))
    assert scraped(collector)["orders_placed", ()] == 1
    asyncio.run(stage.crash_after("order_recorded", a_plan(buy("SPY", "1000"), plan_id="plan-2")))
    assert scraped(collector)["orders_without_id", ()] == 1


def test_a_figure_that_cannot_be_taken_is_left_out() -> None:
    found = scraped(Prometheus(lambda: measure([])))
    assert found["events", ()] == 0
    assert not {name for name, _ in found} & {"order_success_ratio", "run_seconds_worst", "logged_ratio"}


def unreadable() -> Metrics:
    raise LedgerUnavailable("the disk is gone")


def test_a_ledger_that_cannot_be_read_is_a_figure_too_and_a_file_is_left_as_it_is(tmp_path: Path) -> None:
    assert scraped(Prometheus(unreadable)) == {("ledger_readable", ()): 0}
    file = tmp_path / "planfill.prom"
    Prometheus(lambda: measure([])).write(file)
    before = file.read_text("utf-8")
    assert samples(before)["ledger_readable", ()] == 1
    with pytest.raises(LedgerUnavailable):
        Prometheus(unreadable).write(file)
    assert file.read_text("utf-8") == before
    assert list(tmp_path.iterdir()) == [file]


def test_the_names_follow_the_conventions_of_prometheus() -> None:
    for name, _ in scraped(Prometheus(lambda: measure([]))):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert not name.endswith("_total")
