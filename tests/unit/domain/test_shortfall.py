from decimal import Decimal

import pytest
from figures import figures

from planfill.domain.events import Event, OrderReported
from planfill.domain.order import Side
from planfill.domain.report import OrderStatus
from planfill.domain.shortfall import Shortfall, shortfall
from planfill.domain.state import OrderState
from planfill.domain.values import ZERO_USD, Money
from planfill.testing.builders import (
    Number,
    a_plan,
    a_report,
    a_sizing,
    a_state,
    an_item,
    an_order,
    an_order_recorded,
)


def an_execution(
    side: Side,
    *,
    arrival: Number = 100,
    mid: Number = 100,
    price: Number | None = 100,
    filled: Number | None = 10,
    symbol: str = "SPY",
) -> OrderState:
    order = an_order(symbol, side)
    sizing = a_sizing(10, arrival_price=Decimal(arrival), mid_price=Decimal(mid))
    events: list[Event] = [an_order_recorded(order, sizing)]
    if filled is not None:
        events.append(OrderReported(report=a_report(order, OrderStatus.CANCELED, filled, price)))
    plan = a_plan(an_item(symbol))
    return a_state(*events, plan=plan).orders[order.client_order_id]


@pytest.mark.parametrize(
    ("side", "price", "cost"),
    [
        (Side.BUY, "100.10", "1"),
        (Side.BUY, "99.90", "-1"),
        (Side.SELL, "99.90", "1"),
        (Side.SELL, "100.10", "-1"),
        (Side.BUY, "100", "0"),
    ],
)
def test_a_worse_price_than_on_arrival_is_a_cost_and_a_better_one_a_gain(
    side: Side, price: str, cost: str
) -> None:
    found = shortfall([an_execution(side, price=price)], ZERO_USD)
    assert figures(*found) == (Decimal(cost), 1000)


@pytest.mark.parametrize(
    ("side", "mid", "cost"),
    [(Side.BUY, 102, "12"), (Side.BUY, 99, "-6"), (Side.SELL, 99, "6"), (Side.SELL, 102, "-12")],
)
def test_what_stayed_unfilled_costs_what_the_market_moved(side: Side, mid: int, cost: str) -> None:
    found = shortfall([an_execution(side, mid=mid, filled=4)], ZERO_USD)
    assert found.cost_usd == Decimal(cost)


def test_an_order_of_which_nothing_filled_costs_what_the_market_moved() -> None:
    assert shortfall([an_execution(Side.BUY, mid=101, filled=None)], ZERO_USD).cost_usd == 10
    assert shortfall([an_execution(Side.BUY, mid=101, filled=0)], ZERO_USD).cost_usd == 10


def test_a_fill_without_a_price_is_no_fill_yet() -> None:
    assert shortfall([an_execution(Side.BUY, mid=101, price=None)], ZERO_USD).cost_usd == 10


def test_fees_are_a_cost() -> None:
    assert shortfall([], Money(Decimal("0.035"))).cost_usd == Decimal("0.04")
    assert shortfall([an_execution(Side.SELL, price="99.90")], Money(Decimal("0.50"))).cost_usd == Decimal(
        "1.50"
    )


def test_orders_add_up() -> None:
    bought = an_execution(Side.BUY, price=101)
    sold = an_execution(Side.SELL, arrival=50, mid=50, price="50.30", symbol="QQQ")
    assert figures(*shortfall([bought, sold], ZERO_USD)) == (7, 1500)


@pytest.mark.parametrize(
    ("cost", "arrival", "bps"),
    [
        ("1", "1000", 10.0),
        ("-1", "1000", -10.0),
        ("0.01", "30000", 0.0),
        ("1", "3", 3333.33),
        ("2", "3", 6666.67),
        ("5", "0", None),
    ],
)
def test_the_cost_is_also_told_in_hundredths_of_a_percent(cost: str, arrival: str, bps: float | None) -> None:
    assert Shortfall(Money(Decimal(cost)), Money(Decimal(arrival))).bps == bps


def test_without_orders_there_is_no_shortfall() -> None:
    found = shortfall([], ZERO_USD)
    assert figures(*found) == (0, 0)
    assert found.bps is None
