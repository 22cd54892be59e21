"""The stages of a live account: what each lets through, how it is earned, and what throws an account back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from stage import Stage as Market
from stage import a_plan, buy, only, sell

from planfill.adapters.brokers.mock import On
from planfill.adapters.brokers.mock.faults import FillLate, IgnoreCancel, Refuse
from planfill.application.heeding import account_stream
from planfill.application.ports.listener import EventListener
from planfill.application.promoting import Promotion, Rollout, RolloutReport
from planfill.application.reconciling import Reconcile
from planfill.application.stopping import StopSignal
from planfill.bootstrap.live_account import LIVE_ACCOUNT, live
from planfill.domain.errors import AccountBusy
from planfill.domain.events import Alerted, Event, OrderRecorded, Recorded, Severity, StageChanged
from planfill.domain.halting import Halt
from planfill.domain.outcome import LineOutcome, Reason, Residual
from planfill.domain.policy import Policy, RolloutPolicy
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.stages import Stage
from planfill.domain.values import Quantity

EARNED_SOON = {"clean_executions": 2, "clean_days": 1, "ramp_executions": 2}
HELD = {"holdings": {"SPY": "10", "QQQ": "10", "TLT": "10"}}


def a_market(*faults: On, paper: bool = False, rollout: Any = None, **figures: Any) -> Market:
    """Give an exchange whose account is live, unless it is paper."""
    market = Market(*faults, settings=HELD, **figures)
    allowed = {"allow_live": True, **EARNED_SOON, **(rollout or {})}
    market.policy = Policy(
        execution=market.policy.execution,
        limits=market.policy.limits,
        rollout=RolloutPolicy.model_validate(allowed),
    )
    if not paper:
        market.brokerage = live(market.brokerage)
    return market


def rollout(market: Market) -> Rollout:
    return Rollout(market.use_case, "ann")


async def at(market: Market, stage: Stage, step: int = 0) -> Market:
    """Put the account where a test wants it."""
    event = StageChanged(stage=stage, step=step, by="a test", reason="a test")
    await market.ledger.append(account_stream(LIVE_ACCOUNT), [event], at=market.clock.now())
    return market


async def changes(market: Market) -> list[Event]:
    return [one.event for one in await market.ledger.read(account_stream(LIVE_ACCOUNT))]


async def run(market: Market, plan_id: str, *lines: Any, reconciled: bool = True) -> ExecutionResult:
    """Execute a plan and reconcile it, as the façade does."""
    result = await market.execute(a_plan(*(lines or (buy("SPY", "15"),)), plan_id=plan_id))
    if reconciled:
        await Reconcile(market.use_case).after(result, StopSignal())
    await market.clock.sleep(60)
    return result


async def sent(market: Market, plan_id: str = "plan-1") -> dict[str, Quantity | None]:
    orders = [event.order for event in await market.events(plan_id) if isinstance(event, OrderRecorded)]
    return {order.symbol: order.quantity for order in orders}


@pytest.mark.parametrize(
    ("allowed", "promoted", "said"),
    [
        (
            False,
            False,
            (
                "rollout.allow_live is false: set it to true in the settings; it has not been promoted: "
                "planfill rollout status, then planfill rollout promote"
            ),
        ),
        (False, True, "rollout.allow_live is false: set it to true in the settings"),
        (True, False, "it has not been promoted: planfill rollout status, then planfill rollout promote"),
    ],
)
async def test_a_live_account_sends_nothing_unless_switch_and_stage_agree(
    said: str, *, allowed: bool, promoted: bool
) -> None:
    market = a_market(rollout={"allow_live": allowed})
    if promoted:
        await at(market, Stage.CANARY)
    result = await market.execute(a_plan(buy("SPY", "15")))
    assert result.status is ExecutionStatus.REFUSED
    where = f"account {LIVE_ACCOUNT} is live, where real money is at stake"
    assert result.detail == f"{where}; {said}"
    assert result.lines[0].reason is Reason.ROLLOUT
    assert await sent(market) == {}


async def test_what_was_refused_is_executed_once_the_account_is_promoted() -> None:
    market = a_market()
    await market.execute(a_plan(buy("SPY", "15")))
    await at(market, Stage.CANARY)
    assert (await market.execute(a_plan(buy("SPY", "15")))).status is ExecutionStatus.SUCCEEDED


async def test_an_account_that_is_not_live_is_executed_whole() -> None:
    market = a_market(paper=True, rollout={"allow_live": False})
    result = await market.execute(a_plan(buy("TLT", "1400")))
    assert (result.status, result.residual_usd < 1) == (ExecutionStatus.SUCCEEDED, True)


async def test_a_canary_trades_its_symbols_at_its_size() -> None:
    market = await at(a_market(), Stage.CANARY)
    plan = a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "300"), buy("TLT", "50"))
    result = await market.execute(plan)
    assert result.status is ExecutionStatus.PARTIAL
    assert [line.reason for line in result.lines] == [Reason.ROLLOUT] * 3
    assert [line.outcome for line in result.lines] == [
        LineOutcome.FILLED,
        LineOutcome.FILLED,
        LineOutcome.BLOCKED,
    ]
    assert [line.residuals[Residual.ROLLOUT] for line in result.lines] == [3980, 280, 50]
    assert [line.planned_usd for line in result.lines] == [4000, 300, 50]
    assert set(await sent(market)) == {"SPY", "QQQ"}
    assert all(line.filled_usd <= 20 for line in result.lines)


async def test_a_canary_sends_so_many_orders_a_day_whatever_the_plan() -> None:
    market = await at(a_market(rollout={"canary_orders_a_day": 3}), Stage.CANARY)
    await run(market, "first", buy("SPY", "15"), buy("QQQ", "15"))
    result = await run(market, "second", buy("SPY", "14"), buy("QQQ", "14"))
    assert [line.outcome for line in result.lines] == [LineOutcome.FILLED, LineOutcome.BLOCKED]
    assert "no more of them today" in result.lines[1].detail
    await market.clock.sleep(86400)
    plan = a_plan(buy("QQQ", "15"), plan_id="third") | {"timestamp": market.clock.now().isoformat()}
    assert (await market.execute(plan)).status is ExecutionStatus.SUCCEEDED


async def test_a_week_later_old_orders_are_not_even_read() -> None:
    market = await at(a_market(rollout={"canary_orders_a_day": 1}), Stage.CANARY)
    await run(market, "first")
    await market.clock.sleep(timedelta(days=8).total_seconds())
    plan = a_plan(buy("QQQ", "15"), plan_id="second") | {"timestamp": market.clock.now().isoformat()}
    assert (await market.execute(plan)).status is ExecutionStatus.SUCCEEDED


async def test_a_full_exit_that_is_little_more_than_the_canary_may_trade_is_cut() -> None:
    market = await at(a_market(rollout={"canary_max_usd": "3990"}), Stage.CANARY)
    result = await market.execute(a_plan(sell("SPY", "4000", target_weight="0")))
    assert only(result).filled_usd <= 3990


async def test_shares_whose_price_has_risen_are_cut_to_the_dollars_of_the_canary() -> None:
    market = await at(a_market(), Stage.CANARY)
    result = await market.execute(a_plan(buy("SPY", "390", quantity="1", reference_price="390")))
    assert only(result).outcome is LineOutcome.FILLED
    assert Decimal("19.98") < only(result).filled_usd <= 20


@pytest.mark.parametrize(
    "line", [sell("SPY", "3600", target_weight="0"), buy("SPY", "3600", quantity="9", reference_price="400")]
)
async def test_at_the_canary_dollars_alone_say_how_much_a_line_is(line: Any) -> None:
    """Neither all that is held, nor the plan's own shares, where these are worth more now."""
    market = await at(a_market(rollout={"canary_max_usd": "3600"}, exit_tolerance=1), Stage.CANARY)
    result = await market.execute(a_plan(line))
    assert only(result).outcome is LineOutcome.FILLED
    assert 3590 < only(result).filled_usd <= 3601


