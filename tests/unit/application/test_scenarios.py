"""What went wrong in production before, by its number: the variants that have no better place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import pytest
from stage import Stage, a_plan, buy, only, sell

from planfill.adapters.brokers.mock.faults import Fail, LoseAnswer, ShowStatus
from planfill.adapters.brokers.mock.script import Fault, On
from planfill.domain.errors import OutcomeUnknown
from planfill.domain.market import NoQuote, Quote
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.report import OrderStatus
from planfill.domain.result import ExecutionStatus
from planfill.testing.builders import a_quote

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
# What an adapter raises that did not foresee what it reads.
_EMPTY_BODY: Final = ValueError("Expecting value: line 1 column 1 (char 0)")
_HTML: Final = ValueError("Expecting value: line 1 column 1 (char 0): '<html>'")
_NO_ID: Final = KeyError("id")


@pytest.mark.parametrize(
    "answer",
    [
        LoseAnswer(_EMPTY_BODY),  # type: ignore[arg-type]
        LoseAnswer(_HTML),  # type: ignore[arg-type]
        LoseAnswer(_NO_ID),  # type: ignore[arg-type]
        ShowStatus(status=OrderStatus.UNKNOWN),
    ],
    ids=["empty body", "HTML", "no id", "unknown status"],
)
async def test_scenario_1_an_order_whose_answer_says_nothing_is_found_and_reported_once(
    answer: Fault,
) -> None:
    stage = Stage(On("place_order", answer))
    line = only(await stage.execute(a_plan(buy("SPY", "1000"))))
    (there,) = await stage.broker.list_orders(LONG_AGO)
    assert (line.outcome, line.broker_order_id) == (LineOutcome.FILLED, there.broker_order_id)
    assert line.filled_quantity == there.filled_quantity


class Source:
    """Quotes as some source has them; what cannot be a quote is for the adapter to find out."""

    def __init__(self, bid: str | None, ask: str | None) -> None:
        self._given = bid, ask

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        bid, ask = self._given
        return {} if bid is None or ask is None else {symbol: a_quote(symbol, bid, ask) for symbol in symbols}


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        ("400", "0", Reason.BROKER_UNAVAILABLE),
        ("0", "400", Reason.BROKER_UNAVAILABLE),
        ("0", "0", Reason.BROKER_UNAVAILABLE),
        ("401", "400", Reason.BROKER_UNAVAILABLE),
        (None, None, Reason.NO_PRICE),
    ],
    ids=["ask 0", "bid 0", "both 0", "crossed", "missing"],
)
async def test_scenario_7_what_is_no_quote_never_becomes_an_order(
    bid: str | None, ask: str | None, reason: Reason
) -> None:
    stage = Stage(settings={"holdings": {"QQQ": "10"}})
    stage.replace(market_data=Source(bid, ask))
    result = await stage.execute(a_plan(sell("QQQ", "600"), buy("SPY", "1000")))
    assert [line.reason for line in result.lines] == [reason, reason]
    assert [line.client_order_id for line in result.lines] == [None, None]
    assert await stage.broker.list_orders(LONG_AGO) == []


class Silent:
    """Never says anything."""

    def __init__(self, stage: Stage) -> None:
        self._clock = stage.clock

    async def wait(self, timeout_s: float) -> None:
        await self._clock.sleep(timeout_s)


class Chatter(Silent):
    """Says everything many times over, also what is no news."""

    async def wait(self, timeout_s: float) -> None:
        await self._clock.sleep(min(timeout_s, 0.01))


class Drops(Silent):
    """Speaks once, then breaks off, and refuses the connection from then on."""

    calls = 0

    async def wait(self, timeout_s: float) -> None:
        self.calls += 1
        if self.calls > 1:
            raise OutcomeUnknown("connection limit exceeded")
        await self._clock.sleep(0.2)


@pytest.mark.parametrize("feed", [Silent, Chatter, Drops])
async def test_scenario_13_whatever_the_feed_does_the_list_decides(feed: type[Silent]) -> None:
    stage = Stage(settings={"fill_delay_s": 1, "partial_fills": 1})
    stage.replace(feed=feed(stage))
    result = await stage.execute(a_plan(buy("SPY", "4000"), buy("QQQ", "3000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    orders = await stage.broker.list_orders(LONG_AGO)
    assert [line.filled_quantity for line in result.lines] == [order.filled_quantity for order in orders]
    assert 2 <= stage.clock.monotonic() < 6


async def test_scenario_13_a_list_in_the_wrong_order_that_says_things_twice_changes_nothing() -> None:
    class Stutter(Fault):
        """Repeats all that was ever listed, the oldest last."""

        def __init__(self) -> None:
            self._heard: list[object] = []

        async def after(self, _call: object, answer: object) -> object:
            assert isinstance(answer, list)
            self._heard = [*answer, *answer, *self._heard]
            return list(self._heard)

    stage = Stage(On("list_orders", Stutter()), settings={"fill_delay_s": 1, "partial_fills": 1})
    result = await stage.execute(a_plan(buy("SPY", "4000"), buy("QQQ", "3000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    kinds = await stage.kinds()
    assert kinds.count("order_reported") == 6
    assert "alerted" not in kinds


async def test_scenario_15_a_clock_call_that_fails_between_sells_and_buys_blocks_the_buys() -> None:
    stage = Stage(On("get_session", Fail(), nth=3), settings={"cash": "0", "holdings": {"SPY": "10"}})
    result = await stage.execute(a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "3000")))
    assert [line.outcome for line in result.lines] == [LineOutcome.FILLED, LineOutcome.BLOCKED]
    assert result.filled_usd == result.lines[0].filled_usd > Decimal(3900)
