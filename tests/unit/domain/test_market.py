from decimal import Decimal

import pytest
from figures import figures
from pydantic import ValidationError

from planfill.domain.market import Capabilities, NoQuote
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.values import Price
from planfill.testing.builders import Number, a_quote, an_instrument


@pytest.mark.parametrize(
    ("bid", "ask"),
    [(0, 100), (100, 0), (0, 0), (-1, 100), ("100.01", 100), ("NaN", 100), (100, "NaN"), (100, "Infinity")],
)
def test_a_quote_cannot_hold_nonsense(bid: Number, ask: Number) -> None:
    with pytest.raises(ValidationError):
        a_quote(bid=bid, ask=ask)


def test_a_crossed_quote_says_so() -> None:
    with pytest.raises(ValidationError, match="crossed: bid 101 is above ask 100"):
        a_quote(bid=101, ask=100)


def test_a_locked_market_is_a_quote() -> None:
    assert a_quote(bid=100, ask=100).mid == 100


def test_the_mid_is_between_bid_and_ask() -> None:
    assert a_quote(bid=100, ask=101).mid == Decimal("100.5")


def test_a_buy_looks_at_the_ask_and_a_sale_at_the_bid() -> None:
    quote = a_quote(bid=99, ask=101)
    assert figures(quote.near(Side.BUY), quote.near(Side.SELL)) == (101, 99)


def test_a_missing_quote_is_a_missing_price_unless_it_says_otherwise() -> None:
    assert NoQuote(symbol="SPY").reason is Reason.NO_PRICE


def test_what_is_not_fractionable_trades_in_whole_shares() -> None:
    assert an_instrument(fractionable=False, quantity_increment=Decimal("0.001")).lot == 1
    assert an_instrument(quantity_increment=Decimal("0.001")).lot == Decimal("0.001")


@pytest.mark.parametrize(
    ("price", "side", "tick"),
    [
        ("100.019", Side.BUY, "100.01"),
        ("100.011", Side.SELL, "100.02"),
        ("100.01", Side.BUY, "100.01"),
        ("100.01", Side.SELL, "100.01"),
        ("0.12349", Side.BUY, "0.1234"),
        ("0.12341", Side.SELL, "0.1235"),
        ("0.99999", Side.BUY, "0.9999"),
        ("0.99991", Side.SELL, "1"),
        ("1.0001", Side.BUY, "1"),
        ("1", Side.SELL, "1"),
        ("1.0001", Side.SELL, "1.01"),
    ],
)
def test_a_limit_price_rounds_to_a_tick_away_from_crossing(price: str, side: Side, tick: str) -> None:
    assert an_instrument().tick(Price(Decimal(price)), side) == Decimal(tick)


def test_a_tick_is_what_the_broker_says_it_is() -> None:
    coarse = an_instrument(price_increment=Decimal("0.05"), sub_dollar_price_increment=Decimal("0.01"))
    assert coarse.tick(Price(Decimal("100.09")), Side.BUY) == Decimal("100.05")
    assert coarse.tick(Price(Decimal("0.129")), Side.BUY) == Decimal("0.12")
    thirds = an_instrument(price_increment=Decimal("0.3"))
    assert thirds.tick(Price(Decimal(1)), Side.BUY) == Decimal("0.9")


@pytest.mark.parametrize(("lag", "delay", "certain"), [(2, 0, 2), (0, 30, 30), (5, 30, 35), (0, 0, 0)])
def test_absence_is_certain_after_read_lag_and_delivery_delay(
    lag: float, delay: float, certain: float
) -> None:
    capabilities = Capabilities(unique_ids=True, read_lag_s=lag, max_delivery_delay_s=delay)
    assert capabilities.certainty_s == certain
