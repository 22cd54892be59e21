"""Sells and buys in their sequence, and the session that a plan waits for."""

from decimal import Decimal
from typing import Any

import pytest
from stage import Stage, a_plan, buy, sell

from planfill.adapters.brokers.mock import On
from planfill.adapters.brokers.mock.faults import Fail, FillLate, FillOnly, Refuse
from planfill.application.stopping import StopSignal
from planfill.domain.errors import BrokerUnavailable
from planfill.domain.events import Alerted, FundsAllotted, OrderRecorded, OrderReported
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.report import OrderStatus
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.values import Quantity

# $4,000 each of SPY and IWM are sold, one of them at once and the other a minute later.
LATE = On("place_order", FillLate(seconds=60), symbol="IWM")
HELD = {"cash": "0", "holdings": {"SPY": "10", "IWM": "20"}}
PLAN = a_plan(
    sell("SPY", "4000", target_weight="0"),
    sell("IWM", "4000", target_weight="0"),
    buy("QQQ", "3900", priority=1),
    buy("GLD", "3900", priority=2),
)


async def said(stage: Stage) -> list[tuple[str, str]]:
    """Tell what was recorded of orders, in its sequence: symbol, and what was said of it."""
    told = []
    for event in await stage.events():
        if isinstance(event, OrderRecorded):
            told.append((event.order.symbol, "recorded"))
        elif isinstance(event, OrderReported) and event.report.status is OrderStatus.FILLED:
            told.append((event.report.symbol, "filled"))
    return told


def outcomes(result: ExecutionResult) -> list[LineOutcome]:
    return [line.outcome for line in result.lines]


async def test_in_a_pipeline_a_buy_goes_out_while_other_sells_still_work() -> None:
    stage = Stage(LATE, settings=HELD, sequencing="pipelined")
    result = await stage.execute(PLAN)
    assert result.status is ExecutionStatus.SUCCEEDED
    order = await said(stage)
    assert order.index(("QQQ", "filled")) < order.index(("IWM", "filled")) < order.index(("GLD", "recorded"))
    assert (await stage.broker.get_account()).cash_usd >= 0


async def test_without_a_pipeline_buys_wait_for_the_last_sell() -> None:
    stage = Stage(LATE, settings=HELD)
    assert (await stage.execute(PLAN)).status is ExecutionStatus.SUCCEEDED
    order = await said(stage)
    assert order.index(("IWM", "filled")) < order.index(("QQQ", "recorded"))


async def test_in_a_pipeline_proceeds_that_do_not_show_buy_nothing_yet() -> None:
    stage = Stage(LATE, settings={**HELD, "proceeds_delay_s": 30}, sequencing="pipelined", funding_wait_s=60)
    assert (await stage.execute(PLAN)).status is ExecutionStatus.SUCCEEDED
    counted = [event for event in await stage.events() if isinstance(event, FundsAllotted)]
    assert [set(event.allotted) for event in counted] == [{"QQQ"}, {"GLD"}]
    assert (await stage.broker.get_account()).cash_usd >= 0


async def test_in_a_pipeline_the_money_of_a_buy_that_still_works_is_not_given_to_another() -> None:
    slow = On("place_order", FillLate(seconds=90), symbol="QQQ")
    stage = Stage(LATE, slow, settings=HELD, sequencing="pipelined")
    result = await stage.execute(a_plan(*PLAN["items"][:3], buy("GLD", "5000", priority=2)))
    assert outcomes(result) == [LineOutcome.FILLED] * 4
    assert result.lines[3].reason is Reason.FUNDS_CUT
    assert result.lines[3].filled_usd == pytest.approx(Decimal(4058), abs=5)


async def test_in_a_pipeline_a_sell_that_fails_is_shared_out_among_the_buys_that_are_left() -> None:
    stage = Stage(LATE, On("place_order", Refuse(), symbol="SPY"), settings=HELD, sequencing="pipelined",
                  breaker_min_sample=50)  # fmt: skip
    result = await stage.execute(PLAN)
    assert outcomes(result)[:2] == [LineOutcome.REJECTED, LineOutcome.FILLED]
    # Of $7,800 the sells have failed to bring $4,000: both are cut to what is left.
    assert [line.reason for line in result.lines[2:]] == [Reason.FUNDS_CUT] * 2
    assert sum(line.filled_usd for line in result.lines[2:]) == pytest.approx(Decimal(3800), abs=1)


