"""A chain of sources of prices: who is asked for what, and whose answer stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

import pytest

from planfill.adapters.prices.chain import PriceChain
from planfill.application.ports.market import MarketData
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.market import NoQuote, Quote
from planfill.domain.outcome import Reason
from planfill.testing.builders import a_quote
from planfill.testing.clock import START, VirtualClock

OLD = START - timedelta(seconds=61)


class Source(MarketData):
    """Answers with what it has, and remembers what it was asked for."""

    def __init__(self, *quotes: Quote | NoQuote, fails: bool = False) -> None:
        self.quotes = {quote.symbol: quote for quote in quotes}
        self.fails = fails
        self.asked: list[list[str]] = []

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        self.asked.append(sorted(symbols))
        if self.fails:
            msg = f"no answer for {sorted(symbols)}"
            raise BrokerConnectionError(msg)
        return {symbol: self.quotes[symbol] for symbol in symbols if symbol in self.quotes}


def a_chain(*sources: MarketData) -> PriceChain:
    return PriceChain(sources, VirtualClock(), 60)


async def test_the_next_is_asked_only_for_what_the_former_cannot_quote() -> None:
    crossed = NoQuote(symbol="IWM", reason=Reason.CROSSED_PRICE, detail="bid 2, ask 1")
    first = Source(a_quote("SPY", source="one"), a_quote("QQQ", at=OLD, source="one"), crossed)
    second = Source(*(a_quote(symbol, source="two") for symbol in ("SPY", "QQQ", "IWM", "GLD")))
    third = Source()
    found = await a_chain(first, second, third).get_current_prices(["SPY", "QQQ", "IWM", "GLD"])
    assert {symbol: quote.source for symbol, quote in found.items() if isinstance(quote, Quote)} == {
        "SPY": "one",
        "QQQ": "two",
        "IWM": "two",
        "GLD": "two",
    }
    assert (first.asked, second.asked) == ([["GLD", "IWM", "QQQ", "SPY"]], [["GLD", "IWM", "QQQ"]])
    assert third.asked == []


async def test_where_nobody_has_a_usable_quote_the_first_answer_stands() -> None:
    stale = a_quote("QQQ", at=OLD, source="one")
    crossed = NoQuote(symbol="IWM", reason=Reason.CROSSED_PRICE)
    first = Source(stale, crossed)
    second = Source(a_quote("QQQ", at=OLD, source="two"), NoQuote(symbol="IWM"), NoQuote(symbol="GLD"))
    found = await a_chain(first, second).get_current_prices(["QQQ", "IWM", "GLD"])
    assert found == {"QQQ": stale, "IWM": crossed, "GLD": NoQuote(symbol="GLD")}


async def test_a_quote_from_the_future_is_as_useless_as_an_old_one() -> None:
    late = a_quote("SPY", at=START + timedelta(seconds=61), source="one")
    found = await a_chain(Source(late), Source(a_quote(source="two"))).get_current_prices(["SPY"])
    assert found == {"SPY": a_quote(source="two")}


async def test_a_source_that_cannot_be_asked_is_passed_over() -> None:
    good = Source(a_quote(source="two"))
    for chain in (a_chain(Source(fails=True), good), a_chain(good, Source(fails=True))):
        assert await chain.get_current_prices(["SPY"]) == {"SPY": a_quote(source="two")}


async def test_where_no_source_can_be_asked_nobody_answers() -> None:
    chain = a_chain(Source(fails=True), Source(fails=True))
    with pytest.raises(BrokerConnectionError, match="no answer for"):
        await chain.get_current_prices(["SPY"])


async def test_nothing_asked_asks_nobody() -> None:
    source = Source()
    assert await a_chain(source).get_current_prices([]) == {}
    assert source.asked == []