async def test_the_ramp_takes_its_share_of_each_line_sells_and_buys_alike() -> None:
    market = await at(a_market(), Stage.LIVE)
    plan = a_plan(
        sell("SPY", "4000", target_weight="0"),
        buy("QQQ", "3000", quantity="10", reference_price="300"),
        buy("IWM", "10"),
        {"symbol": "GLD", "action": "BUY", "trade_amount": "0.50"},
    )
    result = await market.execute(plan)
    assert await sent(market) == {"SPY": Quantity(Decimal("0.500050005")), "QQQ": Quantity(Decimal("0.5"))}
    assert [line.residuals.get(Residual.ROLLOUT) for line in result.lines] == [
        3800,
        2850,
        10,
        Decimal("0.48"),
    ]
    small = result.lines[2]
    assert (small.outcome, small.reason) == (LineOutcome.BLOCKED, Reason.ROLLOUT)
    assert small.detail == "stage live: 5 % of each line: $0.50 is too little for an order"


async def test_sells_that_were_cut_have_not_failed() -> None:
    market = await at(a_market(), Stage.LIVE)
    result = await market.execute(a_plan(sell("SPY", "4000"), buy("QQQ", "3900")))
    assert Residual.FUNDING not in result.lines[1].residuals
    assert result.lines[1].filled_usd > 194


