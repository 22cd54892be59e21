"""Where the prices of the mock broker come from, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.brokers.mock.prices import Prices, Spread
from planfill.domain.errors import SettingsError
from planfill.domain.market import NoQuote, Quote
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.testing.clock import START, VirtualClock

Mock = Callable[..., MockBroker]


async def price(broker: MockBroker, symbol: str) -> Quote | NoQuote:
    return (await broker.get_current_prices([symbol]))[symbol]


@pytest.mark.parametrize(
    "text",
    [
        '{"as_of": "2021-03-31T20:55:00+00:00", "last": {"SPY": "396.3300", "qqq ": 319.13}}',
        '\ufeff{"last": {"SPY": 396.33, "QQQ": "319.13"}}',
        "symbol,price\nSPY,396.33\nQQQ,319.13\n\n",
        "Price , name, Symbol\n396.33,S&P 500,SPY\n319.13,Nasdaq,QQQ\n",
    ],
    ids=["json", "json with a mark", "csv", "csv with more columns"],
)
async def test_prices_come_from_a_file(mock: Mock, tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.txt"
    path.write_text(text, encoding="utf-8")
    broker = mock(prices=str(path), spread_bps=2)
    spy, qqq = await price(broker, "SPY"), await price(broker, "QQQ")
    assert isinstance(spy, Quote)
    assert isinstance(qqq, Quote)
    assert (spy.bid, spy.ask) == (Decimal("396.2903"), Decimal("396.3697"))
    assert (spy.mid, qqq.mid) == (Decimal("396.33"), Decimal("319.13"))


async def test_a_quote_bears_the_time_at_which_it_was_asked_for(mock: Mock, clock: VirtualClock) -> None:
    broker = mock()
    await clock.sleep(7)
    quote = await price(broker, "SPY")
    assert isinstance(quote, Quote)
    assert (quote.at, quote.source) == (clock.now(), "mock")
    assert quote.at != START


@pytest.mark.parametrize(
    "nonsense", [0, "-1", "n/a", "", None, True, "NaN", "Infinity", "1e300", [1], "1e-30"]
)
async def test_a_price_that_is_none_is_no_quote_and_says_why(mock: Mock, nonsense: object) -> None:
    answer = await price(mock(prices={"SPY": nonsense}), "SPY")
    assert isinstance(answer, NoQuote)
    assert answer.reason is Reason.BAD_PRICE
    assert f"mock.prices says {nonsense!r}" in answer.detail


async def test_nan_in_a_file_is_no_quote(mock: Mock, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text('{"last": {"SPY": NaN, "QQQ": 1}}', encoding="utf-8")
    assert isinstance(await price(mock(prices=path), "SPY"), NoQuote)


async def test_a_symbol_without_a_price_is_no_quote_and_says_so(mock: Mock) -> None:
    answer = await price(mock(), "NOSUCH")
    assert isinstance(answer, NoQuote)
    assert answer.reason is Reason.NO_PRICE
    assert answer.detail == "no price of NOSUCH in mock.prices"


async def test_the_tail_of_a_float_does_no_harm(mock: Mock) -> None:
    answer = await price(mock(prices={"SPY": 120.53000000000001}), "SPY")
    assert isinstance(answer, Quote)
    assert (answer.bid, answer.ask) == (Decimal("120.53"), Decimal("120.5301"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no file"),
        ("", "neither JSON nor CSV"),
        ("hello", "neither JSON nor CSV"),
        ("[1]", 'has no "last"'),
        ("{}", 'has no "last"'),
        ('{"last": []}', 'has no "last"'),
        ('{"last": {}}', "holds no prices"),
        ('{"last": {', "is not JSON"),
        ("symbol,price\n", "holds no prices"),
    ],
)
def test_a_file_without_prices_is_refused_with_the_remedy(
    mock: Mock, tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "prices.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refusal:
        mock(prices=path)
    (problem,) = refusal.value.problems
    assert problem.path == "mock.prices"
    assert message in problem.message
    assert "prices" in problem.message


def test_what_is_no_text_is_refused(mock: Mock, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not text in UTF-8"):
        mock(prices=path)


def test_a_folder_is_refused(mock: Mock, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is a folder"):
        mock(prices=tmp_path)


def test_a_path_that_cannot_be_read_is_refused(mock: Mock, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be read"):
        mock(prices=tmp_path / "file" / "prices.json")


def test_no_prices_at_all_are_refused_with_the_remedy(mock: Mock) -> None:
    with pytest.raises(SettingsError, match="PLANFILL_MOCK__PRICES"):
        mock(prices=None)
    with pytest.raises(SettingsError, match="holds no prices"):
        mock(prices={})


def test_settings_are_read_as_text_and_strangers_are_refused() -> None:
    text = {"cash": "1000.5", "holdings": {" spy": 3}, "not_tradable": ["lehmq"], "book": ":memory:"}
    settings = MockSettings.model_validate(text)
    assert settings.cash == Decimal("1000.5")
    assert settings.holdings == {"SPY": Decimal(3)}
    assert settings.not_tradable == {"LEHMQ"}
    assert settings.in_memory
    for wrong in ({"casj": 1}, {"cash": -1}, {"cash": "NaN"}, {"holdings": "all"}, {"latency_s": "inf"}):
        with pytest.raises(ValueError, match="validation error"):
            MockSettings.model_validate(wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"holdings": "all"}, '"plan", or shares by symbol'), ({"prices": 5}, "a file of last prices, or")],
)
def test_what_can_be_two_things_is_refused_in_one_message(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        MockSettings.model_validate(wrong)
    (error,) = refusal.value.errors()
    assert error["loc"] == tuple(wrong)
    assert message in error["msg"]


@given(
    last=st.decimals("0.0001", "900000", places=4),
    spread=st.integers(0, 500),
    slippage=st.integers(0, 500),
)
def test_nobody_ever_trades_better_than_the_last_price(last: Decimal, spread: int, slippage: int) -> None:
    prices = Prices(
        {"X": json.loads(json.dumps(str(last)))},
        spread_bps=Decimal(spread),
        slippage_bps=Decimal(slippage),
        origin="here",
    )
    known: Any = prices.of("X")
    assert isinstance(known, Spread)
    assert known.gets <= known.bid <= last <= known.ask <= known.pays
    for step in (1, 2):
        sold, bought = prices.fill("X", Side.SELL, step), prices.fill("X", Side.BUY, step)
        assert sold is not None
        assert bought is not None
        assert 0 < sold <= known.bid
        assert bought >= known.ask
