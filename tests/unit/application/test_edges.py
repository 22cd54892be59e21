"""What seldom happens, and must be right when it does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from stage import Stage, a_plan, buy, only, sell

from planfill.adapters.brokers.mock.faults import AgeQuotes, Fail, Hang, LoseAnswer, NeverFill
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.ports.market import BrokerAccount
from planfill.application.queries import Executions
from planfill.domain.errors import BrokerUnavailable, LedgerCorrupt
from planfill.domain.events import Event
from planfill.domain.market import Account, NoQuote, Quote
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionStatus
from planfill.domain.state import ExecutionState
from planfill.domain.values import Quantity
from planfill.testing.builders import an_order

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def test_shares_are_funded_at_what_they_cost_now_and_not_at_the_plans_dollars() -> None:
    stage = Stage(settings={"cash": "2001"})
    plan = a_plan(buy("SPY", "1960", quantity="5", reference_price="392"))
    result = await stage.execute(plan)
    assert only(result).reason is Reason.FUNDS_CUT
    assert only(result).filled_usd <= Decimal(2001)
    assert (await stage.broker.get_account()).cash_usd >= 0


async def test_shares_that_the_money_covers_are_bought_to_the_share() -> None:
    stage = Stage()
    result = await stage.execute(a_plan(buy("SPY", "1960", quantity="5", reference_price="392")))
    assert only(result).filled_quantity == 5
    assert result.status is ExecutionStatus.SUCCEEDED


async def test_a_few_cents_worth_of_shares_are_dust() -> None:
    result = await Stage().execute(a_plan(buy("SPY", "0.40", quantity="0.001")))
    assert only(result).reason is Reason.BELOW_MINIMUM
    assert result.status is ExecutionStatus.NOTHING_TO_DO


async def test_shares_at_no_dollars_at_all_contradict_themselves() -> None:
    result = await Stage().execute(a_plan(buy("SPY", "0", quantity="1")))
    assert only(result).reason is Reason.QUANTITY_MISMATCH


@pytest.mark.parametrize("answer", [None, NoQuote(symbol="SPY")])
async def test_shares_that_nobody_quotes_are_funded_at_the_plans_dollars(answer: NoQuote | None) -> None:
    stage = Stage()

    class Quoteless:
        async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
            return {} if answer is None else dict.fromkeys(symbols, answer)

    stage.replace(market_data=Quoteless())
    result = await stage.execute(a_plan(buy("SPY", "1960", quantity="5")))
    assert only(result).reason is Reason.NO_PRICE


async def test_an_order_of_another_planfill_blocks_the_account_and_is_named() -> None:
    stage = Stage(On("place_order", NeverFill(), symbol="GLD"))
    await stage.crash_after("order_reported", a_plan(buy("GLD", "1000"), plan_id="elsewhere"))
    order = str(next(iter((await stage.state("elsewhere")).orders)))
    stage.ledger = MemoryLedger()
    refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert refused.status is ExecutionStatus.REFUSED
    assert refused.lines[0].reason is Reason.FOREIGN_ORDER
    assert order in refused.detail
    stage.broker.desk.let_fill("GLD")
    assert (await stage.execute(a_plan(buy("SPY", "1000")))).success


async def test_a_broker_that_cannot_list_its_orders_refuses() -> None:
    stage = Stage(On("list_orders", Fail(BrokerUnavailable("no answer"))))
    refused = await stage.execute(a_plan(buy("SPY", "1000")))
    assert refused.lines[0].reason is Reason.BROKER_UNAVAILABLE


async def test_a_broker_that_is_away_until_the_deadline_blocks_the_line() -> None:
    stage = Stage(On("place_order", Fail(BrokerUnavailable("no route"))), order_deadline_s=5)
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason, line.detail) == (
        LineOutcome.BLOCKED,
        Reason.BROKER_UNAVAILABLE,
        "no route; its time was over before it was sent",
    )


async def test_a_broker_that_takes_all_the_time_to_say_no_blocks_the_line() -> None:
    stage = Stage(
        On("place_order", Hang(6)),
        On("place_order", Fail(BrokerUnavailable("no route"))),
        order_deadline_s=5,
    )
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.reason, line.detail) == (Reason.BROKER_UNAVAILABLE, "no route")


async def test_what_an_adapter_did_not_foresee_is_no_answer() -> None:
    stage = Stage(
        On("list_orders", Fail(ValueError("surprise")), nth=2, times=3),  # type: ignore[arg-type]
        settings={"fill_delay_s": 3},
    )
    assert (await stage.execute(a_plan(buy("SPY", "1000")))).success


async def test_scenario_1_an_answer_that_nobody_can_read_is_looked_for_and_reported_once() -> None:
    stage = Stage(On("place_order", LoseAnswer(KeyError("id"))))  # type: ignore[arg-type]
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.success
    assert len(await stage.broker.list_orders(LONG_AGO)) == 1


@pytest.mark.parametrize(
    ("price", "reason"),
    [(0, Reason.BAD_PRICE), ("-3", Reason.BAD_PRICE), ("n/a", Reason.BAD_PRICE), (None, Reason.NOT_TRADABLE)],
)
async def test_scenario_7_a_price_that_is_none_never_becomes_an_order(price: object, reason: Reason) -> None:
    prices = {"SPY": "400"} | ({} if price is None else {"XYZ": price})
    stage = Stage(settings={"prices": prices})
    result = await stage.execute(a_plan(buy("SPY", "1000"), buy("XYZ", "1000")))
    assert [line.reason for line in result.lines] == [None, reason]
    assert result.lines[1].client_order_id is None


async def test_scenario_7_a_quote_of_an_hour_ago_never_becomes_an_order() -> None:
    stage = Stage(On("get_current_prices", AgeQuotes(seconds=3600)))
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.reason, line.client_order_id) == (Reason.STALE_PRICE, None)


async def test_scenario_16_shares_that_a_foreign_order_holds_are_not_sold() -> None:
    stage = Stage(settings={"cash": "0", "holdings": {"SPY": "10"}})
    stage.broker.desk.hold_fills()
    foreign = an_order("SPY", Side.SELL, 8, client_order_id="web-1")
    await stage.broker.place_order(foreign.seen_at(stage.clock.now()))
    stage.script.add(On("place_order", NeverFill()))
    line = only(await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"))))
    assert line.planned_quantity == 2
    assert line.reason in {Reason.HELD_LESS_THAN_PLANNED, Reason.DEADLINE}
    status = await stage.broker.get_order_status(foreign.client_order_id)
    assert not status.is_terminal


async def test_scenario_16_an_order_against_a_foreign_one_is_not_sent_and_the_foreign_one_untouched() -> None:
    stage = Stage(settings={"holdings": {"SPY": "10"}})
    stage.broker.desk.hold_fills()
    foreign = an_order("SPY", Side.SELL, 8, limit_price=500, client_order_id="web-1")
    foreign_report = await stage.broker.place_order(foreign.seen_at(stage.clock.now()))
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.WASH_TRADE)
    assert str(foreign_report.broker_order_id) in line.detail
    assert "order_recorded" not in await stage.kinds()
    assert not (await stage.broker.get_order_status(foreign.client_order_id)).is_terminal


async def test_shares_that_were_sold_meanwhile_are_not_sold_again_after_a_crash() -> None:
    stage = Stage(settings={"cash": "0", "holdings": {"SPY": "10"}})
    plan = a_plan(sell("SPY", "4000", target_weight="0"))
    await stage.crash_after("order_recorded", plan)
    other = Stage(settings={"cash": "0", "holdings": {"SPY": "4"}})
    other.store, other.ledger = stage.store, stage.ledger
    result = await other.execute(plan)
    assert (only(result).outcome, only(result).reason) == (
        LineOutcome.BLOCKED,
        Reason.HELD_LESS_THAN_PLANNED,
    )


async def test_shares_that_are_still_held_are_sold_after_a_crash() -> None:
    stage = Stage(settings={"cash": "0", "holdings": {"SPY": "10"}})
    plan = a_plan(sell("SPY", "4000", target_weight="0"))
    await stage.crash_after("order_recorded", plan)
    assert (await stage.execute(plan)).success


async def test_money_that_was_spent_meanwhile_is_not_spent_again_after_a_crash() -> None:
    stage = Stage(settings={"cash": "1100"})
    plan = a_plan(buy("SPY", "500"), buy("QQQ", "500"))
    await stage.crash_after("order_recorded", plan)
    poorer = Stage(settings={"cash": "600"})
    poorer.store, poorer.ledger = stage.store, stage.ledger
    result = await poorer.execute(plan)
    assert [line.reason for line in result.lines] == [None, Reason.NO_FUNDS]
    assert result.lines[1].outcome is LineOutcome.BLOCKED


async def test_a_symbol_that_is_not_traded_any_more_is_not_sent_after_a_crash() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "500")))
    other = Stage(settings={"not_tradable": ["SPY"]})
    other.store, other.ledger = stage.store, stage.ledger
    result = await other.execute(a_plan(buy("SPY", "500")))
    assert only(result).reason is Reason.NOT_TRADABLE


async def test_a_stream_that_does_not_begin_with_its_plan_cannot_be_resumed() -> None:
    stage = Stage()
    await stage.execute(a_plan(buy("SPY", "500")))
    (stream,) = (s for s in stage.store.streams.values() if s.key is not None)
    del stream.rows[:]
    with pytest.raises(LedgerCorrupt, match="begin with its plan"):
        await Executions(stage.ledger, stage.clock).plan("plan-1")


async def test_an_error_of_the_ledger_that_nobody_foresaw_keeps_the_journal_closed() -> None:
    stage = Stage()

    class Odd(MemoryLedger):
        async def append(self, stream: str, events: Sequence[Event], **rest: Any) -> Any:
            if any(event.kind == "order_reported" for event in events):
                raise RuntimeError(stream)
            return await super().append(stream, events, **rest)

    stage.ledger = Odd(stage.store)
    result = await stage.execute(a_plan(buy("SPY", "500"), buy("QQQ", "500")))
    assert result.status is ExecutionStatus.IN_DOUBT
    assert "RuntimeError" in result.detail
    stage.ledger = MemoryLedger(stage.store)
    assert (await stage.execute(a_plan(buy("SPY", "500"), buy("QQQ", "500")))).success


def test_an_execution_that_has_not_started_names_no_orders() -> None:
    assert ExecutionState().client_order_ids(attempt=1) == {}


async def test_a_short_position_is_nothing_that_can_be_sold() -> None:
    stage = Stage(settings={"cash": "1000", "holdings": {"SPY": "10"}})
    stage.replace(account=Short(stage))
    result = await stage.execute(a_plan(sell("SPY", "4000", target_weight="0")))
    assert only(result).reason is Reason.NOT_HELD


class Short(BrokerAccount):
    """An account that is short of everything."""

    def __init__(self, stage: Stage) -> None:
        self._broker = stage.broker

    async def get_account(self) -> Account:
        return await self._broker.get_account()

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        return dict.fromkeys(symbols, Quantity(Decimal(-5)))

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        return dict.fromkeys(symbols, Quantity(Decimal(-5)))