async def test_the_last_step_executes_plans_whole() -> None:
    market = await at(a_market(), Stage.LIVE, 2)
    result = await market.execute(a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "300")))
    assert result.status is ExecutionStatus.SUCCEEDED


async def test_a_step_that_the_settings_name_no_more_is_their_last() -> None:
    market = await at(a_market(rollout={"ramp": [10]}), Stage.LIVE, 2)
    assert only(await market.execute(a_plan(buy("SPY", "1000")))).residuals[Residual.ROLLOUT] == 900


async def test_the_preview_shows_what_the_stage_lets_through() -> None:
    market = a_market()
    assert "has not been promoted" in (await market.preview(a_plan(buy("SPY", "15")))).result.detail
    await at(market, Stage.CANARY)
    seen = await market.preview(a_plan(buy("SPY", "400"), buy("TLT", "50")))
    assert set(seen.orders) == {"SPY"}
    assert seen.result.lines[0].residuals[Residual.ROLLOUT] == 380


async def test_whoever_resumes_keeps_the_terms_of_the_start() -> None:
    market = await at(a_market(), Stage.LIVE)
    await market.crash_after("execution_started", a_plan(buy("SPY", "4000")))
    await at(market, Stage.LIVE, 2)
    assert only(await market.execute(a_plan(buy("SPY", "4000")))).residuals[Residual.ROLLOUT] == 3800


async def test_what_was_taken_up_at_no_stage_is_not_resumed_whole() -> None:
    """Begun under a halt by an account that was not promoted, broken off, and resumed once it was."""
    market, plan = a_market(), a_plan(buy("SPY", "4000"))
    assert market.switch is not None
    market.switch.set(Halt(by="ann", at=market.clock.now(), reason="a drill"))
    await market.crash_after("execution_started", plan)
    market.switch.clear(None)
    await at(market, Stage.LIVE)
    result = await market.execute(plan)
    assert "taken up at no stage" in result.detail
    assert await sent(market) == {}
    assert (await market.execute(plan)).status is ExecutionStatus.PARTIAL  # as a new attempt, with the cut


