from decimal import Decimal
from typing import get_args

import pytest
from figures import figures

from planfill.domain.order import Order, OrderType, Side
from planfill.domain.policy import ExecutionPolicy, Style
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.styles import MOST_ORDERS, NEXT_ORDER, Intent, works_s
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
    attempt: int = 1,
    **figures: object,
) -> Order | None:
    limits = {"max_market_usd": Decimal(MAX_MARKET)}
    policy = a_policy(limit_collar_bps=Decimal(collar), limits=limits, **figures)
    quote, name = a_quote("SPY", bid, ask), ClientOrderId("pf-1")
    shares, dollars = Quantity(Decimal(quantity)), Money(Decimal(planned))
    intent = Intent(name, attempt, side, shares, dollars, an_instrument(), policy.execution, policy.limits)
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


def test_a_limit_is_one_order_with_the_collar() -> None:
    assert limit_of(next_order(bid=99, ask=100, style="limit")) == Decimal("100.25")
    assert limit_of(next_order(Side.SELL, bid=100, ask=101, style="limit")) == Decimal("99.75")
    assert next_order(last=a_report(filled=3), style="limit") is None
    assert next_order(quantity=0, style="limit") is None


@pytest.mark.parametrize(
    ("side", "bid", "ask", "limits"),
    [
        (Side.BUY, "99.90", "100.10", ["100", "100.05", "100.10"]),
        (Side.SELL, "99.90", "100.10", ["100", "99.95", "99.90"]),
        # A spread of a cent has no middle to stand at: the first steps are its passive side.
        (Side.BUY, "100", "100.01", ["100", "100", "100.01"]),
        (Side.SELL, "100", "100.01", ["100.01", "100.01", "100"]),
        (Side.BUY, "100", "100", ["100", "100", "100"]),
        (Side.BUY, "0.5001", "0.5004", ["0.5002", "0.5003", "0.5004"]),
    ],
)
def test_a_walk_steps_from_the_middle_to_the_far_side_and_never_beyond(
    side: Side, bid: str, ask: str, limits: list[str]
) -> None:
    last = a_report(status=OrderStatus.CANCELED, filled=0)
    found = [
        limit_of(next_order(side, bid=bid, ask=ask, style="walk", attempt=n, last=last)) for n in (1, 2, 3)
    ]
    assert found == [Decimal(limit) for limit in limits]


def test_after_its_last_step_a_walk_sends_what_a_market_style_would() -> None:
    last = a_report(status=OrderStatus.CANCELED, filled=3)
    order = next_order(quantity=7, style="walk", attempt=4, last=last)
    assert order is not None
    assert figures(order.order_type, order.quantity) == (OrderType.MARKET, 7)
    large = next_order(bid=99, ask=100, planned=200_000, style="walk", attempt=4, last=last)
    assert limit_of(large) == Decimal("100.25")
    assert next_order(quantity=0, style="walk", attempt=4, last=last) is None


def test_a_walk_comes_to_as_many_orders_as_its_steps_and_its_end() -> None:
    ending, leaving = ExecutionPolicy(walk_steps=5), ExecutionPolicy(walk_steps=5, walk_end="leave")
    assert [MOST_ORDERS["walk"](one) for one in (ending, leaving)] == [6, 5]
    assert [works_s("walk", ending, attempt) for attempt in (1, 5, 6)] == [10, 10, 120]
    assert [works_s(style, ending, 1) for style in ("market", "limit")] == [120, 120]


def test_every_style_that_can_be_set_exists() -> None:
    assert set(NEXT_ORDER) == set(MOST_ORDERS) == set(get_args(Style))
