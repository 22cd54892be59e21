"""Metering executions as they really run: what is counted is what the results said."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from loguru import logger
from stage import Stage, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock.faults import LoseAnswer, NeverFill, Refuse
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.logs.event_log import EventLog
from planfill.application.metering import LOG, Metering
from planfill.application.ports.listener import EventListener
from planfill.domain.attempts import UNFINISHED
from planfill.domain.errors import LedgerCorrupt
from planfill.domain.events import Reconciled, Recorded
from planfill.domain.result import ExecutionStatus

MIXED = (sell("SPY", "4000", target_weight="0"), buy("QQQ", "2000"), buy("IWM", "1000"), buy("GLD", "1500"))
FAULTS = (
    On("place_order", Refuse(), symbol="IWM"),
    On("place_order", NeverFill(), symbol="GLD"),
    On("place_order", LoseAnswer(), symbol="QQQ"),
)


def metering(stage: Stage) -> Metering:
    ledger = MemoryLedger(stage.store)
    return Metering(ledger, ledger)


class Log(EventListener):
    name = LOG

    async def on_event(self, recorded: object) -> None:
        pass


async def test_the_figures_are_those_of_the_results() -> None:
    stage = Stage(*FAULTS, settings={"holdings": {"SPY": "10"}})
    stage.listeners = (Log(),)
    results = [
        await stage.execute(a_plan(*MIXED, hold("EFA"))),
        await stage.execute(a_plan(buy("TLT", "500"), plan_id="plan-2")),
    ]
    found = (await metering(stage)()).figures
    lines = Counter((line.outcome, line.reason) for result in results for line in result.lines)
    assert {(one.outcome, one.reason): one.lines for one in found.lines} == lines
    assert found.statuses == Counter(str(result.status) for result in results)
    assert found.orders_placed == sum(result.orders_placed for result in results)
    assert found.orders_filled == sum(result.orders_filled for result in results)
    assert found.shortfall_usd == sum(result.shortfall_usd for result in results)
    assert found.orders_without_id == 0
    assert found.events == len([*await stage.events("plan-1"), *await stage.events("plan-2")])
    assert found.runs_s == sum((one.finished_at - one.started_at).total_seconds() for one in results)
    assert (found.executions, found.executions_logged) == (2, 2)


async def test_a_run_that_was_broken_off_left_an_order_without_an_id_until_it_is_resumed() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "1000")))
    found = (await metering(stage)()).figures
    assert (found.statuses, found.orders_without_id, found.logged_rate) == ({UNFINISHED: 1}, 1, 0.0)
    assert (await stage.execute(a_plan(buy("SPY", "1000")))).status is ExecutionStatus.SUCCEEDED
    found = (await metering(stage)()).figures
    assert (found.statuses, found.orders_without_id, found.executions) == ({"SUCCEEDED": 1}, 0, 1)


async def test_only_the_executions_of_the_period_are_measured() -> None:
    stage = Stage()
    began = stage.clock.now()
    first = await stage.execute(a_plan(buy("SPY", "1000")))
    stage.clock.advance(60)
    second = await stage.execute(a_plan(buy("QQQ", "1000"), plan_id="plan-2"))
    measure, minute = metering(stage), timedelta(minutes=1)
    assert (await measure(began, second.started_at)).figures.executions == 2
    assert (await measure(until=began + minute / 2)).figures.planned_usd == first.planned_usd
    late = await measure(began + minute / 2)
    assert (late.figures.executions, late.targets[0].figure) == (1, "100.0 % (1 of 1)")
    assert (await measure(began + 2 * minute)).figures.executions == 0


class CountingLedger(MemoryLedger):
    """Counts the events that are read from it."""

    events = 0

    async def read(self, stream: str, after: int = 0) -> tuple[Recorded, ...]:
        found = await super().read(stream, after)
        self.events += len(found)
        return found


async def test_what_was_read_once_is_not_read_again_and_the_figures_are_those_of_a_fresh_look() -> None:
    stage = Stage(*FAULTS, settings={"holdings": {"SPY": "10"}})
    stage.listeners = (Log(),)
    ledger = CountingLedger(stage.store)
    measure = Metering(ledger, ledger)

    async def look() -> int:
        """Measure, and compare; give how many events that has read."""
        ledger.events = 0
        assert await measure() == await metering(stage)()
        return ledger.events

    assert await look() == 0
    await stage.execute(a_plan(*MIXED, hold("EFA")))
    first = (await measure()).figures.events
    assert await look() == 0
    await stage.crash_after("order_recorded", a_plan(buy("TLT", "500"), plan_id="plan-2"))
    assert 0 < await look() < first
    # Nobody has told the log of it: it is asked each time how far it is, and no event is read.
    assert await look() == 0
    assert states_kept(measure) == [False, True]
    before = len(await stage.events("plan-2"))
    await stage.execute(a_plan(buy("TLT", "500"), plan_id="plan-2"))
    assert await look() == len(await stage.events("plan-2")) - before
    # A word on what has ended, of which only the figures were kept.
    stream = (await stage.recorded("plan-2"))[0].stream
    key = (await ledger.executions())[1].key
    async with await ledger.claim(key.account, holder="a test", at=stage.clock.now()) as claim:
        await ledger.append(stream, [Reconciled(differences=())], at=stage.clock.now(), claim=claim)
    # Once to see that there is one, once after the log's cursor, and then with all that stands before it.
    assert await look() == 2 + len(await stage.events("plan-2"))
    assert await look() == 0
    assert states_kept(measure) == [False, False]


def states_kept(measure: Metering) -> list[bool]:
    """Tell of each execution whether its state is kept, oldest first."""
    return [known.fold is not None for known in measure._known.values()]


async def test_what_failed_half_way_is_read_from_the_beginning() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "1000")))
    ledger = MemoryLedger(stage.store)
    measure = Metering(ledger, ledger)
    before = await measure()
    (stream,) = (kept for name, kept in stage.store.streams.items() if name.startswith("execution/"))
    stream.rows.append(stream.rows[-1])
    with pytest.raises(LedgerCorrupt):
        await measure()
    stream.rows.pop()
    assert await measure() == before


def test_the_log_is_known_by_the_name_of_its_listener() -> None:
    assert EventLog(lambda: logger).name == LOG
