"""Comparing with a shadow, and reporting: what is kept in the ledger, once."""

from __future__ import annotations

import pytest
from stage import Stage, a_plan, buy

from planfill import ExecutionManager
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.heeding import account_stream
from planfill.application.ports.broker import Broker
from planfill.application.ports.shadow import Shadow, Shadowed
from planfill.application.queries import Executions
from planfill.application.shadowing import Shadowing
from planfill.domain.errors import PlanUnknown, SettingsError, ShadowFailed
from planfill.domain.events import ShadowCompared
from planfill.domain.identity import AccountKey
from planfill.domain.order import Order
from planfill.domain.reading import read_plan
from planfill.domain.report import ExecutionReport
from planfill.domain.shadow import ShadowOrder, Tolerances
from planfill.domain.values import ClientOrderId

PLAN = a_plan(buy("SPY", "1000"))
ACCOUNT = AccountKey(broker="mock", environment="mock", number="MOCK-1")


class Says(Shadow):
    """A shadow that says what it is told to, or fails."""

    tolerances = Tolerances()

    def __init__(self) -> None:
        self.said: tuple[ShadowOrder, ...] | None = None
        self.asked: list[Shadowed] = []

    async def orders(self, execution: Shadowed) -> tuple[ShadowOrder, ...]:
        self.asked.append(execution)
        if self.said is None:
            raise ShadowFailed("it broke")
        return self.said


class Plain(Broker):
    """A broker that wants to know of no plan beforehand."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    async def place_order(self, order: Order) -> ExecutionReport:
        return await self.broker.place_order(order)

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        return await self.broker.get_order_status(client_order_id)

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        await self.broker.cancel_order(client_order_id)


def shadowing(stage: Stage, shadow: Shadow) -> Shadowing:
    return Shadowing(stage.ledger, stage.clock, Executions(stage.ledger, stage.clock), {"old": shadow})


async def kept(stage: Stage) -> list[bool]:
    recorded = await MemoryLedger(stage.store).read(account_stream(ACCOUNT))
    return [one.event.clean for one in recorded if isinstance(one.event, ShadowCompared)]


async def test_each_verdict_is_kept_and_the_same_one_once() -> None:
    stage, shadow = Stage(), Says()
    await stage.execute(PLAN)
    use_case = shadowing(stage, shadow)
    assert await use_case.report() == ()
    failed = await use_case.compare("plan-1", "old")
    assert (failed.clean, failed.trouble, await use_case.compare("plan-1", "old")) == (
        False,
        "it broke",
        failed,
    )
    shadow.said = await use_case.orders("plan-1")
    assert (await use_case.compare("plan-1", "old")).clean
    assert (await use_case.compare("plan-1", "old")).lines == 1
    assert await kept(stage) == [False, True]
    (told, *_) = shadow.asked
    assert read_plan(told.plan).digest == read_plan(PLAN).digest
    assert (told.account, list(told.quotes)) == (str(ACCOUNT), ["SPY"])
    (report,) = await use_case.report()
    assert (report.account, len(report.clean_days), len(report.runs)) == (str(ACCOUNT), 1, 1)


async def test_an_execution_that_has_not_ended_has_nothing_to_compare() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", PLAN)
    with pytest.raises(ShadowFailed, match="its execution is IN_DOUBT"):
        await shadowing(stage, Says()).compare("plan-1", "old")


def test_ports_of_ones_own_have_no_shadows_and_say_their_account() -> None:
    stage = Stage()
    ports = stage.brokerage
    with ExecutionManager(
        broker=Plain(stage.broker),
        records=ports.records,
        market_data=ports.market_data,
        account=ports.account,
        instruments=ports.instruments,
        hours=ports.hours,
        feed=ports.feed,
        ledger=stage.ledger,
        clock=stage.clock,
    ) as execution:
        assert execution.account_for(read_plan(PLAN)) == ACCOUNT
        with pytest.raises(SettingsError, match=r"there is none: add the table \[shadow.old\]"):
            execution.require_shadow("old")
        assert execution.shadow_report() == ()


async def test_whatever_a_shadow_breaks_with_the_execution_stands() -> None:
    class Breaks(Says):
        async def orders(self, execution: Shadowed) -> tuple[ShadowOrder, ...]:
            raise OverflowError(execution.account)

    stage = Stage()
    await stage.execute(PLAN)
    found = await shadowing(stage, Breaks()).compare("plan-1", "old", str(ACCOUNT))
    assert (found.clean, found.trouble) == (False, "OverflowError in what it says")
    with pytest.raises(PlanUnknown):
        await shadowing(stage, Says()).compare("plan-1", "old", "another:account:1")
