"""Every source of prices keeps the contract of one: a file, and a chain of the broker and a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from contract_market import ContractMarket
from mock_venue import MockVenue

from planfill.adapters.prices.chain import PriceChain
from planfill.adapters.prices.file import FilePrices
from planfill.application.ports.market import MarketData
from planfill.testing.market import MarketDataContract


def a_file(venue: ContractMarket, folder: Path) -> FilePrices:
    file = folder / "contract-prices.json"
    file.write_text(json.dumps({"as_of": venue.clock.now().isoformat(), "last": venue.account()["prices"]}))
    return FilePrices(file)


class _OnTheMock:
    @pytest.fixture
    def venue(self, tmp_path: Path) -> MockVenue:
        return MockVenue(tmp_path, book=":memory:")


class TestAFile(_OnTheMock, MarketDataContract):
    @pytest.fixture
    def market_data(self, venue: MockVenue, tmp_path: Path) -> MarketData:
        return a_file(venue, tmp_path)


class TestAChain(_OnTheMock, MarketDataContract):
    @pytest.fixture(params=["broker first", "file first"])
    def market_data(self, request: pytest.FixtureRequest, venue: MockVenue, tmp_path: Path) -> MarketData:
        sources: list[MarketData] = [venue.mock, a_file(venue, tmp_path)]
        return PriceChain(sources if request.param == "broker first" else sources[::-1], venue.clock, 60)
