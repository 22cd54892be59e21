"""Figures as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from planfill.adapters.cli.formats import dollars, one_line, price, shares, usd, words


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "$0.00"), ("1234567.5", "$1,234,567.50"), ("-0.5", "-$0.50"), ("1E+3", "$1,000.00")],
)
def test_money_has_separators_and_two_decimals(amount: str, text: str) -> None:
    assert usd(Decimal(amount)) == text


def test_in_a_column_the_sign_stands_before_the_figure() -> None:
    assert dollars(Decimal("-1234.5")) == "-1,234.50"


@pytest.mark.parametrize(
    ("quantity", "text"),
    [("7.2273576", "7.2273576"), ("1E+3", "1000"), ("0.000000001", "0.000000001"), ("0", "")],
)
def test_a_quantity_is_written_plainly(quantity: str, text: str) -> None:
    assert shares(Decimal(quantity)) == text


def test_what_is_not_known_is_left_blank() -> None:
    assert (shares(None), price(None)) == ("", "")


@pytest.mark.parametrize(
    ("amount", "text"),
    [("400", "400.00"), ("1234.5", "1,234.50"), ("0.12345", "0.1234"), ("78.5158", "78.5158")],
)
def test_a_price_has_two_to_four_decimals(amount: str, text: str) -> None:
    assert price(Decimal(amount)) == text


def test_a_code_is_words_that_a_column_can_break() -> None:
    assert words("MORE_HELD_THAN_PLANNED") == "MORE HELD THAN PLANNED"


def test_a_text_from_anywhere_cannot_steer_the_terminal() -> None:
    assert one_line("a\x1b[31mb\nc") == "a [31mb c"
