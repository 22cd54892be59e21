"""What a shadow says of its orders, as files and functions write it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from planfill.domain.errors import ShadowFailed
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome
from planfill.domain.shadow import ShadowOrder
from planfill.domain.shadow_orders import read_orders
from planfill.domain.values import Money, Price, Quantity

AT = datetime(2021, 3, 31, 15, tzinfo=UTC)


def test_orders_are_read_as_people_and_programs_write_them() -> None:
    written = {
        "symbol": " spy ", "side": "Buy", "quantity": "1.5", "price": 400.1, "dollars": 600,
        "time": "2021-03-31T15:00:00Z", "outcome": "partially filled", "strategy": "x",
    }  # fmt: skip
    made = {**written, "side": Side.BUY, "time": AT, "outcome": LineOutcome.PARTIALLY_FILLED}
    whole = ShadowOrder(
        symbol="SPY",
        side=Side.BUY,
        quantity=Quantity(Decimal("1.5")),
        price=Price(Decimal("400.1")),
        dollars=Money(Decimal(600)),
        time=AT,
        outcome=LineOutcome.PARTIALLY_FILLED,
    )
    assert read_orders([written]) == read_orders((made,)) == (whole,)


def test_what_is_absent_or_empty_is_unknown_and_not_zero() -> None:
    assert read_orders([{"symbol": "SPY", "quantity": "", "price": None}]) == (ShadowOrder(symbol="SPY"),)
    assert read_orders([]) == ()


@pytest.mark.parametrize(
    ("word", "outcome"),
    [("canceled", "UNFILLED"), ("failed", "REJECTED"), ("HOLD", "HOLD")],
)  # fmt: skip
def test_the_words_of_brokers_are_known(word: str, outcome: str) -> None:
    (order,) = read_orders([{"symbol": "SPY", "outcome": word}])
    assert order.outcome == outcome


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (None, "no list of orders"),
        ("text", "no list of orders"),
        ({"symbol": "SPY"}, "no list of orders"),
        ([1], "order 1 is no mapping with a symbol"),
        ([{"symbol": "SPY"}, {"symbol": "spy"}], "order 2: SPY is there twice: add up"),
        ([{"side": "BUY"}], "order 1, symbol: Field required"),
        ([{"symbol": ["SPY"]}], "order 1, symbol: Input should be a valid string"),
        ([{"symbol": "SPY", "quantity": "many"}], "order 1, quantity: 'many' is not a number"),
        ([{"symbol": "SPY", "quantity": -1}], "order 1, quantity: Input should be greater"),
        ([{"symbol": "SPY", "side": "short"}], "order 1, side: Input should be"),
        ([{"symbol": "SPY", "outcome": "lost"}], "order 1, outcome: 'lost' is none of HOLD, FILLED"),
        ([{"symbol": "SPY", "outcome": 1}], "order 1, outcome: Input should be"),
        ([{"symbol": "SPY", "time": "noon"}], "order 1, time: Invalid isoformat"),
        ([{"symbol": "SPY", "time": "2021-03-31T15:00:00"}], "order 1, time: Input should have timezone"),
    ],
)
def test_what_is_wrong_is_named_with_its_row_and_column(rows: Any, why: str) -> None:
    with pytest.raises(ShadowFailed) as caught:
        read_orders(rows)
    assert str(caught.value).startswith(why)