async def test_whoever_resumes_sends_nothing_where_nothing_may_be_sent_any_more() -> None:
    market = await at(a_market(), Stage.LIVE)
    await market.crash_after("execution_started", a_plan(buy("SPY", "4000")))
    await at(market, Stage.PAPER)
    result = await market.execute(a_plan(buy("SPY", "4000")))
    assert (result.status, only(result).reason) == (ExecutionStatus.REFUSED, Reason.ROLLOUT)
    assert await sent(market) == {}


async def test_the_limits_of_the_account_hold_at_the_canary_too() -> None:
    market = await at(a_market(allow_symbols=["SPY"], max_order_usd=10), Stage.CANARY)
    result = await market.execute(a_plan(buy("QQQ", "9"), buy("SPY", "15")))
    assert result.detail == (
        "QQQ: not on the list, allow_symbols allows SPY; SPY: $15.00, max_order_usd allows $10.00"
    )


async def test_limits_that_the_canary_cannot_meet_block_it_whole() -> None:
    market = await at(a_market(allow_symbols=["TLT"]), Stage.CANARY)
    result = await market.execute(a_plan(buy("TLT", "9"), buy("SPY", "15")))
    assert {line.outcome for line in result.lines} == {LineOutcome.BLOCKED}


async def test_the_next_step_of_the_ramp_is_taken_by_itself_after_clean_executions() -> None:
    told = list[Recorded]()
    market = await at(a_market(), Stage.LIVE)
    market.listeners = (Listener(told.append),)
    await run(market, "one", buy("SPY", "400"))
    assert len(await changes(market)) == 1
    await run(market, "two", buy("SPY", "401"))
    (_, event) = await changes(market)
    assert isinstance(event, StageChanged)
    assert (event.stage, event.step, event.by) == (Stage.LIVE, 1, None)
    assert event.reason == "2 clean executions at stage live, step 1 of the ramp"
    assert event in [one.event for one in told]
    assert only(await run(market, "three", buy("SPY", "402"))).residuals[Residual.ROLLOUT] == Decimal(
        "301.50"
    )
    assert len(await changes(market)) == 2
    assert len(await changes(await at(market, Stage.LIVE, 2))) == 3
    for number in range(3):
        await run(market, f"last {number}", buy("SPY", f"40{number}"))
    assert len(await changes(market)) == 3


async def test_what_was_not_reconciled_is_not_clean() -> None:
    market = await at(a_market(), Stage.LIVE)
    for number in range(3):
        await run(market, f"plan {number}", buy("SPY", f"40{number}"), reconciled=False)
    assert len(await changes(market)) == 1


@pytest.mark.parametrize(
    ("faults", "figures", "said"),
    [
        (
            (
                On("place_order", FillLate(seconds=9000)),
                On("cancel_order", IgnoreCancel()),
            ),
            {},
            "2 unresolved orders",
        ),
        (
            (On("place_order", Refuse(), times=1),),
            {"breaker_rejections": 1, "breaker_min_sample": 9, "concurrency": 1},
            "stopped: BREAKER: ",
        ),
    ],
)
async def test_a_fault_throws_the_account_back(
    faults: tuple[On, ...], figures: dict[str, Any], said: str
) -> None:
    market = await at(a_market(*faults, **figures), Stage.CANARY)
    result = await market.execute(a_plan(*(buy(symbol, "15") for symbol in ("SPY", "QQQ", "GLD"))))
    await Reconcile(market.use_case).after(result, StopSignal())
    _, event, alert = await changes(market)
    assert isinstance(event, StageChanged)
    assert event.stage is Stage.PAPER
    assert isinstance(alert, Alerted)
    assert said in alert.detail