async def test_in_a_pipeline_what_nobody_covers_stays_for_the_run_that_learns_of_the_sale() -> None:
    stage = Stage(
        On("place_order", FillOnly(Quantity(Decimal(5))), symbol="IWM"),
        On("cancel_order", Fail(BrokerUnavailable("no route"))),
        settings=HELD, sequencing="pipelined", order_deadline_s=5, cancel_grace_s=5,
    )  # fmt: skip
    result = await stage.execute(PLAN)
    assert result.status is ExecutionStatus.IN_DOUBT
    assert outcomes(result)[:3] == [LineOutcome.FILLED, LineOutcome.UNRESOLVED, LineOutcome.FILLED]
    assert (await stage.state()).lines["GLD"].is_pending


async def test_a_broker_that_says_nothing_of_the_account_while_sells_work_is_asked_again() -> None:
    # The account is asked once at the start; what comes then are the counts of the money.
    silent = On("get_account", Fail(BrokerUnavailable("no route")), nth=2, times=3)
    stage = Stage(LATE, silent, settings=HELD, sequencing="pipelined")
    assert (await stage.execute(PLAN)).status is ExecutionStatus.SUCCEEDED


async def test_in_the_order_of_the_plan_what_is_listed_first_is_sent_first() -> None:
    lines = (buy("QQQ", "900"), sell("SPY", "4000", target_weight="0"), buy("GLD", "3900"))
    stage = Stage(settings={**HELD, "cash": "1000"}, sequencing="plan_order")
    assert (await stage.execute(a_plan(*lines))).status is ExecutionStatus.SUCCEEDED
    order = [symbol for symbol, what in await said(stage) if what == "recorded"]
    assert order == ["QQQ", "SPY", "GLD"]


@pytest.mark.parametrize(("funding", "bought"), [("cash", 3900), ("settled", 0)])
async def test_todays_proceeds_buy_only_where_they_need_not_settle(funding: str, bought: int) -> None:
    stage = Stage(settings=HELD, funding=funding)
    result = await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "3900")))
    assert result.lines[1].filled_usd == pytest.approx(Decimal(bought), abs=1)


OPENS = {"opens_at": "2021-03-31T15:10:20Z"}


async def test_a_plan_out_of_hours_waits_for_the_session_and_is_sized_then() -> None:
    stage = Stage(settings=OPENS, market_closed="wait")
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    recorded = [event for event in await stage.events() if isinstance(event, OrderRecorded)]
    assert f"{recorded[0].order.quoted_at:%H:%M:%S}" == "15:10:20"
    alerts = [event for event in await stage.events() if isinstance(event, Alerted)]
    assert [alert.detail for alert in alerts] == [
        "the plan waits: the market is closed; it opens at 2021-03-31 15:10 UTC"
    ]


async def test_a_plan_that_grows_too_old_while_it_waits_is_refused() -> None:
    stage = Stage(settings=OPENS, market_closed="wait", max_plan_age_s=300)
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert (result.status, result.lines[0].reason) == (ExecutionStatus.REFUSED, Reason.PLAN_TOO_OLD)
    assert "order_recorded" not in await stage.kinds()


async def test_a_plan_that_waits_can_be_stopped() -> None:
    stage, stop = Stage(settings=OPENS, market_closed="wait"), StopSignal()

    class Stopping:
        async def get_session(self) -> Any:
            stop.request(Reason.CANCELED_BY_USER, "enough")
            return await stage.broker.get_session()

    stage.replace(hours=Stopping())
    result = await stage.execute(a_plan(buy("SPY", "1000")), stop)
    assert (result.status, result.lines[0].reason) == (ExecutionStatus.REFUSED, Reason.CANCELED_BY_USER)
    assert stage.clock.monotonic() < 60


async def test_hours_that_nobody_tells_are_asked_for_again() -> None:
    stage = Stage(On("get_session", Fail(BrokerUnavailable("no route")), times=3), market_closed="wait")
    assert (await stage.execute(a_plan(buy("SPY", "1000")))).status is ExecutionStatus.SUCCEEDED
    assert stage.clock.monotonic() == pytest.approx(180)


async def test_a_process_that_ends_while_its_plan_waits_is_followed_by_another() -> None:
    stage = Stage(settings=OPENS, market_closed="wait", max_resume_age_s=60)
    await stage.crash_after("alerted", a_plan(buy("SPY", "1000")))
    stage.clock.advance(3600)
    assert (await stage.execute(a_plan(buy("SPY", "1000")))).status is ExecutionStatus.SUCCEEDED
    assert (await stage.kinds()).count("order_recorded") == 1


async def test_scenario_15_what_a_close_leaves_over_does_not_wait_for_another_day() -> None:
    closes = {"fill_delay_s": 100, "closes_at": "2021-03-31T15:06:00Z"}
    stage = Stage(settings={**HELD, **closes}, market_closed="wait")
    result = await stage.execute(PLAN)
    assert outcomes(result)[:2] == [LineOutcome.FILLED] * 2
    assert {line.reason for line in result.lines[2:]} == {Reason.CLOSING_SOON}
