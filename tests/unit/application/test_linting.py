"""The rules of the broker: told before the first order, kept before sending, in a preview too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import pytest
from stage import Stage, a_plan, buy, only, sell

from planfill.adapters.brokers.mock.faults import Fail, LoseAnswer
from planfill.adapters.brokers.mock.script import Call, Fault, On
from planfill.application.ports.market import MarketData
from planfill.domain.errors import BrokerConnectionError, OutcomeUnknown
from planfill.domain.events import Event
from planfill.domain.market import NoQuote, Quote
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome, Reason
from planfill.testing.builders import a_quote, an_order

WHOLE = {"not_fractionable": ["SPY", "GLD"], "not_tradable": ["IWM"]}
PLAN = a_plan(sell("QQQ", "300"), buy("SPY", "100"), buy("IWM", "500"), buy("GLD", "510"))
BROKEN = [("SPY", Reason.ROUNDS_TO_ZERO), ("IWM", Reason.NOT_TRADABLE)]


class Count(Fault):
    """Counts the calls of a method."""

    def __init__(self) -> None:
        self.calls = 0

    async def before(self, _call: Call) -> None:
        self.calls += 1


def counted(stage: Stage, method: str) -> Count:
    count = Count()
    stage.script.add(On(method, count, times=10**6))
    return count


async def _with_a_foreign_sale(**settings: Any) -> Stage:
    stage = Stage(settings={"holdings": {"SPY": "10", "QQQ": "10"}, **settings})
    stage.broker.desk.hold_fills()
    foreign = an_order("SPY", Side.SELL, 8, limit_price=500, client_order_id="web-1")
    await stage.broker.place_order(foreign.seen_at(stage.clock.now()))
    stage.broker.desk.let_fill("QQQ")
    return stage


async def test_every_rule_that_would_be_broken_is_told_before_the_first_order() -> None:
    stage = Stage(settings={"holdings": {"QQQ": "10"}, **WHOLE})
    sent = counted(stage, "place_order")
    result = await stage.execute(PLAN)
    events = await stage.events()
    (told,) = (event for event in events if event.kind == "rules_broken")
    assert [(one.symbol, one.rule) for one in told.broken] == BROKEN
    kinds = [event.kind for event in events]
    assert kinds.index("rules_broken") < kinds.index("order_recorded")
    unsent = [line for line in result.lines if line.outcome is not LineOutcome.FILLED]
    assert [(line.symbol, line.reason) for line in unsent] == BROKEN
    assert sent.calls == 2


async def test_telling_them_costs_no_request() -> None:
    stage = Stage(settings={"holdings": {"QQQ": "10"}})
    methods = ("get_current_prices", "get_instruments", "get_sellable", "list_orders")
    asked = [counted(stage, method) for method in methods]
    await stage.execute(a_plan(sell("QQQ", "300"), buy("SPY", "800"), buy("GLD", "510")))
    assert "rules_broken" not in await stage.kinds()
    # One look for the sells and one for the buys; the orders before the first, and after each of both.
    assert [count.calls for count in asked] == [2, 2, 1, 1]


async def test_a_preview_lists_them_all_even_while_the_market_is_closed() -> None:
    preview = await Stage(settings={"holdings": {"QQQ": "10"}, "market_open": False, **WHOLE}).preview(PLAN)
    assert [(one.symbol, one.rule) for one in preview.broken] == [("", Reason.MARKET_CLOSED), *BROKEN]
    assert all(one.detail and one.remedy for one in preview.broken)


async def test_a_preview_of_a_good_plan_lists_none() -> None:
    stage = Stage(settings={"holdings": {"QQQ": "10"}})
    assert (await stage.preview(a_plan(sell("QQQ", "300")))).broken == ()
    assert (await stage.preview(a_plan())).broken == ()


async def test_a_preview_at_a_broker_that_does_not_answer_leaves_it_to_the_result() -> None:
    stage = Stage(On("get_current_prices", Fail(), times=10))
    assert (await stage.preview(a_plan(buy("SPY", "800")))).broken == ()


async def test_a_preview_finds_a_foreign_opposite_order() -> None:
    stage = await _with_a_foreign_sale()
    preview = await stage.preview(a_plan(buy("SPY", "1000")))
    assert [(one.symbol, one.rule) for one in preview.broken] == [("SPY", Reason.WASH_TRADE)]
    assert preview.result.lines[0].reason is Reason.WASH_TRADE
    assert preview.orders == {}


async def test_an_opposite_order_that_is_gone_when_the_plan_is_taken_up_again_stops_nothing() -> None:
    stage = await _with_a_foreign_sale()
    plan = a_plan(buy("SPY", "1000"))
    await stage.crash_after("execution_started", plan)
    stage.broker.desk.let_fill("SPY")
    stage.broker.desk.hold_fills(on=False)
    await stage.clock.sleep(61)
    assert only(await stage.execute(plan)).outcome is LineOutcome.FILLED


async def test_an_opposite_order_that_came_since_is_found_when_the_plan_is_taken_up_again() -> None:
    stage = Stage(
        On("place_order", LoseAnswer(OutcomeUnknown("reset")), nth=2), settings={"holdings": {"SPY": "10"}}
    )
    plan = a_plan(buy("SPY", "1000"))
    await stage.crash_after("order_recorded", plan)
    stage.broker.desk.hold_fills()
    foreign = an_order("SPY", Side.SELL, 8, limit_price=500, client_order_id="web-1")
    await stage.clock.sleep(61)
    await stage.broker.place_order(foreign.seen_at(stage.clock.now()))
    line = only(await stage.execute(plan))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.WASH_TRADE)


@pytest.mark.parametrize("amount", ["1.00", "1.99"])
async def test_dollars_that_round_to_less_than_the_brokers_minimum_are_not_sent(amount: str) -> None:
    stage = Stage()
    sent = counted(stage, "place_order")
    line = only(await stage.execute(a_plan(buy("QQQ", amount))))
    if amount == "1.00":
        assert (line.outcome, line.reason, sent.calls) == (LineOutcome.BLOCKED, Reason.TOO_SMALL, 0)
        assert line.residual_usd == Decimal("1.00")
    else:
        assert (line.outcome, sent.calls) == (LineOutcome.FILLED, 1)


def alerts(events: list[Event]) -> list[tuple[str, Reason]]:
    return [(event.symbol, event.reason) for event in events if event.kind == "alerted"]


async def test_an_order_that_is_large_for_what_is_shown_is_sent_with_an_alert() -> None:
    stage = Stage(settings={"quote_size": "10"}, max_quote_size_pct="25")
    result = await stage.execute(a_plan(buy("SPY", "800"), buy("QQQ", "1200")))
    assert result.success
    assert alerts(await stage.events()) == [("QQQ", Reason.THIN_QUOTE)]


async def test_an_order_of_too_many_shares_is_refused_and_the_others_are_sent() -> None:
    stage = Stage(max_order_shares="3")
    result = await stage.execute(a_plan(buy("SPY", "800"), buy("QQQ", "1200")))
    assert [(line.outcome, line.reason) for line in result.lines] == [
        (LineOutcome.FILLED, None),
        (LineOutcome.BLOCKED, Reason.LIMIT),
    ]


async def test_a_limit_that_was_lowered_meanwhile_holds_for_an_order_that_was_not_sent() -> None:
    stage = Stage()
    plan = a_plan(buy("SPY", "1200"))
    await stage.crash_after("order_recorded", plan)
    stage.policy = Stage(max_order_shares="2").policy
    line = only(await stage.execute(plan))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.LIMIT)


class Other(MarketData):
    """A second source, which has one price for all, or none."""

    def __init__(self, price: str | None) -> None:
        self.price = price

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        if self.price is None:
            return {}
        return {symbol: a_quote(symbol, self.price, source="other") for symbol in symbols}


@pytest.mark.parametrize(("price", "sent"), [("400", True), ("392.2", True), ("391", False), (None, False)])
async def test_a_price_that_the_second_source_does_not_confirm_is_not_traded_at(
    price: str | None, *, sent: bool
) -> None:
    stage = Stage()
    stage.replace(second_prices=Other(price))
    line = only(await stage.execute(a_plan(buy("SPY", "800"))))
    assert (line.outcome is LineOutcome.FILLED) is sent
    assert line.reason is (None if sent else Reason.SOURCE_DEVIATION)
    assert line.price_source == ("mock" if sent else None)


async def test_a_second_source_that_does_not_answer_confirms_nothing() -> None:
    class Silent(MarketData):
        async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
            msg = f"no answer for {sorted(symbols)}"
            raise BrokerConnectionError(msg)

    stage = Stage()
    stage.replace(second_prices=Silent())
    line = only(await stage.execute(a_plan(buy("SPY", "800"))))
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.BROKER_UNAVAILABLE)
