"""Limits and breakers: each trips before an order is sent, in figures that are read from the ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from stage import Stage, a_plan, buy, hold, only, sell

from planfill.adapters.brokers.mock import On
from planfill.adapters.brokers.mock.faults import Fail, FillLate, FillOnly, IgnoreCancel, Refuse
from planfill.domain.errors import BrokerUnavailable
from planfill.domain.events import OrderRecorded
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.values import Quantity

PLAN = a_plan(buy("SPY", "6000"), buy("QQQ", "3000"), hold("TLT"))


async def execute(stage: Stage, plan: dict[str, Any] = PLAN) -> ExecutionResult:
    return await stage.execute(plan)


async def orders(stage: Stage, plan_id: str = "plan-1") -> int:
    return sum(isinstance(event, OrderRecorded) for event in await stage.events(plan_id))


@pytest.mark.parametrize(
    ("setting", "value", "detail"),
    [
        ("max_order_usd", 5000, "SPY: $6,000.00, max_order_usd allows $5,000.00"),
        ("max_order_pct", 5, "SPY: 6.00 % of the portfolio, max_order_pct allows 5 %"),
        ("max_plan_usd", 8999, "$9,000.00, max_plan_usd allows $8,999.00"),
        ("max_plan_orders", 1, "2, max_plan_orders allows 1"),
        ("max_net_buy_usd", 8999, "$9,000.00, max_net_buy_usd allows $8,999.00"),
        ("max_daily_usd", 8999, "$9,000.00, max_daily_usd allows $8,999.00"),
        ("max_daily_orders", 1, "2, max_daily_orders allows 1"),
        ("max_orders_per_minute", 1, "2, max_orders_per_minute allows 1"),
        ("allow_symbols", ["SPY"], "QQQ: not on the list, allow_symbols allows SPY"),
        ("deny_symbols", ["SPY"], "SPY: on the list, deny_symbols allows all but SPY"),
    ],
)
async def test_scenario_20_each_limit_refuses_the_plan_before_any_order(
    setting: str, value: Any, detail: str
) -> None:
    stage = Stage(**{setting: value})
    result = await execute(stage, PLAN | {"total_portfolio_value": "100000"})
    assert (result.status, result.detail) == (ExecutionStatus.REFUSED, detail)
    assert {line.reason for line in result.lines[:2]} == {Reason.LIMIT}
    assert await orders(stage) == 0


async def test_all_that_a_plan_exceeds_is_told_at_once() -> None:
    result = await execute(Stage(max_order_usd=2000, max_plan_usd=100))
    assert result.detail == (
        "SPY: $6,000.00, max_order_usd allows $2,000.00; QQQ: $3,000.00, max_order_usd allows $2,000.00; "
        "$9,000.00, max_plan_usd allows $100.00"
    )


async def test_a_line_over_its_limit_may_block_only_itself() -> None:
    stage = Stage(max_order_usd=5000, on_breach="block_line", max_plan_usd=3000)
    spy, qqq, _ = (await execute(stage)).lines
    assert (spy.outcome, spy.reason) == (LineOutcome.BLOCKED, Reason.LIMIT)
    assert spy.detail == "SPY: $6,000.00, max_order_usd allows $5,000.00"
    assert qqq.outcome is LineOutcome.FILLED


async def test_what_the_plan_exceeds_as_a_whole_refuses_it_whatever_the_lines_do() -> None:
    result = await execute(Stage(max_plan_usd=8999, on_breach="block_line"))
    assert result.status is ExecutionStatus.REFUSED


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_daily_usd", 10_000),
        ("max_daily_orders", 3),
        ("max_daily_plans", 1),
        ("max_orders_per_minute", 3),
    ],
)
async def test_what_an_account_has_done_today_counts_for_every_plan_and_process(
    setting: str, value: Any
) -> None:
    stage = Stage(**{setting: value})
    assert (await execute(stage)).success
    second = PLAN | {"plan_id": "plan-2"}
    refused = await execute(stage, second)
    assert refused.status is ExecutionStatus.REFUSED
    assert setting in refused.detail
    assert await orders(stage, "plan-2") == 0
    # A minute later orders may be sent again, and on another day everything may.
    stage.clock.advance(61 if setting == "max_orders_per_minute" else 10 * 3600)
    assert (await execute(stage, second)).success


async def test_plans_that_were_only_refused_are_not_counted() -> None:
    stage = Stage(max_daily_plans=1, max_order_usd=5000)
    assert (await execute(stage)).status is ExecutionStatus.REFUSED
    assert (await execute(stage, a_plan(buy("SPY", "100"), plan_id="plan-2"))).success


async def test_orders_that_were_never_sent_are_not_counted() -> None:
    stage = Stage(duplicate_window_s=60, max_daily_orders=2)
    assert (await execute(stage, a_plan(buy("SPY", "100")))).success
    again = only(await execute(stage, a_plan(buy("SPY", "100"), plan_id="plan-2")))
    assert again.reason is Reason.DUPLICATE_ORDER
    assert (await execute(stage, a_plan(buy("QQQ", "100"), plan_id="plan-3"))).success


async def test_what_is_long_past_is_not_even_read() -> None:
    stage = Stage(max_daily_plans=1)
    assert (await execute(stage)).success
    stage.clock.advance(8 * 86400)
    assert (await execute(stage, PLAN | {"plan_id": "plan-2"})).success


async def test_an_order_that_became_larger_than_planned_is_stopped_at_the_gate() -> None:
    # A full exit sells all that is held, a little more than the plan's dollars.
    stage = Stage(settings={"holdings": {"SPY": "10.2"}}, max_order_usd=4000)
    line = only(await execute(stage, a_plan(sell("SPY", "4000", target_weight="0"))))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.LIMIT)
    assert line.detail.startswith("SPY: $4,07")
    assert stage.broker.desk.book.exchange.blotter.tickets == []


async def test_shares_are_counted_once_they_are_known() -> None:
    line = only(await execute(Stage(max_order_shares=2), a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.LIMIT)


@pytest.mark.parametrize(("after_s", "reason"), [(50, Reason.DUPLICATE_ORDER), (61, None)])
async def test_the_same_order_of_another_plan_is_blocked_within_the_window(
    after_s: float, reason: Reason | None
) -> None:
    stage = Stage(duplicate_window_s=60)
    assert (await execute(stage, a_plan(buy("SPY", "1000")))).success
    stage.clock.advance(after_s)
    again = only(await execute(stage, a_plan(buy("SPY", "1000"), plan_id="plan-2")))
    assert again.reason is reason


async def test_an_order_that_is_sent_long_after_it_was_recorded_counts_from_then_on() -> None:
    stage = Stage(max_orders_per_minute=1)
    plan = a_plan(buy("SPY", "100"))
    await stage.crash_after("order_recorded", plan)
    stage.clock.advance(50)
    assert (await execute(stage, plan)).success
    stage.clock.advance(20)
    refused = await execute(stage, a_plan(buy("QQQ", "100"), plan_id="plan-2"))
    assert refused.status is ExecutionStatus.REFUSED
    assert "max_orders_per_minute" in refused.detail


async def test_an_order_counts_from_the_first_word_about_it_however_late_it_fills() -> None:
    stage = Stage(settings={"fill_delay_s": 30}, max_orders_per_minute=1)
    assert (await execute(stage, a_plan(buy("SPY", "100")))).success
    stage.clock.advance(35)
    assert (await execute(stage, a_plan(buy("QQQ", "100"), plan_id="plan-2"))).success


async def test_an_order_that_is_sent_again_after_a_crash_counts_once() -> None:
    stage = Stage(max_daily_orders=1)
    plan = a_plan(buy("SPY", "1000"))
    await stage.crash_after("order_recorded", plan)
    assert (await execute(stage, plan)).success


FIVE = a_plan(*(buy(symbol, "100") for symbol in ("SPY", "QQQ", "IWM", "GLD", "TLT")))


async def test_rejections_in_a_row_stop_the_rest() -> None:
    stage = Stage(On("place_order", Refuse()), concurrency=1, breaker_rejections=2)
    result = await stage.execute(FIVE)
    assert result.status is ExecutionStatus.HALTED
    assert [line.outcome for line in result.lines] == [LineOutcome.REJECTED] * 2 + [LineOutcome.BLOCKED] * 3
    assert {line.reason for line in result.lines[2:]} == {Reason.BREAKER}
    assert result.detail == "2 orders in a row were rejected"


async def test_a_broker_that_answers_no_send_stops_the_rest() -> None:
    stage = Stage(On("place_order", Fail(BrokerUnavailable("no route"))), concurrency=1, breaker_errors=3)
    result = await stage.execute(FIVE)
    assert result.status is ExecutionStatus.HALTED
    assert result.detail == "3 sends in a row were not answered"
    assert {line.reason for line in result.lines[1:]} == {Reason.BREAKER}
    assert stage.broker.desk.book.exchange.blotter.tickets == []


async def test_sends_that_are_answered_in_between_trip_nothing() -> None:
    stage = Stage(
        *(On("place_order", Fail(BrokerUnavailable("no route")), nth=nth) for nth in (1, 3, 5)),
        concurrency=1, breaker_errors=2,
    )  # fmt: skip
    assert (await stage.execute(FIVE)).success


async def test_an_order_of_which_nobody_knows_stops_the_rest() -> None:
    # QQQ is given up after 10 s, SPY fills after 12 s: GLD, which waits for SPY, would be next.
    stage = Stage(
        On("place_order", FillOnly(Quantity(Decimal("0.1"))), symbol="QQQ"),
        On("place_order", FillLate(seconds=12), symbol="SPY"),
        On("cancel_order", Fail(BrokerUnavailable("no route")), symbol="QQQ"),
        On("cancel_order", IgnoreCancel(), symbol="SPY"),
        settings={"cash": "5000", "holdings": {"SPY": "10"}},
        breaker_unresolved=1, sequencing="plan_order", order_deadline_s=5, cancel_grace_s=5,
    )  # fmt: skip
    lines = buy("QQQ", "4000"), sell("SPY", "4000", target_weight="0"), buy("GLD", "3900")
    result = await stage.execute(a_plan(*lines))
    assert result.status is ExecutionStatus.IN_DOUBT
    assert result.detail == "of 1 orders nobody knows what became of them"
    assert (result.lines[2].outcome, result.lines[2].reason) == (LineOutcome.BLOCKED, Reason.BREAKER)


async def test_an_execution_that_costs_too_much_sends_nothing_more() -> None:
    stage = Stage(
        settings={"cash": "5000", "holdings": {"SPY": "10"}, "slippage_bps": 100}, max_shortfall_bps=50
    )
    result = await execute(stage, a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "3900")))
    assert result.status is ExecutionStatus.HALTED
    assert result.lines[0].filled_usd > Decimal(3900)
    assert (result.lines[1].outcome, result.lines[1].reason) == (LineOutcome.BLOCKED, Reason.SHORTFALL)
