"""Canceling from another process, and resolving by evidence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import anyio
import pytest
from stage import Crash, CrashingLedger, Stage, a_plan, buy, only, sell

from planfill.adapters.brokers.mock.faults import Fail, FillOnly, HidePrice, IgnoreCancel, NeverFill
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.canceling import CancelPlan
from planfill.application.heeding import account_stream
from planfill.application.queries import Executions
from planfill.application.resolving import ResolveOrder
from planfill.application.stopping import StopSignal
from planfill.domain.errors import (
    AccountMismatch,
    OrderNotInDoubt,
    OutcomeUnknown,
    PlanUnknown,
)
from planfill.domain.events import CancelAsked
from planfill.domain.outcome import LineOutcome, Reason, Residual
from planfill.domain.reading import read_plan
from planfill.domain.resolution import Canceled, Filled, NeverPlaced
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.values import Price, Quantity

PLAN = a_plan(buy("SPY", "1000"))
LOST = (On("place_order", Fail(OutcomeUnknown("timed out"))), On("get_order_status", Fail()))


def a_canceller(stage: Stage) -> CancelPlan:
    return CancelPlan(stage.use_case, Executions(stage.ledger, stage.clock), "an operator")


def a_resolver(stage: Stage) -> ResolveOrder:
    return ResolveOrder(stage.use_case, Executions(stage.ledger, stage.clock), "an operator")


async def _while_executing(stage: Stage, plan: Mapping[str, Any]) -> tuple[ExecutionResult, ExecutionResult]:
    """Cancel a plan that is being executed; give the results of the execution and of the cancel."""
    executed: list[ExecutionResult] = []

    async def execute() -> None:
        executed.append(await stage.execute(plan))

    async with anyio.create_task_group() as group:
        group.start_soon(execute)
        await stage.clock.sleep(10)
        canceled = await a_canceller(stage)("plan-1", "wrong plan")
    return executed[0], canceled


async def test_the_process_that_executes_a_plan_obeys_a_cancel_from_another_one() -> None:
    stage = Stage(On("place_order", NeverFill()))
    executed, canceled = await _while_executing(stage, PLAN)
    assert executed.status is ExecutionStatus.HALTED
    assert only(executed).reason is Reason.CANCELED_BY_USER
    assert executed.detail == "asked by an operator: wrong plan"
    assert canceled.lines[0].reason is Reason.ACCOUNT_BUSY
    assert stage.clock.monotonic() < 15


async def test_a_cancel_is_obeyed_though_the_clock_was_set_back() -> None:
    stage = Stage(On("place_order", NeverFill()))
    now = stage.clock.now
    before = now()
    stage.clock.now = lambda: now() - (timedelta(minutes=5) if now() > before else timedelta(0))  # type: ignore[method-assign]
    executed, _ = await _while_executing(stage, PLAN)
    assert only(executed).reason is Reason.CANCELED_BY_USER


async def test_a_cancel_outlives_the_canceller_though_the_clock_was_set_back() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", PLAN)
    stage.clock.advance(-300)
    stage.ledger = CrashingLedger(stage.store, "execution_resumed")
    with pytest.raises((Crash, BaseExceptionGroup)):
        await a_canceller(stage)("plan-1", "wrong plan")
    stage.ledger = MemoryLedger(stage.store)
    stage.store.holders.clear()
    assert (await stage.execute(PLAN)).lines[0].reason is Reason.CANCELED_BY_USER


async def test_a_plan_that_nobody_executes_is_canceled_by_whoever_asks() -> None:
    stage = Stage(On("place_order", NeverFill()))
    await stage.crash_after("order_reported", PLAN)
    result = await a_canceller(stage)("plan-1", "wrong plan")
    assert result.status is ExecutionStatus.HALTED
    assert (only(result).outcome, only(result).reason) == (LineOutcome.UNFILLED, Reason.CANCELED_BY_USER)


async def test_who_cancels_what_another_process_executes_needs_no_broker() -> None:
    stage = Stage(On("place_order", NeverFill()))
    await stage.crash_after("order_reported", PLAN)
    account = (await stage.broker.get_account()).key
    # A gateway that takes one program at a time lets nobody else ask.
    stage.script.add(On("get_account", Fail()))
    async with await stage.ledger.claim(account, holder="another", at=stage.clock.now()):
        busy = await a_canceller(stage)("plan-1", "wrong plan")
    assert (busy.status, only(busy).reason) == (ExecutionStatus.REFUSED, Reason.ACCOUNT_BUSY)
    assert "another" in busy.detail


async def test_what_was_never_sent_stays_unsent_when_its_plan_is_canceled() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", PLAN)
    result = await a_canceller(stage)("plan-1", "wrong plan")
    assert (only(result).outcome, only(result).reason) == (LineOutcome.BLOCKED, Reason.CANCELED_BY_USER)
    assert result.orders_placed == 0


async def test_a_cancel_that_came_while_nobody_listened_is_obeyed_on_resume() -> None:
    stage = Stage(On("place_order", NeverFill()))
    await stage.crash_after("order_reported", PLAN)
    account = (await stage.broker.get_account()).key
    async with await stage.ledger.claim(account, holder="another", at=stage.clock.now()):
        busy = await a_canceller(stage)("plan-1", "wrong plan")
    assert busy.lines[0].reason is Reason.ACCOUNT_BUSY
    result = await stage.execute(PLAN)
    assert only(result).reason is Reason.CANCELED_BY_USER


async def test_a_cancel_of_an_earlier_execution_does_not_concern_the_next() -> None:
    stage = Stage(On("place_order", NeverFill(), symbol="SPY"))
    await _while_executing(stage, PLAN)
    result = await stage.execute(a_plan(buy("QQQ", "1000"), plan_id="plan-2"))
    assert result.success


async def test_a_cancel_of_another_plan_does_not_concern_this_one() -> None:
    stage = Stage(settings={"fill_delay_s": 20})
    account = (await stage.broker.get_account()).key
    other = CancelAsked(plan_id="plan-2", by="an operator", detail="wrong plan")

    async def ask() -> None:
        await stage.clock.sleep(5)
        await stage.ledger.append(account_stream(account), [other], at=stage.clock.now())

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        assert (await stage.execute(PLAN)).success


async def test_what_has_ended_is_not_canceled_any_more() -> None:
    stage = Stage()
    first = await stage.execute(PLAN)
    assert await a_canceller(stage)("plan-1", "too late") == first


async def test_only_known_plans_can_be_canceled() -> None:
    with pytest.raises(PlanUnknown):
        await a_canceller(Stage())("plan-9", "who?")


async def _in_doubt(stage: Stage, plan: Mapping[str, Any] = PLAN) -> str:
    result = await stage.execute(plan)
    assert result.status is ExecutionStatus.IN_DOUBT
    stage.script.clear()
    return str(result.lines[0].client_order_id)


async def test_an_order_that_was_filled_after_all_is_resolved_with_shares_and_price() -> None:
    stage = Stage(*LOST)
    order = await _in_doubt(stage)
    evidence = Filled(quantity=Quantity(Decimal("2.499750024")), price=Price(Decimal(401)))
    result = await a_resolver(stage)(order, evidence, "the broker's statement")
    assert result.status is ExecutionStatus.SUCCEEDED
    assert (only(result).outcome, only(result).average_price) == (LineOutcome.FILLED, Decimal(401))
    told = [event for event in await stage.events() if event.kind == "order_resolved"]
    assert [(event.by, event.evidence) for event in told] == [("an operator", "the broker's statement")]


async def test_an_order_that_was_never_placed_is_resolved_as_blocked() -> None:
    stage = Stage(*LOST)
    result = await a_resolver(stage)(await _in_doubt(stage), NeverPlaced(), "the broker says so")
    assert (only(result).outcome, only(result).reason) == (LineOutcome.BLOCKED, Reason.RESOLVED)
    assert result.orders_placed == 0


async def test_an_order_that_was_canceled_keeps_what_it_had_filled() -> None:
    stage = Stage(
        On("place_order", FillOnly(Quantity(Decimal(1)))),
        On("cancel_order", IgnoreCancel()),
        order_deadline_s=5,
    )
    result = await a_resolver(stage)(await _in_doubt(stage), Canceled(), "seen in the broker's app")
    assert only(result).outcome is LineOutcome.PARTIALLY_FILLED
    assert only(result).filled_quantity == 1


async def test_after_a_resolution_the_rest_of_the_plan_goes_on() -> None:
    stage = Stage(*LOST, settings={"cash": "5000", "holdings": {"SPY": "10"}})
    order = await _in_doubt(stage, a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "5000")))
    result = await a_resolver(stage)(order, NeverPlaced(), "the broker says so")
    assert [line.outcome for line in result.lines] == [LineOutcome.BLOCKED, LineOutcome.FILLED]
    assert result.lines[1].reason is Reason.FUNDS_CUT
    # What the sale did not bring, less what its price had moved: SPY is sold at the bid.
    assert result.lines[1].residuals[Residual.FUNDING] == Decimal("3999.60")


@pytest.mark.parametrize(
    "resolution",
    [NeverPlaced(), Filled(quantity=Quantity(Decimal("0.5")), price=Price(Decimal(400)))],
)
async def test_evidence_cannot_take_back_what_the_broker_has_said(resolution: Any) -> None:
    stage = Stage(
        On("place_order", FillOnly(Quantity(Decimal(1)))),
        On("cancel_order", IgnoreCancel()),
        order_deadline_s=5,
    )
    with pytest.raises(OrderNotInDoubt, match="1 shares"):
        await a_resolver(stage)(await _in_doubt(stage), resolution, "a rumour")


async def test_a_fill_that_nobody_priced_needs_a_price() -> None:
    stage = Stage(On("place_order", HidePrice()), On("list_orders", HidePrice()), On("list_fills", Fail()))
    order = await _in_doubt(stage)
    with pytest.raises(OrderNotInDoubt, match="did not tell"):
        await a_resolver(stage)(order, Canceled(), "a rumour")
    evidence = Filled(quantity=Quantity(Decimal("2.499750024")), price=Price(Decimal(401)))
    assert (await a_resolver(stage)(order, evidence, "the statement")).success


@pytest.mark.parametrize("order", ["pf-aaaaaaaaaaaaaaaaaaaa-0-1", "web-1"])
async def test_only_orders_in_doubt_are_resolved(order: str) -> None:
    stage = Stage(*LOST)
    known = await _in_doubt(stage)
    for name in (order, known[:-1] + "9"):
        with pytest.raises(OrderNotInDoubt):
            await a_resolver(stage)(name, NeverPlaced(), "a rumour")


async def test_what_is_executed_on_another_account_is_not_resumed_on_this_one() -> None:
    stage = Stage(On("place_order", NeverFill()))
    await stage.crash_after("order_reported", PLAN)
    key, plan = await Executions(stage.ledger, stage.clock).plan("plan-1")
    other = Stage(settings={"account": "MOCK-2"})
    other.ledger = stage.ledger
    with pytest.raises(AccountMismatch, match="MOCK-1"):
        await other.use_case(plan, StopSignal(), resuming=key)


async def test_a_refused_attempt_is_not_resumed_but_can_be_executed() -> None:
    stage = Stage(settings={"opens_at": "2021-03-31T16:00:00Z"})
    refused = await stage.execute(PLAN)
    stage.clock.advance(3600)
    key, plan = await Executions(stage.ledger, stage.clock).plan("plan-1")
    assert await stage.use_case(plan, StopSignal(), resuming=key) == refused
    assert (await stage.use_case(read_plan(PLAN), StopSignal())).success
