"""Prices from a file, as old as they are."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from planfill.adapters.prices.file import FilePrices
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.market import NoQuote, Quote
from planfill.domain.outcome import Reason

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prices.json"


def write(file: Path, content: str | bytes) -> None:
    file.write_bytes(content.encode() if isinstance(content, str) else content)


async def told(file: Path, symbol: str = "SPY") -> Quote | NoQuote:
    return (await FilePrices(file).get_current_prices([symbol]))[symbol]


async def test_a_quote_is_as_old_as_the_file_says(file: Path) -> None:
    write(file, '{"as_of": "2026-01-05T15:00:00Z", "last": {"spy": "450.10"}}')
    quote = await told(file)
    assert isinstance(quote, Quote)
    assert (str(quote.bid), str(quote.ask), quote.at, quote.source) == ("450.1", "450.1", AT, "file")


async def test_without_a_time_in_it_a_quote_is_as_old_as_the_file(file: Path) -> None:
    write(file, "symbol,price\nSPY,450.10\n")
    os.utime(file, (AT.timestamp(), AT.timestamp()))
    quote = await told(file)
    assert isinstance(quote, Quote)
    assert quote.at == AT


async def test_the_file_is_read_anew_with_each_call(file: Path) -> None:
    source = FilePrices(file)
    for price in ("450.1", "451"):
        write(file, f"symbol,price\nSPY,{price}\n")
        quote = (await source.get_current_prices(["SPY"]))["SPY"]
        assert isinstance(quote, Quote)
        assert str(quote.bid) == price


@pytest.mark.parametrize("written", ["0", "-1", "n/a", "", "NaN", "Infinity", "1e-400000000"])
async def test_nonsense_is_no_quote(file: Path, written: str) -> None:
    write(file, f"symbol,price\nSPY,{written}\n")
    quote = await told(file)
    assert isinstance(quote, NoQuote)
    assert quote.reason is Reason.BAD_PRICE


async def test_what_is_not_in_the_file_is_absent(file: Path) -> None:
    write(file, "symbol,price\nSPY,1\n")
    assert await FilePrices(file).get_current_prices(["QQQ"]) == {}


@pytest.mark.parametrize("content", [None, b"{", b"\xff\xfe\x00"])
async def test_a_file_that_cannot_be_used_is_a_source_that_does_not_answer(
    file: Path, content: bytes | None
) -> None:
    if content is not None:
        write(file, content)
    with pytest.raises(BrokerConnectionError, match=r"prices\.json cannot be used"):
        await told(file)


async def test_the_tail_of_a_float_is_cut(file: Path) -> None:
    write(file, '{"last": {"SPY": 450.10000000000002}}')
    quote = await told(file)
    assert isinstance(quote, Quote)
    assert str(quote.bid) == "450.1"
