"""What the simulated exchange says of its prices and its book."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planfill.adapters.brokers.mock import MockBroker
from planfill.adapters.brokers.mock.doctor import MockExaminer
from planfill.domain.examination import CheckStatus, Finding

Mock = Callable[..., MockBroker]


async def the_way(broker: MockBroker) -> dict[str, Finding]:
    return {one.check: one for one in await MockExaminer(broker.desk).check_way()}


async def test_prices_that_are_none_are_named_and_no_fault(mock: Mock) -> None:
    prices = (await the_way(mock()))["prices"]
    assert prices.status is CheckStatus.NOTE
    assert prices.found == "3 symbols from mock.prices, and no usable price of BAD"
    assert (await the_way(mock(prices={"SPY": 1})))["prices"].status is CheckStatus.IN_ORDER


async def test_of_many_that_are_none_the_first_are_named(mock: Mock) -> None:
    prices = (await the_way(mock(prices={"SPY": "1", **{f"A{n}": "0" for n in range(7)}})))["prices"]
    assert prices.found.endswith("no usable price of A0, A1, A2, A3, A4, ...")


async def test_the_book_is_named_and_whether_it_is_opened(mock: Mock, tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    assert (await the_way(mock(book=path)))["book"].found == str(path)
    empty = (await the_way(mock(book=tmp_path / "empty.db", cash=None, holdings="plan")))["book"]
    assert (empty.status, "empty" in empty.found) == (CheckStatus.NOTE, True)
    assert "in memory" in (await the_way(mock()))["book"].found


@pytest.mark.parametrize(
    ("settings", "symbol"),
    [
        ({}, "SPY"),
        ({"not_tradable": frozenset({"SPY"})}, "KO"),
        ({"prices": {"ZZZ": "5", "XOM": "50", "BAD": "0"}}, "XOM"),
        ({"prices": {"BAD": "0"}}, "SPY"),
    ],
)
def test_what_is_quoted_is_something_that_has_a_price_and_is_traded(
    mock: Mock, settings: dict[str, Any], symbol: str
) -> None:
    assert MockExaminer(mock(**settings).desk).symbol == symbol


async def test_there_is_no_key_no_clock_and_no_limit_to_check(mock: Mock) -> None:
    examiner = MockExaminer(mock().desk)
    assert [*await examiner.check_flags(), *await examiner.check_clock(), *await examiner.check_rate()] == []
