"""Executing plans, from the first quote to the result."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from stage import Stage, a_plan, buy, hold, only, script_replacement, sell

from planfill.adapters.brokers.mock.faults import (
    AgeQuotes,
    Fail,
    FillDuringCancel,
    FillLate,
    FillOnly,
    HidePrice,
    IgnoreCancel,
    LoseAnswer,
    NeverFill,
    Refuse,
    RejectLate,
    ShowStatus,
)
from planfill.adapters.brokers.mock.script import On
from planfill.domain.errors import (
    BrokerUnavailable,
    InsufficientFundsError,
    OrderConflict,
    OutcomeUnknown,
)
from planfill.domain.events import Alerted, Severity
from planfill.domain.market import Capabilities
from planfill.domain.order import OrderType
from planfill.domain.outcome import LineOutcome, Reason, Residual
from planfill.domain.report import OrderStatus
from planfill.domain.result import ExecutionStatus
from planfill.domain.values import Quantity

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def test_one_buy_is_one_order_with_an_id_and_a_success() -> None:
    stage = Stage()
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    line = only(result)
    assert result.status is ExecutionStatus.SUCCEEDED
    assert result.success
    assert (line.outcome, line.success) == (LineOutcome.FILLED, True)
    assert line.order_id
    assert line.client_order_id
    assert line.client_order_id.startswith("pf-")
    assert result.success_rate == 1


async def test_sells_are_done_before_the_first_buy_is_recorded() -> None:
    stage = Stage(settings={"cash": "0", "holdings": {"SPY": "10"}, "fill_delay_s": 3})
    result = await stage.execute(a_plan(buy("QQQ", "2000"), sell("SPY", "4000", target_weight="0")))
    assert result.status is ExecutionStatus.SUCCEEDED
    kinds = await stage.kinds()
    sold = kinds.index("order_reported")
    assert kinds.index("funds_allotted") > sold
    assert kinds[-1] == "execution_completed"
    recorded = [i for i, kind in enumerate(kinds) if kind == "order_recorded"]
    assert recorded[0] < sold < recorded[1]


async def test_scenario_5_a_full_exit_leaves_nothing_and_is_never_larger_than_the_holding() -> None:
    stage = Stage(settings={"cash": "0", "holdings": {"SPY": "7.2273576"}})
    line = only(await stage.execute(a_plan(sell("SPY", "2890", target_value="0"))))
    assert line.outcome is LineOutcome.FILLED
    assert line.filled_quantity == Decimal("7.2273576")
    assert set(line.residuals) <= {Residual.HOLDING, Residual.PRICE}


async def test_more_held_than_planned_sells_the_planned_dollars_and_alerts() -> None:
    stage = Stage(settings={"cash": "0", "holdings": {"SPY": "100"}})
    line = only(await stage.execute(a_plan(sell("SPY", "2890", target_value="0"))))
    assert line.outcome is LineOutcome.FILLED
    assert line.reason is Reason.MORE_HELD_THAN_PLANNED
    assert line.filled_quantity < 8
    assert "alerted" in await stage.kinds()


async def test_a_sale_is_never_larger_than_what_is_held() -> None:
    stage = Stage(settings={"cash": "0", "holdings": {"SPY": "2"}})
    line = only(await stage.execute(a_plan(sell("SPY", "4000"))))
    assert line.filled_quantity == 2
    assert line.reason is Reason.HELD_LESS_THAN_PLANNED
    assert line.residuals[Residual.HOLDING] > 3000


async def test_what_is_not_held_is_not_sold() -> None:
    result = await Stage().execute(a_plan(sell("SPY", "4000")))
    assert (only(result).outcome, only(result).reason) == (LineOutcome.SKIPPED, Reason.NOT_HELD)
    assert result.status is ExecutionStatus.FAILED
    assert result.success_rate is None


async def test_a_plan_of_holds_dust_and_zeros_is_a_success_with_no_orders() -> None:
    stage = Stage()
    result = await stage.execute(a_plan(hold("SPY"), buy("QQQ", "0.5"), buy("IWM", "0")))
    assert result.status is ExecutionStatus.NOTHING_TO_DO
    assert result.success
    assert [line.reason for line in result.lines] == [None, Reason.BELOW_MINIMUM, Reason.AMOUNT_ZERO]
    assert result.lines[1].residuals == {Residual.DUST: Decimal("0.50")}


async def test_an_empty_plan_is_a_success_with_no_orders() -> None:
    result = await Stage().execute(a_plan())
    assert (result.status, result.lines) == (ExecutionStatus.NOTHING_TO_DO, ())


async def test_a_plan_of_holds_does_not_need_an_open_market() -> None:
    result = await Stage(settings={"market_open": False}).execute(a_plan(hold("SPY")))
    assert result.status is ExecutionStatus.NOTHING_TO_DO


async def test_executing_again_sends_nothing_and_gives_the_recorded_result() -> None:
    stage = Stage()
    first = await stage.execute(a_plan(buy("SPY", "1000")))
    stage.script.add(On("place_order", Fail(AssertionError())))  # type: ignore[arg-type]
    again = await stage.execute(a_plan(buy("SPY", "1000.00")))
    assert again == first
    assert again.ledger_head


async def test_scenario_6_no_price_is_an_outcome_with_a_reason_and_never_an_order() -> None:
    stage = Stage(settings={"holdings": {"XYZ": "100000"}})
    line = only(await stage.execute(a_plan(sell("XYZ", "71365"))))
    assert (line.outcome, line.reason) == (LineOutcome.SKIPPED, Reason.NO_PRICE)
    assert line.client_order_id is None
    assert line.residuals == {Residual.SKIPPED: Decimal(71365)}


async def test_a_stale_quote_is_no_price() -> None:
    stage = Stage(On("get_current_prices", AgeQuotes(symbol="SPY", seconds=3600)))
    result = await stage.execute(a_plan(buy("SPY", "1000"), buy("QQQ", "1000")))
    assert [line.reason for line in result.lines] == [Reason.STALE_PRICE, None]
    assert result.status is ExecutionStatus.PARTIAL


async def test_a_line_over_the_market_limit_is_a_collared_limit() -> None:
    stage = Stage(settings={"cash": "300000"})
    result = await stage.execute(a_plan(buy("SPY", "100000.01"), buy("QQQ", "100000")))
    assert [line.order_type for line in result.lines] == [OrderType.LIMIT, OrderType.MARKET]
    assert result.status is ExecutionStatus.SUCCEEDED


@pytest.mark.parametrize("line", [buy("GLD", "40"), sell("GLD", "51")])
async def test_scenario_12_what_does_not_reach_for_a_whole_share_is_an_outcome_not_an_error(
    line: dict[str, Any],
) -> None:
    stage = Stage(settings={"not_fractionable": ["GLD"], "holdings": {"GLD": "0.3"}})
    ended = only(await stage.execute(a_plan(line)))
    assert (ended.outcome, ended.reason) == (LineOutcome.SKIPPED, Reason.ROUNDS_TO_ZERO)
    assert set(ended.residuals) <= {Residual.ROUNDING, Residual.PRICE}
    assert ended.residual_usd == ended.planned_usd
    assert "order_recorded" not in await stage.kinds()


async def test_what_the_broker_does_not_trade_is_blocked() -> None:
    stage = Stage(settings={"not_tradable": ["GLD"]})
    result = await stage.execute(a_plan(buy("GLD", "400")))
    assert (only(result).outcome, only(result).reason) == (LineOutcome.BLOCKED, Reason.NOT_TRADABLE)


async def test_buys_are_cut_pro_rata_when_the_money_does_not_suffice() -> None:
    stage = Stage(settings={"cash": "10000"})
    result = await stage.execute(a_plan(buy("SPY", "10000"), buy("QQQ", "5000")))
    assert result.status is ExecutionStatus.PARTIAL
    assert [line.reason for line in result.lines] == [Reason.FUNDS_CUT, Reason.FUNDS_CUT]
    assert sum(line.filled_usd for line in result.lines) <= Decimal(9950) * Decimal("1.001")
    assert [line.residuals[Residual.FUNDING] for line in result.lines] == [
        Decimal("3366.67"),
        Decimal("1683.34"),
    ]


async def test_without_money_the_buys_are_blocked() -> None:
    stage = Stage(settings={"cash": "0"})
    result = await stage.execute(a_plan(buy("SPY", "10000")))
    assert (only(result).outcome, only(result).reason) == (LineOutcome.BLOCKED, Reason.NO_FUNDS)
    assert only(result).residuals == {Residual.FUNDING: Decimal(10000)}


async def test_scenario_9_proceeds_that_show_late_are_waited_for() -> None:
    stage = Stage(settings={"cash": "0", "holdings": {"SPY": "10"}, "proceeds_delay_s": 3})
    result = await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "3900")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert stage.clock.monotonic() >= 3


async def test_proceeds_that_do_not_show_are_not_waited_for_for_ever() -> None:
    stage = Stage(settings={"cash": "0", "holdings": {"SPY": "10"}, "proceeds_delay_s": 3600})
    result = await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "3900")))
    assert result.lines[1].reason is Reason.NO_FUNDS
    assert 15 <= stage.clock.monotonic() < 30


@pytest.mark.parametrize(
    ("policy", "reason", "bought"),
    [("scale_buys", Reason.FUNDS_CUT, 500), ("block_buys", Reason.SELLS_FAILED, 0),
     ("ignore", Reason.FUNDS_CUT, 995)],
)  # fmt: skip
async def test_scenario_8_after_a_rejected_sell_the_buys_are_limited_by_policy_and_by_the_cash(
    policy: str, reason: Reason, bought: int
) -> None:
    stage = Stage(
        On("place_order", Refuse(), symbol="SPY"),
        settings={"cash": "1000", "holdings": {"SPY": "10"}},
        breaker_min_sample=50,
        on_failed_sell=policy,
    )
    result = await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "4500")))
    assert result.lines[0].outcome is LineOutcome.REJECTED
    assert result.lines[1].reason is reason
    assert result.lines[1].filled_usd == pytest.approx(Decimal(bought), abs=1)
    assert (await stage.broker.get_account()).cash_usd == pytest.approx(Decimal(1000 - bought), abs=1)


async def test_a_refusal_is_final_and_keeps_its_reason() -> None:
    stage = Stage(On("place_order", Refuse(InsufficientFundsError("no", raw='{"code":1}'))))
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason) == (LineOutcome.REJECTED, Reason.INSUFFICIENT_FUNDS)
    assert line.residuals == {Residual.REJECTED: Decimal("1000.00")}
    assert (await stage.kinds()).count("order_recorded") == 1


async def test_an_order_that_is_rejected_after_its_acceptance_is_rejected() -> None:
    stage = Stage(On("place_order", RejectLate("late")), settings={"fill_delay_s": 1})
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason) == (LineOutcome.REJECTED, Reason.REJECTED)


async def test_a_conflict_is_a_refusal_of_its_own_and_an_alert() -> None:
    stage = Stage(On("place_order", Fail(OrderConflict("another order bears this id"))))
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason) == (LineOutcome.REJECTED, Reason.ORDER_CONFLICT)
    alerts = [event for event in await stage.events() if isinstance(event, Alerted)]
    assert [(one.severity, one.reason, one.symbol) for one in alerts] == [
        (Severity.CRITICAL, Reason.ORDER_CONFLICT, "SPY")
    ]


async def test_an_order_that_certainly_was_not_placed_blocks_its_line() -> None:
    stage = Stage(On("place_order", Fail(BrokerUnavailable("refused connection"))))
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.BROKER_UNAVAILABLE)
    assert line.residuals == {Residual.BLOCKED: Decimal("1000.00")}


async def test_scenario_2_an_answer_that_is_lost_is_found_in_the_list_and_placed_once() -> None:
    stage = Stage(On("place_order", LoseAnswer()), On("get_order_status", Fail()))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert "order_doubted" in await stage.kinds()
    assert len(await stage.broker.list_orders(LONG_AGO)) == 1


async def test_scenario_2_an_answer_that_is_lost_is_looked_up_and_the_order_placed_once() -> None:
    stage = Stage(On("place_order", LoseAnswer()), settings={"read_lag_s": 2})
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert "order_doubted" not in await stage.kinds()
    assert len(await stage.broker.list_orders(LONG_AGO)) == 1


async def test_a_request_that_got_lost_is_sent_again_under_the_same_id() -> None:
    stage = Stage(On("place_order", Fail(), times=3), settings={"read_lag_s": 2})
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert stage.clock.monotonic() >= 6


async def test_an_error_that_nobody_foresaw_is_unknown_and_not_failed() -> None:
    stage = Stage(On("place_order", LoseAnswer(KeyError("id"))))  # type: ignore[arg-type]
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    doubts = [event for event in await stage.events() if event.kind == "order_doubted"]
    assert [event.detail for event in doubts] == ["KeyError while it was being placed"]


async def test_an_order_nobody_can_find_is_unresolved_and_the_run_in_doubt() -> None:
    stage = Stage(On("place_order", Fail(OutcomeUnknown("timed out"))), On("get_order_status", Fail()))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.IN_DOUBT
    assert result.exit_code == 4
    assert (only(result).outcome, only(result).reason) == (
        LineOutcome.UNRESOLVED,
        Reason.OUTCOME_UNKNOWN,
    )
    assert only(result).residuals == {Residual.UNRESOLVED: Decimal("1000.00")}
    assert (await stage.kinds())[-1] == "execution_suspended"


async def test_scenario_4_a_partial_fill_then_the_deadline_leaves_the_exact_remainder() -> None:
    stage = Stage(On("place_order", FillOnly(Quantity(Decimal("1.5")))))
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason) == (LineOutcome.PARTIALLY_FILLED, Reason.DEADLINE)
    assert line.filled_quantity == Decimal("1.5")
    assert line.residuals[Residual.UNFILLED] == Decimal("399.94")
    assert stage.clock.monotonic() >= 120


async def test_scenario_3_a_fill_during_the_cancel_leaves_no_remainder() -> None:
    stage = Stage(On("place_order", NeverFill()), On("cancel_order", FillDuringCancel()))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert (only(result).outcome, only(result).reason) == (LineOutcome.FILLED, None)
    assert (await stage.kinds()).count("order_recorded") == 1


async def test_an_order_that_does_not_fill_is_canceled_at_its_deadline() -> None:
    stage = Stage(On("place_order", NeverFill()), order_deadline_s=30)
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert (only(result).outcome, only(result).reason) == (LineOutcome.UNFILLED, Reason.DEADLINE)
    assert result.status is ExecutionStatus.FAILED
    assert 30 <= stage.clock.monotonic() < 40


async def test_a_cancel_that_changes_nothing_ends_unresolved() -> None:
    stage = Stage(On("place_order", NeverFill()), On("cancel_order", IgnoreCancel()))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.IN_DOUBT
    assert only(result).reason is Reason.CANCEL_UNCONFIRMED
    assert stage.clock.monotonic() >= 150


async def test_a_cancel_that_could_not_be_asked_is_asked_again() -> None:
    stage = Stage(On("place_order", NeverFill()), On("cancel_order", Fail(), times=2))
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason) == (LineOutcome.UNFILLED, Reason.DEADLINE)


async def test_lists_that_fail_are_asked_again() -> None:
    stage = Stage(On("list_orders", Fail(), nth=2, times=3), settings={"fill_delay_s": 1})
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED


async def test_scenario_13_a_feed_that_fails_is_only_a_feed() -> None:
    stage = Stage(On("wait", Fail()), settings={"fill_delay_s": 1})
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED


async def test_scenario_10_filled_without_a_price_is_priced_from_the_fill_records() -> None:
    stage = Stage(On("place_order", HidePrice()), On("list_orders", HidePrice()))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert only(result).average_price == Decimal("400.0801")


async def test_scenario_10_what_nobody_prices_is_in_doubt_and_never_worth_nothing() -> None:
    stage = Stage(On("place_order", HidePrice()), On("list_orders", HidePrice()), On("list_fills", Fail()))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.IN_DOUBT
    assert only(result).reason is Reason.UNPRICED
    assert only(result).residuals == {Residual.UNRESOLVED: Decimal("1000.00")}


async def test_scenario_10_a_status_from_the_future_counts_as_working() -> None:
    stage = Stage(On("place_order", ShowStatus(status=OrderStatus.UNKNOWN)), settings={"fill_delay_s": 5})
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED


async def test_an_order_that_somebody_replaced_is_followed_to_the_end_of_its_replacement() -> None:
    stage = Stage(On("place_order", FillOnly(Quantity(Decimal(1)))))
    script_replacement(stage, quantity="1.25")
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.filled_quantity, line.reason) == (
        LineOutcome.PARTIALLY_FILLED,
        Decimal("2.25"),
        Reason.REPLACED,
    )
    assert line.filled_usd == Decimal("2.25") * 400 + Decimal("0.18")
    (alert,) = [event for event in await stage.events() if isinstance(event, Alerted)]
    assert (alert.reason, alert.symbol) == (Reason.REPLACED, "SPY")
    assert stage.broker.desk.positions() == {"SPY": Decimal("2.25")}


async def test_a_replacement_that_works_on_is_not_ours_to_cancel() -> None:
    stage = Stage(On("place_order", NeverFill()))
    script_replacement(stage, quantity="1")
    stage.broker.desk.hold_fills()
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert (result.status, only(result).reason) == (ExecutionStatus.IN_DOUBT, Reason.REPLACED)
    ours, theirs = stage.broker.desk.book.exchange.blotter.tickets
    assert (ours.status, theirs.status) == (OrderStatus.REPLACED, OrderStatus.NEW)
    stage.broker.desk.let_fill("SPY")
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert only(result).outcome is LineOutcome.PARTIALLY_FILLED
    assert only(result).filled_quantity == 1


async def test_an_order_that_somebody_replaced_is_unresolved() -> None:
    replaced = ShowStatus(status=OrderStatus.REPLACED)
    stage = Stage(On("place_order", replaced), On("place_order", NeverFill()), On("list_orders", replaced))
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason) == (LineOutcome.UNRESOLVED, Reason.REPLACED)


async def test_late_fills_are_waited_for() -> None:
    stage = Stage(On("place_order", FillLate(100)))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert 100 <= stage.clock.monotonic() < 110


async def test_a_fill_after_the_end_reopens_the_line_and_alerts() -> None:
    stage = Stage(
        On("place_order", FillOnly(Quantity(Decimal(1))), symbol="SPY"),
        On("list_orders", ShowStatus("SPY", status=OrderStatus.CANCELED), nth=2),
        On("place_order", FillLate(60), symbol="QQQ"),
    )
    stage.script.add(On("cancel_order", FillDuringCancel(), symbol="SPY"))
    result = await stage.execute(a_plan(buy("SPY", "1000"), buy("QQQ", "1000")))
    assert result.lines[1].outcome is LineOutcome.FILLED
    assert result.lines[0].filled_quantity == 1
    assert result.lines[0].reason is Reason.CANCELED


async def test_waves_are_no_larger_than_the_rate_can_send_while_quotes_are_fresh() -> None:
    stage = Stage(max_quote_age_s=30)
    slow = {**dict(stage.brokerage.capabilities), "requests_per_minute": 4}
    stage.replace(capabilities=Capabilities.model_validate(slow))
    result = await stage.execute(a_plan(*(buy(symbol, "100") for symbol in ("SPY", "QQQ", "IWM"))))
    assert result.success
    kinds = [kind for kind in await stage.kinds() if kind.startswith("order_")]
    assert kinds == ["order_recorded"] * 2 + ["order_reported"] * 2 + ["order_recorded", "order_reported"]


async def test_when_nobody_says_how_much_cash_there_is_buys_are_blocked() -> None:
    stage = Stage(On("get_account", Fail(BrokerUnavailable("no answer")), nth=2))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert (only(result).outcome, only(result).reason) == (
        LineOutcome.BLOCKED,
        Reason.BROKER_UNAVAILABLE,
    )


async def test_a_broker_that_needs_no_opening_is_not_opened() -> None:
    stage = Stage()
    stage.replace(opening=None)
    assert (await stage.execute(a_plan(buy("SPY", "1000")))).success


async def test_fees_are_told_and_cost() -> None:
    stage = Stage(settings={"fee_bps": "10", "cash": "100000"})
    result = await stage.execute(a_plan(buy("SPY", "10000")))
    assert result.fees_usd == Decimal("10.00")
    assert result.shortfall_usd == Decimal("12.00")


async def test_lines_of_one_side_go_by_priority() -> None:
    stage = Stage()
    await stage.execute(a_plan(buy("SPY", "1000", priority=5), buy("QQQ", "1000", priority=1)))
    orders = [event.order.symbol for event in await stage.events() if event.kind == "order_recorded"]
    assert orders == ["QQQ", "SPY"]
