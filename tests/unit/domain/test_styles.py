from decimal import Decimal
from typing import get_args

import pytest
from figures import figures

from planfill.domain.order import Order, OrderType, Side
from planfill.domain.policy import Style
from planfill.domain.report import ExecutionReport
from planfill.domain.styles import MOST_ORDERS, NEXT_ORDER, Intent
from planfill.domain.values import ClientOrderId, Money, Quantity
from planfill.testing.builders import Number, a_policy, a_quote, a_report, an_instrument

MAX_MARKET = 100_000


def next_order(
    side: Side = Side.BUY,
    *,
    quantity: Number = 10,
    planned: Number = 1000,
    bid: Number = 100,
    ask: Number | None = None,
    collar: Number = 25,
    last: ExecutionReport | None = None,
) -> Order | None:
    policy = a_policy(limit_collar_bps=Decimal(collar), limits={"max_market_usd": Decimal(MAX_MARKET)})
    quote, name = a_quote("SPY", bid, ask), ClientOrderId("pf-1")
    shares, dollars = Quantity(Decimal(quantity)), Money(Decimal(planned))
    intent = Intent(name, 1, side, shares, dollars, an_instrument(), policy.execution, policy.limits)
    return NEXT_ORDER[policy.execution.style](intent, last, quote)


def limit_of(order: Order | None) -> Decimal:
    assert order is not None
    assert order.limit_price is not None
    assert order.order_type is OrderType.LIMIT
    return order.limit_price


def test_a_line_becomes_one_market_order() -> None:
    order = next_order(Side.SELL)
    assert order is not None
    assert figures(order.client_order_id, order.symbol, order.side, order.quantity) == (
        "pf-1",
        "SPY",
        Side.SELL,
        10,
    )
    assert (order.order_type, order.limit_price, order.notional) == (OrderType.MARKET, None, None)
    assert order.quoted_at == a_quote().at


def test_a_line_of_the_largest_amount_is_still_a_market_order() -> None:
    order = next_order(planned=MAX_MARKET)
    assert order is not None
    assert order.order_type is OrderType.MARKET


@pytest.mark.parametrize(
    ("side", "bid", "ask", "limit"),
    [
        (Side.BUY, "99.90", "100", "100.25"),
        (Side.SELL, "100", "100.10", "99.75"),
        (Side.BUY, "100.01", "100.01", "100.26"),  # 100.260025
        (Side.SELL, "100.01", "100.01", "99.76"),  # 99.759975
        (Side.BUY, "33.33", "33.33", "33.41"),  # 33.413325
        (Side.SELL, "33.33", "33.33", "33.25"),  # 33.246675
        (Side.BUY, "0.5001", "0.5001", "0.5013"),  # 0.50135025
        (Side.SELL, "0.5001", "0.5001", "0.4989"),  # 0.49884975
    ],
)
def test_a_larger_line_is_a_limit_with_the_collar_rounded_away_from_crossing(
    side: Side, bid: str, ask: str, limit: str
) -> None:
    assert limit_of(next_order(side, planned="100000.01", bid=bid, ask=ask)) == Decimal(limit)


def test_without_a_collar_the_limit_is_the_quote() -> None:
    assert limit_of(next_order(planned=200_000, bid=99, ask=100, collar=0)) == 100
    assert limit_of(next_order(Side.SELL, planned=200_000, bid=99, ask=100, collar=0)) == 99


def test_not_a_single_step_is_no_order() -> None:
    assert next_order(quantity=0) is None


def test_a_price_of_less_than_a_tick_is_no_limit_and_no_order() -> None:
    # Once this was a limit price of 0, which no order can have, in the middle of a wave.
    assert next_order(planned=200_000, bid="0.00003") is None
    assert limit_of(next_order(Side.SELL, planned=200_000, bid="0.00003")) == Decimal("0.0001")


def test_what_an_ended_order_left_over_stays() -> None:
    assert next_order(last=a_report(filled=3)) is None


def test_every_style_that_can_be_set_exists() -> None:
    assert set(NEXT_ORDER) == set(MOST_ORDERS) == set(get_args(Style))