@pytest.mark.parametrize(
    ("stage", "step", "after"),
    [
        (Stage.LIVE, 2, (Stage.LIVE, 1)),
        (Stage.LIVE, 0, (Stage.CANARY, 0)),
        (Stage.CANARY, 0, (Stage.PAPER, 0)),
    ],
)
async def test_orders_that_fail_throw_the_account_back_once(
    stage: Stage, step: int, after: tuple[Stage, int]
) -> None:
    market = await at(a_market(On("place_order", Refuse()), breaker_min_sample=1), stage, step)
    await run(market, "bad", buy("SPY", "400"))
    _, event, alert = await changes(market)
    assert isinstance(event, StageChanged)
    assert (event.stage, event.step, event.by) == (*after, None)
    assert isinstance(alert, Alerted)
    assert (alert.severity, alert.reason) == (Severity.CRITICAL, Reason.ROLLOUT)
    assert "success rate: 0.00 % (0 of 1), asked is over 95 %" in alert.detail
    await rollout(market).execute.staging.review(LIVE_ACCOUNT)
    assert len(await changes(market)) == 3


async def test_a_demotion_that_was_missed_is_made_up_for_before_the_next_plan() -> None:
    market = await at(a_market(On("place_order", Refuse(), times=1), breaker_min_sample=1), Stage.LIVE, 1)
    await run(market, "bad", buy("SPY", "400"), reconciled=False)
    result = await run(market, "next", buy("SPY", "1000"))
    assert only(result).residuals[Residual.ROLLOUT] == 950


async def status(market: Market) -> RolloutReport:
    return await rollout(market).status()


async def promote(market: Market, override: str | None = None) -> Promotion:
    return await rollout(market).promote(override)


async def test_a_canary_is_earned_on_paper_and_the_ramp_by_the_canary() -> None:
    market = a_market(paper=True)
    await run(market, "paper 1")
    brokerage = market.brokerage
    market.brokerage = live(brokerage)
    refused = await promote(market)
    assert refused.exit_code == 1
    assert refused.refused == "not earned yet: clean executions: 1, asked is at least 2"
    market.brokerage = brokerage
    await run(market, "paper 2")
    seen = await status(market)
    assert (seen.stage, seen.is_live, seen.terms, seen.failing) == (Stage.PAPER, False, None, ())
    market.brokerage = live(brokerage)
    promoted = await promote(market)
    assert (promoted.refused, promoted.overridden, promoted.report.stage) == ("", False, Stage.CANARY)
    assert promoted.report.failing[0].evidence == ()  # paper does not count for what comes after the canary
    await run(market, "canary 1")
    await run(market, "canary 2", buy("QQQ", "15"))
    seen = await status(market)
    assert seen.conditions[0].evidence == ("canary 1", "canary 2")
    promoted = await promote(market)
    assert (promoted.report.stage, promoted.report.step) == (Stage.LIVE, 1)
    assert str(promoted.report.terms) == "stage live: 5 % of each line"


async def test_an_override_is_recorded_with_who_why_and_what_failed() -> None:
    market = a_market()
    promotion = await promote(market, "the desk wants it")
    assert promotion.overridden
    (event,) = await changes(market)
    assert isinstance(event, StageChanged)
    assert (event.by, event.reason, event.overridden) == ("ann", "the desk wants it", True)
    assert "clean executions: 0, asked is at least 2" in event.evidence


async def test_there_is_nothing_to_promote_on_paper_nor_at_the_end() -> None:
    assert "it is not live" in (await promote(a_market(paper=True), "why")).refused
    market = await at(a_market(), Stage.LIVE, 2)
    assert (await promote(market, "why")).refused.endswith("is at the last step already")
    seen = await status(market)
    assert (seen.following, seen.conditions, seen.step) == (None, (), 3)


async def test_nobody_is_promoted_while_somebody_executes() -> None:
    market = a_market()
    async with await market.ledger.claim(LIVE_ACCOUNT, holder="another", at=market.clock.now()):
        with pytest.raises(AccountBusy, match="another"):
            await promote(market, "why")
    assert await changes(market) == []


class Listener(EventListener):
    """Hands on what it is told."""

    name = "seen"

    def __init__(self, take: Callable[[Recorded], None]) -> None:
        self._take = take

    async def on_event(self, recorded: Recorded) -> None:
        self._take(recorded)
