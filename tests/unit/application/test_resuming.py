"""Crashes, and what the next run makes of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from stage import Stage, a_plan, buy, only, sell

from planfill.adapters.brokers.mock.faults import Fail, LoseAnswer, NeverFill
from planfill.adapters.brokers.mock.script import On
from planfill.domain.errors import BrokerUnavailable, OrderNotFound, OrderRejected, OutcomeUnknown
from planfill.domain.events import FundsAllotted
from planfill.domain.market import Capabilities
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionStatus

PLAN = a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "2000"), buy("IWM", "1000"))
HELD = {"cash": "0", "holdings": {"SPY": "10"}}
KINDS = [
    "execution_started",
    "order_recorded",
    "order_reported",
    "funds_allotted",
    "execution_completed",
]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crash_after_any_commit_ends_as_if_there_had_been_none(kind: str) -> None:
    calm = Stage(settings=HELD)
    expected = await calm.execute(PLAN)
    stage = Stage(settings=HELD)
    await stage.crash_after(kind, PLAN)
    result = await stage.execute(PLAN)
    assert result.status is ExecutionStatus.SUCCEEDED
    assert result.lines == expected.lines
    assert await stage.execute(PLAN) == result


async def test_scenario_11_an_order_that_landed_before_the_crash_is_found_and_not_sent_again() -> None:
    stage = Stage(settings={"unique_ids": False})
    await stage.crash_after("order_reported", a_plan(buy("SPY", "1000")))
    # The report is durable; the exchange would take a second order under the same id.
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert len(await stage.broker.list_fills(stage.clock.now())) <= 1


async def test_what_never_reached_the_broker_is_checked_afresh_and_sent_with_the_same_id() -> None:
    stage = Stage(settings={"read_lag_s": 2})
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "1000")))
    (recorded,) = (await stage.state()).orders
    stage.clock.advance(120)
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert only(result).client_order_id == recorded
    assert result.status is ExecutionStatus.SUCCEEDED
    kinds = await stage.kinds()
    assert kinds[kinds.index("execution_resumed") :][1] == "order_requoted"


async def test_what_fails_the_checks_afresh_is_closed() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "1000", reference_price="400")))
    stage.script.add(On("get_current_prices", Fail(BrokerUnavailable("no quotes"))))
    result = await stage.execute(a_plan(buy("SPY", "1000", reference_price="400")))
    assert (only(result).outcome, only(result).reason) == (
        LineOutcome.BLOCKED,
        Reason.BROKER_UNAVAILABLE,
    )


async def test_a_market_that_has_closed_since_closes_what_was_not_sent() -> None:
    stage = Stage(settings={"closes_at": "2021-03-31T15:30:00Z"})
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "1000")))
    stage.clock.advance(1800)
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert only(result).reason is Reason.MARKET_CLOSED


async def test_an_order_that_cannot_be_asked_for_is_not_called_unplaced() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "1000")))
    stage.script.add(On("get_order_status", Fail(OutcomeUnknown("timed out"))))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.IN_DOUBT
    stage.script.clear()
    assert (await stage.execute(a_plan(buy("SPY", "1000")))).status is ExecutionStatus.SUCCEEDED


async def test_an_order_found_unresolved_is_taken_up_when_it_shows() -> None:
    stage = Stage(On("place_order", LoseAnswer()), On("cancel_order", Fail()))
    stage.script.add(On("list_orders", Fail(), nth=2, times=10**6))
    stage.script.add(On("get_order_status", Fail()))
    doubt = await stage.execute(a_plan(buy("SPY", "1000")))
    assert doubt.status is ExecutionStatus.IN_DOUBT
    stage.script.clear()
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert only(result).reason is None


async def test_a_stop_outlives_the_crash() -> None:
    stage = Stage(On("place_order", NeverFill()))
    plan = a_plan(buy("SPY", "1000"))
    await stage.crash_after("cancel_requested", plan)
    result = await stage.execute(plan)
    assert only(result).outcome is LineOutcome.UNFILLED


async def test_an_order_of_an_earlier_run_that_shows_late_is_found_when_the_resend_is_refused() -> None:
    stage = Stage(settings={"unique_ids": False})
    plan = a_plan(buy("SPY", "1000"))
    await stage.crash_after("order_recorded", plan)
    (order,) = (await stage.state()).orders.values()
    await stage.broker.place_order(order.order)
    stage.script.add(On("get_order_status", Fail(OrderNotFound("not yet")), nth=1, times=2))
    stage.script.add(On("place_order", Fail(OrderRejected("no money left"))))
    result = await stage.execute(plan)
    assert only(result).outcome is LineOutcome.FILLED
    assert len(await stage.broker.list_fills(stage.clock.now() - timedelta(hours=1))) == 1


async def test_an_order_from_before_the_brokers_records_begin_is_unknown_and_not_sent_again() -> None:
    stage = Stage()
    plan = a_plan(buy("SPY", "1000"))
    await stage.crash_after("order_recorded", plan)
    stage.clock.advance(3600)
    today = stage.clock.now() - timedelta(minutes=10)
    stage.script.add(On("get_order_status", Fail(OrderNotFound("not today", since=today))))
    result = await stage.execute(plan)
    assert result.status is ExecutionStatus.IN_DOUBT
    assert not await stage.broker.list_orders(stage.clock.now() - timedelta(hours=2))
    stage.script.clear()
    before = stage.clock.now() - timedelta(hours=2)
    stage.script.add(
        On("get_order_status", Fail(OrderNotFound("nor yesterday", since=before)), nth=1, times=2)
    )
    assert (await stage.execute(plan)).status is ExecutionStatus.SUCCEEDED


async def test_buys_wait_for_the_run_that_learns_what_became_of_the_sale() -> None:
    stage = Stage(On("place_order", LoseAnswer()), On("get_order_status", Fail()), settings=HELD)
    stage.script.add(On("list_orders", Fail(), nth=2, times=10**6), On("cancel_order", Fail()))
    doubt = await stage.execute(PLAN)
    assert doubt.status is ExecutionStatus.IN_DOUBT
    assert len((await stage.state()).orders) == 1
    stage.script.clear()
    assert (await stage.execute(PLAN)).status is ExecutionStatus.SUCCEEDED


@pytest.mark.parametrize("symbols", [("SPY",), ("SPY", "IWM")])
async def test_money_for_a_buy_that_may_be_there_is_not_given_to_another(symbols: tuple[str, ...]) -> None:
    stage = Stage(settings={"cash": "6000"})
    wave = Capabilities(unique_ids=True, requests_per_minute=len(symbols))
    stage.replace(capabilities=wave)
    plan = a_plan(*(buy(symbol, "3000", priority=1) for symbol in symbols), buy("QQQ", "2000"))
    await stage.crash_after("order_recorded", plan)
    stage.script.add(On("get_order_status", Fail(), symbol=None, times=1))
    stage.script.add(On("cancel_order", Fail()))
    assert (await stage.execute(plan)).status is ExecutionStatus.IN_DOUBT
    funded = [event for event in await stage.events() if isinstance(event, FundsAllotted)]
    assert funded[-1].budget_usd <= Decimal(3000)
