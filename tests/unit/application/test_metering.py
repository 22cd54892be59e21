"""Metering executions as they really run: what is counted is what the results said."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from loguru import logger
from stage import Stage, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock.faults import LoseAnswer, NeverFill, Refuse
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.logs.event_log import EventLog
from planfill.application.metering import LOG, Metering
from planfill.application.ports.listener import EventListener
from planfill.domain.metrics import UNFINISHED
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


def test_the_log_is_known_by_the_name_of_its_listener() -> None:
    assert EventLog(lambda: logger).name == LOG
