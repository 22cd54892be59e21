"""Attempts that end before the first order, and plans that may not be executed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from stage import Stage, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock.faults import Fail
from planfill.adapters.brokers.mock.script import On
from planfill.application.ports.market import BrokerAccount
from planfill.application.stopping import StopSignal
from planfill.domain.errors import BrokerUnavailable, OutcomeUnknown, PlanConflict
from planfill.domain.market import Account
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionStatus


async def test_a_closed_market_refuses_and_the_plan_stays_executable() -> None:
    stage = Stage(settings={"opens_at": "2021-03-31T16:00:00Z"})
    refused = await stage.execute(a_plan(buy("SPY", "1000"), hold("QQQ")))
    assert (refused.status, refused.exit_code) == (ExecutionStatus.REFUSED, 3)
    assert "16:00" in refused.detail
    assert [line.outcome for line in refused.lines] == [LineOutcome.BLOCKED, LineOutcome.HOLD]
    assert refused.lines[0].reason is Reason.MARKET_CLOSED
    assert (await stage.kinds())[-1] == "execution_refused"
    stage.clock.advance(3600)
    later = await stage.execute(a_plan(buy("SPY", "1000"), hold("QQQ")))
    assert later.status is ExecutionStatus.SUCCEEDED


async def test_scenario_15_a_clock_call_that_fails_closes_the_market() -> None:
    stage = Stage(On("get_session", Fail(BrokerUnavailable("no answer"))))
    refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert refused.status is ExecutionStatus.REFUSED
    assert refused.lines[0].reason is Reason.MARKET_CLOSED


@pytest.mark.parametrize("method", ["get_account", "get_session", "list_orders"])
async def test_what_an_adapter_did_not_foresee_before_the_first_order_refuses(method: str) -> None:
    stage = Stage(On(method, Fail(ValueError("surprise"))))  # type: ignore[arg-type]
    refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert refused.status is ExecutionStatus.REFUSED
    assert "ValueError in the adapter" in refused.detail


async def test_nothing_is_begun_shortly_before_the_close() -> None:
    stage = Stage(settings={"closes_at": "2021-03-31T15:04:00Z"})
    refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert refused.lines[0].reason is Reason.CLOSING_SOON


async def test_a_market_that_closes_after_the_first_look_refuses_before_the_first_order() -> None:
    stage = Stage(On("get_session", Fail(BrokerUnavailable("no answer")), nth=2))
    blocked = await stage.execute(a_plan(buy("SPY", "1000")))
    assert blocked.lines[0].reason is Reason.BROKER_UNAVAILABLE
    assert blocked.status is ExecutionStatus.FAILED


async def test_a_market_that_closes_between_look_and_wave_refuses() -> None:
    stage = Stage(settings={"closes_at": "2021-03-31T15:06:00Z"})

    class SlowHours:
        async def get_session(self) -> object:
            stage.clock.advance(90)
            return await stage.broker.get_session()

    stage.replace(hours=SlowHours())
    refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert refused.status is ExecutionStatus.REFUSED
    assert refused.lines[0].reason is Reason.CLOSING_SOON
    assert (await stage.kinds())[-1] == "execution_refused"


async def test_scenario_15_the_market_closes_between_sells_and_buys() -> None:
    stage = Stage(
        settings={
            "cash": "0",
            "holdings": {"SPY": "10"},
            "fill_delay_s": 100,
            "closes_at": "2021-03-31T15:06:00Z",
        }
    )
    result = await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "3900")))
    assert result.status is ExecutionStatus.PARTIAL
    assert result.lines[0].outcome is LineOutcome.FILLED
    assert result.lines[1].reason is Reason.CLOSING_SOON


async def test_a_broker_that_does_not_answer_refuses() -> None:
    stage = Stage(On("get_account", Fail(BrokerUnavailable("no route"))))
    refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert (refused.status, refused.account) == (ExecutionStatus.REFUSED, None)
    assert refused.lines[0].reason is Reason.BROKER_UNAVAILABLE


class OtherAccount(BrokerAccount):
    """An account that differs from the exchange's in some fields."""

    def __init__(self, stage: Stage, **fields: object) -> None:
        self._stage = stage
        self._fields = fields

    async def get_account(self) -> Account:
        account = await self._stage.broker.get_account()
        return Account.model_validate({**dict(account), **self._fields})

    async def get_sellable(self, symbols: object) -> dict[str, object]:  # type: ignore[override]
        return {}

    async def get_positions(self, symbols: object) -> dict[str, object]:  # type: ignore[override]
        return {}


@pytest.mark.parametrize("fields", [{"blocked": "trading_blocked"}, {"currency": "EUR"}])
async def test_an_account_that_may_not_trade_dollars_refuses(fields: dict[str, object]) -> None:
    stage = Stage()
    stage.replace(account=OtherAccount(stage, **fields))
    refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert refused.lines[0].reason is Reason.ACCOUNT_BLOCKED


async def test_a_plan_that_is_too_old_refuses() -> None:
    stage = Stage(max_plan_age_s=86400)
    stage.clock.advance(2 * 86400)
    refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert refused.lines[0].reason is Reason.PLAN_TOO_OLD


async def test_the_same_plan_id_with_other_trades_is_a_conflict() -> None:
    stage = Stage()
    await stage.execute(a_plan(buy("SPY", "1000")))
    with pytest.raises(PlanConflict, match="plan-1"):
        await stage.execute(a_plan(buy("SPY", "1001")))


async def test_an_account_that_somebody_holds_says_who_and_since_when() -> None:
    stage = Stage()
    account = (await stage.broker.get_account()).key
    async with await stage.ledger.claim(account, holder="process 7 on here", at=stage.clock.now()):
        refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert (refused.status, refused.exit_code) == (ExecutionStatus.REFUSED, 3)
    assert "process 7 on here" in refused.detail
    assert "2021-03-31" in refused.detail


async def test_an_account_with_an_unfinished_plan_takes_no_new_one_and_names_it() -> None:
    stage = Stage(On("place_order", Fail(OutcomeUnknown("timed out"))), On("get_order_status", Fail()))
    await stage.execute(a_plan(buy("SPY", "1000")))
    refused = await stage.execute(a_plan(buy("QQQ", "1000"), plan_id="plan-2"))
    assert refused.status is ExecutionStatus.REFUSED
    assert "planfill resume plan-1" in refused.detail


async def test_a_stop_before_the_first_order_refuses() -> None:
    stage, stop = Stage(), StopSignal()
    stop.request(Reason.INTERRUPTED, "Ctrl-C")
    stop.request(Reason.HALTED, "too late to be the reason")
    refused = await stage.execute(a_plan(buy("SPY", "1000")), stop)
    assert refused.status is ExecutionStatus.REFUSED
    assert refused.lines[0].reason is Reason.INTERRUPTED
    assert (await stage.execute(a_plan(buy("SPY", "1000")))).success


async def test_a_resume_that_comes_too_late_sends_nothing_more() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "1000")))
    stage.clock.advance(timedelta(hours=2).total_seconds())
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.HALTED
    assert result.lines[0].outcome is LineOutcome.BLOCKED
