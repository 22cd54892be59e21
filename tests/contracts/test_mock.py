"""The mock broker keeps every contract: in memory, in a file, and when it is slow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mock_venue import MockVenue
from never_over import NeverOver

from planfill.adapters.brokers.mock import MockBroker
from planfill.adapters.brokers.wrappers.stack import stack
from planfill.application.ports.broker import Broker
from planfill.domain.market import Capabilities
from planfill.testing.broker import BrokerContract
from planfill.testing.market import (
    BrokerAccountContract,
    InstrumentCatalogContract,
    MarketDataContract,
    MarketHoursContract,
)
from planfill.testing.records import BrokerRecordsContract, ReportFeedContract

_KINDS: dict[str, dict[str, Any]] = {
    "memory": {"book": ":memory:"},
    "file": {},
    "slow": {"book": ":memory:", "latency_s": 0.05, "fill_delay_s": 0.5, "partial_fills": 0.7},
    "lagging": {"book": ":memory:", "read_lag_s": 2, "fill_delay_s": 1},
    "costly": {"book": ":memory:", "fee_bps": 3, "fee_usd_per_share": "0.005", "partial_fills": 1},
}


class _OnTheMock:
    @pytest.fixture(params=_KINDS)
    def venue(self, request: pytest.FixtureRequest, tmp_path: Path) -> MockVenue:
        return MockVenue(tmp_path, **_KINDS[request.param])

    @pytest.fixture
    def broker(self, venue: MockVenue) -> MockBroker:
        return venue.mock

    @pytest.fixture
    def capabilities(self, broker: MockBroker) -> Capabilities:
        return broker.capabilities


class TestBroker(_OnTheMock, BrokerContract):
    pass


class TestTheWholeStack(_OnTheMock, BrokerContract):
    """The wrappers keep the contract of what they wrap."""

    @pytest.fixture
    def broker(self, venue: MockVenue) -> Broker:
        return stack(venue.mock, NeverOver(3, may_be_there=True), venue.clock)

    @pytest.fixture
    def capabilities(self, venue: MockVenue) -> Capabilities:
        return venue.mock.capabilities


class TestBrokerRecords(_OnTheMock, BrokerRecordsContract):
    @pytest.fixture
    def records(self, broker: MockBroker) -> MockBroker:
        return broker

    @pytest.fixture
    def account(self, broker: MockBroker) -> MockBroker:
        return broker


class TestReportFeed(_OnTheMock, ReportFeedContract):
    @pytest.fixture
    def feed(self, broker: MockBroker) -> MockBroker:
        return broker


class TestMarketData(_OnTheMock, MarketDataContract):
    @pytest.fixture
    def market_data(self, broker: MockBroker) -> MockBroker:
        return broker


class TestInstrumentCatalog(_OnTheMock, InstrumentCatalogContract):
    @pytest.fixture
    def instruments(self, broker: MockBroker) -> MockBroker:
        return broker


class TestMarketHours(_OnTheMock, MarketHoursContract):
    @pytest.fixture
    def hours(self, broker: MockBroker) -> MockBroker:
        return broker


class TestBrokerAccount(_OnTheMock, BrokerAccountContract):
    @pytest.fixture
    def account(self, broker: MockBroker) -> MockBroker:
        return broker
