from datetime import UTC, datetime
from decimal import Decimal

import pytest

from planfill.domain.price_list import PriceList, read_price_list


@pytest.mark.parametrize(
    ("text", "as_of"),
    [
        ('{"last": {"SPY": "450.10", "QQQ": 3e2}}', None),
        ('{"as_of": "2026-01-05T15:00:00Z", "last": {"SPY": "450.10", "QQQ": 3e2}}', "2026"),
        ('{"as_of": "2026-01-05T15:00:00", "last": {"SPY": "450.10", "QQQ": 3e2}}', None),
        ('{"as_of": "2021-03-31 (closing)", "last": {"SPY": "450.10", "QQQ": 3e2}}', None),
        ('{"as_of": 5, "last": {"SPY": "450.10", "QQQ": 3e2}}', None),
    ],
    ids=["no time", "a time", "no zone", "words", "a number"],
)
def test_prices_are_read_as_they_are_written_and_a_time_where_it_is_one(text: str, as_of: str | None) -> None:
    at = datetime(2026, 1, 5, 15, tzinfo=UTC) if as_of else None
    assert read_price_list(text) == PriceList({"SPY": "450.10", "QQQ": Decimal(300)}, at)


def test_a_table_is_read_by_its_header() -> None:
    text = "name, Symbol ,Price\nx,SPY, 450.10\ny,QQQ\n,,\n"
    assert read_price_list(text) == PriceList({"SPY": "450.10", "QQQ": ""})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[1]", 'has no "last"'),
        ('{"last": [1]}', 'has no "last"'),
        ("", "is neither JSON nor CSV"),
        ("SPY,450.10\n", "is neither JSON nor CSV"),
    ],
)
def test_what_is_no_list_is_refused_with_the_formats(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        read_price_list(text)
    assert "symbol,price" in str(caught.value)
