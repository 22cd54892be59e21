from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from planfill.domain.order import Order, Side, TimeInForce
from planfill.testing.builders import an_order

LATER = datetime(2021, 3, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": None},
        {"notional": "5"},
        {"quantity": "0"},
        {"quantity": "-1"},
        {"quantity": None, "notional": "0"},
        {"limit_price": "5"},
        {"order_type": "LIMIT"},
        {"order_type": "LIMIT", "limit_price": "0"},
        {"client_order_id": ""},
        {"client_order_id": "x" * 49},
        {"symbol": "spy"},
        {"time_in_force": "GTC"},
        {"extended_hours": True},
        {"quoted_at": "2021-03-31T16:00:00"},
        {"side": "SHORT"},
        {"stop_price": "5"},
    ],
    ids=str,
)
def test_an_order_that_is_not_complete_cannot_be_made(changed: dict[str, object]) -> None:
    terms = an_order().model_dump(mode="json") | changed
    with pytest.raises(ValidationError):
        Order.model_validate(terms, strict=False)


def test_what_is_wrong_with_an_order_is_said() -> None:
    terms = dict(an_order())
    with pytest.raises(ValidationError, match="an order has a quantity or a notional, and not both"):
        Order.model_validate(terms | {"quantity": None})
    with pytest.raises(ValidationError, match="a limit order has a limit price, a market order has none"):
        Order.model_validate(terms | {"order_type": "LIMIT"}, strict=False)


def test_an_order_may_be_in_dollars() -> None:
    terms = an_order().model_dump(mode="json") | {"quantity": None, "notional": "5"}
    assert Order.model_validate(terms, strict=False).notional == 5


def test_a_limit_order_has_its_price() -> None:
    assert an_order(limit_price="99.5").limit_price is not None


def test_an_order_is_for_the_day_and_for_regular_hours() -> None:
    assert an_order().time_in_force is TimeInForce.DAY
    assert an_order().extended_hours is False


def test_another_look_at_the_market_changes_nothing_but_its_time() -> None:
    order = an_order(limit_price=5)
    seen = order.seen_at(LATER)
    assert seen.quoted_at == LATER
    assert dict(seen) | {"quoted_at": order.quoted_at} == dict(order)
    assert order.same_terms(seen)


@pytest.mark.parametrize(
    "other",
    [
        an_order("QQQ", client_order_id="a"),
        an_order(side=Side.SELL, client_order_id="a"),
        an_order(quantity=11, client_order_id="a"),
        an_order(client_order_id="b"),
        an_order(limit_price=100, client_order_id="a"),
    ],
    ids=["symbol", "side", "quantity", "name", "type and price"],
)
def test_orders_that_differ_in_a_term_ask_for_different_things(other: Order) -> None:
    assert not an_order(client_order_id="a").same_terms(other)


def test_limits_and_notionals_are_terms() -> None:
    assert not an_order(limit_price=5).same_terms(an_order(limit_price=6))
    five, six = (
        Order.model_validate(dict(an_order()) | {"quantity": None, "notional": usd}, strict=False)
        for usd in "56"
    )
    assert not five.same_terms(six)
