from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from planfill.domain.values import (
    Money,
    Name,
    Price,
    Quantity,
    Symbol,
    Value,
    cents,
    round_down,
    scale_down,
    shares_for,
    worth,
)

AMOUNTS = st.decimals(min_value=0, max_value=10**15, places=9)
POSITIVE = st.decimals(min_value=Decimal("1e-9"), max_value=10**15, places=9)


class Crate(Value, frozen=True):
    apples: int
    owner: Name = "nobody"
    symbol: Symbol = "A"


def test_a_value_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError):
        Crate.model_validate({"apples": 1, "pears": 2})


def test_a_value_coerces_nothing() -> None:
    with pytest.raises(ValidationError):
        Crate.model_validate({"apples": "1"})


def test_a_value_cannot_be_changed() -> None:
    crate = Crate(apples=1)
    with pytest.raises(ValidationError):
        crate.apples = 2  # type: ignore[misc]


@pytest.mark.parametrize("symbol", ["SPY", "BRK.B", "BF-B", "BTC/USD", "X" * 50, "2330"])
def test_a_ticker_is_a_symbol(symbol: str) -> None:
    assert Crate(apples=1, symbol=symbol).symbol == symbol


@pytest.mark.parametrize("symbol", ["", "spy", "S PY", "S\n", "X" * 51, "Ä", "$"])
def test_what_is_no_ticker_is_no_symbol(symbol: str) -> None:
    with pytest.raises(ValidationError):
        Crate(apples=1, symbol=symbol)


@pytest.mark.parametrize(("name", "valid"), [("", False), ("x", True), ("x" * 200, True), ("x" * 201, False)])
def test_a_name_has_1_to_200_characters(name: str, *, valid: bool) -> None:
    adapter = TypeAdapter[str](Name)
    if valid:
        assert adapter.validate_python(name) == name
    else:
        with pytest.raises(ValidationError):
            adapter.validate_python(name)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        ("1.004", "1.00"),
        ("1.006", "1.01"),
        ("1.005", "1.00"),
        ("1.015", "1.02"),
        ("-1.005", "-1.00"),
        ("-1.006", "-1.01"),
        ("0", "0.00"),
        ("999999999999999.995", "1000000000000000.00"),
        ("123456789012345678901234567890123456.785", "123456789012345678901234567890123456.78"),
    ],
)
def test_dollars_round_to_the_cent_half_to_even(amount: str, rounded: str) -> None:
    assert str(cents(Decimal(amount))) == rounded


def test_shares_at_a_price_are_worth_their_product_to_the_cent() -> None:
    assert worth(Quantity(Decimal("7.2273576")), Price(Decimal("123.45"))) == Decimal("892.22")


def test_the_worth_of_many_shares_at_a_fine_price_is_exact_before_it_is_rounded() -> None:
    # 24 digits times 24 digits: the usual 28 would round the cents away.
    shares, price = (
        Quantity(Decimal("123456789012345.123456789")),
        Price(Decimal("999999999999999.999999999")),
    )
    assert worth(shares, price) == Decimal("123456789012345123456788876543.21")


def test_dollars_that_do_not_divide_evenly_never_buy_a_share_too_many() -> None:
    shares = shares_for(Money(Decimal(200)), Price(Decimal(3)))
    assert str(shares) == "66." + 78 * "6"


@given(amount=AMOUNTS, price=POSITIVE)
def test_the_shares_for_some_dollars_never_cost_more(amount: Decimal, price: Decimal) -> None:
    assert shares_for(Money(amount), Price(price)) * price <= amount


@pytest.mark.parametrize(
    ("number", "increment", "rounded"),
    [
        ("7.2273576", "0.000001", "7.227357"),
        ("7.2273576", "1", "7"),
        ("7.9999999", "1", "7"),
        ("8", "1", "8"),
        ("0.9", "1", "0"),
        ("10.3", "0.25", "10.25"),
        ("66.66666666666666666666666666666666666666", "0.000000001", "66.666666666"),
    ],
)
def test_a_number_rounds_down_to_a_multiple_of_the_increment(
    number: str, increment: str, rounded: str
) -> None:
    assert round_down(Decimal(number), Decimal(increment)) == Decimal(rounded)


@given(number=AMOUNTS, increment=POSITIVE)
def test_what_is_rounded_down_is_a_multiple_not_larger_and_less_than_one_step_away(
    number: Decimal, increment: Decimal
) -> None:
    rounded = round_down(number, increment)
    assert rounded <= number < rounded + increment
    assert round_down(rounded, increment) == rounded


def test_a_scaled_quantity_is_cut_off_where_it_does_not_divide_evenly() -> None:
    scaled = scale_down(Quantity(Decimal(10)), Money(Decimal(2)), Money(Decimal(3)))
    assert str(scaled) == "6." + 79 * "6"


@given(quantity=AMOUNTS, whole=POSITIVE)
def test_the_whole_of_a_quantity_is_the_quantity(quantity: Decimal, whole: Decimal) -> None:
    assert scale_down(Quantity(quantity), Money(whole), Money(whole)) == quantity
