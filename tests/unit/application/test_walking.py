"""A line that walks through the spread: each order after the end of the last, for exactly what is left."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from stage import Stage, a_plan, buy, only, sell

from planfill.adapters.brokers.mock import On
from planfill.adapters.brokers.mock.faults import Fail, FillDuringCancel, IgnoreCancel, RejectLate
from planfill.adapters.brokers.mock.script import Call, Fault
from planfill.application.stopping import StopSignal
from planfill.domain.errors import BrokerUnavailable
from planfill.domain.events import FundsAllotted, OrderRecorded
from planfill.domain.order import Order, OrderType
from planfill.domain.outcome import LineOutcome, Reason, Residual
from planfill.domain.report import ExecutionReport
from planfill.domain.result import ExecutionStatus, OrderResult
from planfill.domain.values import Quantity

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
# 399.60 at 400.40: a dollar's worth of steps between the middle and the far side.
WIDE: Final = {"spread_bps": 20}


def a_stage(*faults: On, settings: dict[str, Any] | None = None, **figures: Any) -> Stage:
    """Give a stage on which everything walks, five seconds a step."""
    return Stage(*faults, settings=WIDE | (settings or {}), **{"style": "walk", "walk_step_s": 5} | figures)


async def orders(stage: Stage, symbol: str = "SPY") -> list[Order]:
    """Give the orders that were recorded of a symbol."""
    events = await stage.events()
    return [e.order for e in events if isinstance(e, OrderRecorded) and e.order.symbol == symbol]


async def limits(stage: Stage, symbol: str = "SPY") -> list[Decimal | None]:
    return [order.limit_price for order in await orders(stage, symbol)]


async def reports(stage: Stage) -> list[ExecutionReport]:
    return list(await stage.broker.list_orders(LONG_AGO))


def filled(line: OrderResult) -> Decimal:
    """Give the shares of a line that has filled to the end."""
    assert line.outcome is LineOutcome.FILLED
    return line.filled_quantity


class Come(Fault):
    """Let the market come to so many shares of a symbol at a call of the broker."""

    def __init__(self, stage: Stage, symbol: str, shares: str) -> None:
        self._stage, self._symbol, self._shares = stage, symbol, Quantity(Decimal(shares))

    async def before(self, _call: Call) -> None:
        self._stage.broker.desk.let_fill(self._symbol, self._shares)


class Move(Fault):
    """Let the price of a symbol change at a call of the broker."""

    def __init__(self, stage: Stage, symbol: str, price: str | None) -> None:
        self._stage, self._symbol, self._price = stage, symbol, price

    async def before(self, _call: Call) -> None:
        self._stage.broker.desk.move(self._symbol, self._price)


async def test_a_buy_walks_from_the_middle_to_the_far_side() -> None:
    stage = a_stage()
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert line.outcome is LineOutcome.FILLED
    assert await limits(stage) == [Decimal(400), Decimal("400.20"), Decimal("400.40")]
    assert [order.client_order_id[-2:] for order in await orders(stage)] == ["-1", "-2", "-3"]
    assert [report.filled_quantity for report in await reports(stage)] == [0, 0, 10]
    assert 10 <= stage.clock.monotonic() < 16


async def test_a_sell_walks_the_other_way_and_a_full_exit_sells_what_is_left() -> None:
    stage = a_stage(settings={"holdings": {"SPY": "10.1234567"}})
    stage.script.add(On("list_orders", Come(stage, "SPY", "3.5"), nth=2))
    line = only(await stage.execute(a_plan(sell("SPY", "4049.38", target_weight="0"))))
    assert line.outcome is LineOutcome.FILLED
    assert await limits(stage) == [Decimal(400), Decimal("399.80"), Decimal("399.60")]
    assert [str(order.quantity) for order in await orders(stage)] == [
        "10.123456700", "6.623456700", "6.623456700",
    ]  # fmt: skip
    assert await stage.broker.get_sellable(["SPY"]) == {}


async def test_what_no_step_fills_ends_as_a_market_order() -> None:
    stage = a_stage(walk_steps=2)
    # After the last quote the market is away from the limit at the far side.
    stage.script.add(On("place_order", Move(stage, "SPY", "401"), nth=2))
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert line.outcome is LineOutcome.FILLED
    assert [order.order_type for order in await orders(stage)] == [
        OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET,
    ]  # fmt: skip


async def test_a_line_too_large_for_a_market_order_ends_as_a_collared_limit() -> None:
    stage = a_stage(walk_steps=2, max_market_usd=4000)
    stage.script.add(On("place_order", Move(stage, "SPY", "401"), nth=2))
    assert only(await stage.execute(a_plan(buy("SPY", "4004")))).outcome is LineOutcome.FILLED
    # 401.401 and the collar of 25 bps.
    assert (await limits(stage))[-1] == Decimal("402.40")


async def test_what_no_step_fills_is_left_where_that_is_wanted() -> None:
    stage = a_stage(walk_steps=2, walk_end="leave")
    stage.script.add(On("place_order", Move(stage, "SPY", "401"), nth=2))
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert (line.outcome, line.reason) == (LineOutcome.UNFILLED, Reason.DEADLINE)
    assert line.residuals == {Residual.UNFILLED: 4004}
    assert len(await orders(stage)) == 2


@pytest.mark.parametrize(
    ("urgency", "types"),
    [("LOW", [OrderType.LIMIT] * 3), ("HIGH", [OrderType.LIMIT]), ("URGENT", [OrderType.MARKET])],
)
async def test_the_urgency_of_the_plan_picks_the_style(urgency: str, types: list[OrderType]) -> None:
    stage = Stage(settings=WIDE, walk_step_s=5, urgency={"low": "walk", "HIGH": "limit"})
    await stage.execute(a_plan(buy("SPY", "4004"), execution_urgency=urgency))
    assert [order.order_type for order in await orders(stage)] == types


async def test_scenario_3_a_fill_during_the_cancel_of_a_step_leaves_no_remainder_and_no_new_order() -> None:
    stage = a_stage(On("cancel_order", FillDuringCancel()))
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert filled(line) == 10
    assert len(await orders(stage)) == 1


async def test_scenario_4_a_partial_fill_during_the_cancel_leaves_an_exact_remainder() -> None:
    stage = a_stage(On("cancel_order", FillDuringCancel(Quantity(Decimal("3.333333333"))), nth=1))
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert [str(order.quantity) for order in await orders(stage)] == ["10.000000000", *["6.666666667"] * 2]
    assert filled(line) == 10
    assert line.filled_usd == Decimal("4002.66")  # 1333.33 at 400.00, 2669.33 at 400.40


async def test_while_nobody_knows_what_a_cancel_did_nothing_more_is_sent() -> None:
    stage = a_stage(On("cancel_order", IgnoreCancel()), cancel_grace_s=5)
    result = await stage.execute(a_plan(buy("SPY", "4004")))
    assert result.status is ExecutionStatus.IN_DOUBT
    assert len(await orders(stage)) == 1


async def test_what_is_left_below_a_dollar_is_dust() -> None:
    stage = a_stage(On("cancel_order", FillDuringCancel(Quantity(Decimal("9.998")))))
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert (line.outcome, line.reason) == (LineOutcome.PARTIALLY_FILLED, Reason.REMAINDER_TOO_SMALL)
    assert line.residuals == {Residual.DUST: Decimal("0.80"), Residual.PRICE: Decimal("4.00")}
    assert "0.002" in line.detail


async def test_a_full_exit_sells_what_is_left_of_it_also_below_a_dollar() -> None:
    stage = a_stage(
        On("cancel_order", FillDuringCancel(Quantity(Decimal("9.998")))), settings={"holdings": {"SPY": "10"}}
    )
    line = only(await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"))))
    assert filled(line) == 10


async def test_a_price_check_that_fails_leaves_the_remainder_with_its_reason() -> None:
    stage = a_stage(On("cancel_order", FillDuringCancel(Quantity(Decimal(4)))))
    stage.script.add(On("get_current_prices", Move(stage, "SPY", None), nth=2))
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert (line.outcome, line.reason) == (LineOutcome.PARTIALLY_FILLED, Reason.BAD_PRICE)
    assert line.residuals[Residual.SKIPPED] == Decimal("2402.40")
    assert len(await orders(stage)) == 1


async def test_a_broker_that_says_nothing_between_two_steps_leaves_the_remainder() -> None:
    stage = a_stage(On("get_account", Fail(BrokerUnavailable("no route")), nth=3))
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.BROKER_UNAVAILABLE)


async def test_the_rest_of_a_buy_is_not_bought_with_money_that_is_not_there() -> None:
    stage = a_stage(settings={"cash": "8050"})
    stage.script.add(On("cancel_order", Move(stage, "SPY", "412"), nth=1))
    result = await stage.execute(a_plan(buy("SPY", "4004", priority=1), buy("QQQ", "4000")))
    walked, other = result.lines
    assert (walked.outcome, walked.reason) == (LineOutcome.BLOCKED, Reason.NO_FUNDS)
    assert other.outcome is LineOutcome.FILLED
    assert (await stage.broker.get_account()).cash_usd >= 0


async def test_buys_wait_for_sells_that_walk_and_are_funded_once() -> None:
    stage = a_stage(settings={"cash": "0", "holdings": {"SPY": "10"}})
    result = await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "3900")))
    assert result.status is ExecutionStatus.SUCCEEDED
    told = [event.order.symbol for event in await stage.events() if isinstance(event, OrderRecorded)]
    assert told == ["SPY"] * 3 + ["QQQ"] * 3
    assert sum(isinstance(event, FundsAllotted) for event in await stage.events()) == 1
    assert (result.orders_placed, result.success_rate) == (2, 1)


async def test_a_buy_that_walks_keeps_its_money_while_others_are_funded() -> None:
    plan = a_plan(
        buy("SPY", "4000", priority=1), sell("QQQ", "3000", priority=2), buy("IWM", "4000", priority=3)
    )
    stage = a_stage(
        settings={"cash": "5025", "holdings": {"QQQ": "10"}}, sequencing="plan_order", on_failed_sell="ignore"
    )
    result = await stage.execute(plan)
    assert [line.outcome for line in result.lines] == [LineOutcome.FILLED] * 3
    assert result.lines[0].reason is None
    assert (await stage.broker.get_account()).cash_usd >= 0


async def test_what_somebody_else_cancels_is_not_sent_on() -> None:
    stage = a_stage()

    class Cancel(Fault):
        async def before(self, _call: Call) -> None:
            await stage.broker.cancel_order((await orders(stage))[0].client_order_id)

    stage.script.add(On("list_orders", Cancel(), nth=2))
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert (line.outcome, line.reason) == (LineOutcome.UNFILLED, Reason.CANCELED)
    assert len(await orders(stage)) == 1


async def test_what_the_broker_rejects_is_not_sent_on() -> None:
    stage = a_stage(On("place_order", RejectLate(), nth=3))
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert line.outcome is LineOutcome.REJECTED
    assert len(await orders(stage)) == 3


async def test_shares_that_are_gone_between_two_steps_are_not_sold() -> None:
    stage = a_stage(settings={"holdings": {"SPY": "10"}})

    class Take(Fault):
        async def after(self, _call: Call, answer: object) -> object:
            assert isinstance(answer, dict)
            return dict.fromkeys(answer, Quantity(Decimal(6)))

    stage.script.add(On("get_sellable", Take(), nth=2))
    line = only(await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"))))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.HELD_LESS_THAN_PLANNED)


async def test_the_close_ends_a_walk() -> None:
    stage = a_stage(settings={"closes_at": "2021-03-31T15:05:08+00:00"})
    line = only(await stage.execute(a_plan(buy("SPY", "4004"))))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.CLOSING_SOON)


async def test_a_stop_between_two_steps_leaves_the_rest() -> None:
    stage, stop = a_stage(), StopSignal()

    class Stop(Fault):
        async def after(self, _call: Call, answer: object) -> object:
            stop.request(Reason.INTERRUPTED, "Ctrl-C")
            return answer

    stage.script.add(On("cancel_order", Stop()))
    result = await stage.execute(a_plan(buy("SPY", "4004")), stop)
    assert (result.status, only(result).reason) == (ExecutionStatus.HALTED, Reason.INTERRUPTED)
    assert len(await orders(stage)) == 1


@pytest.mark.parametrize(
    ("kind", "crashes"),
    [
        *(("order_recorded", n) for n in (1, 2, 3)),
        *(("order_reported", n) for n in (1, 2, 3)),
        *(("cancel_requested", n) for n in (1, 2)),
    ],
)
async def test_a_walk_that_is_killed_goes_on_where_it_stood(kind: str, crashes: int) -> None:
    plan = a_plan(buy("SPY", "4004"))
    stage = a_stage(On("cancel_order", FillDuringCancel(Quantity(Decimal(3))), nth=1), order_deadline_s=60)
    for _ in range(crashes):
        await stage.crash_after(kind, plan)
    line = only(await stage.execute(plan))
    assert filled(line) == 10
    there = await reports(stage)
    assert len({report.client_order_id for report in there}) == len(there)
    assert sum(report.filled_quantity for report in there) == 10


async def test_a_cancel_that_was_not_recorded_before_the_kill_was_ours_all_the_same() -> None:
    plan = a_plan(buy("SPY", "4004"))
    stage = a_stage()
    await stage.crash_after("order_reported", plan)
    await stage.clock.sleep(6)
    await stage.broker.cancel_order((await orders(stage))[0].client_order_id)
    assert only(await stage.execute(plan)).outcome is LineOutcome.FILLED
    assert len(await orders(stage)) == 3


async def test_a_walk_goes_on_in_the_style_in_which_the_plan_was_taken_up() -> None:
    plan = a_plan(buy("SPY", "4004"))
    stage = a_stage()
    await stage.crash_after("cancel_requested", plan)
    stage.policy = Stage().policy
    assert only(await stage.execute(plan)).outcome is LineOutcome.FILLED
    assert await limits(stage) == [Decimal(400), Decimal("400.20"), Decimal("400.40")]


async def test_a_step_whose_time_went_by_while_the_broker_was_away_is_followed_by_the_next() -> None:
    away = Fail(BrokerUnavailable("no route"))
    stage = a_stage(On("place_order", away, nth=1, times=99))

    class Back(Fault):
        async def before(self, _call: Call) -> None:
            stage.script.clear()

    stage.script.add(On("get_account", Back(), nth=3))
    assert filled(only(await stage.execute(a_plan(buy("SPY", "4004"))))) == 10
    assert [report.client_order_id[-2:] for report in await reports(stage)] == ["-2", "-3"]
