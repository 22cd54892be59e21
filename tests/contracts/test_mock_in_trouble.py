"""The mock broker, and the whole stack of wrappers around it, keep the contract in every trouble."""

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
from planfill.testing.trouble import (
    BrokerAccountTroubleContract,
    BrokerTroubleContract,
    FeedTroubleContract,
    InstrumentCatalogTroubleContract,
    MarketDataTroubleContract,
    MarketHoursTroubleContract,
    RecordsTroubleContract,
    Trouble,
)

_KINDS: dict[str, dict[str, Any]] = {
    "memory": {"book": ":memory:"},
    "file": {},
    "slow": {"book": ":memory:", "latency_s": 0.05, "fill_delay_s": 0.5, "partial_fills": 0.7},
    # Two orders of one name are two: only looking before sending again keeps them from it.
    "namesakes": {"book": ":memory:", "unique_ids": False, "max_delivery_delay_s": 5},
}


class _OnTheMock:
    @pytest.fixture(params=_KINDS)
    def venue(self, request: pytest.FixtureRequest, tmp_path: Path) -> MockVenue:
        return MockVenue(tmp_path, **_KINDS[request.param])

    @pytest.fixture
    def broker(self, venue: MockVenue) -> MockBroker:
        return venue.mock

    @pytest.fixture
    def capabilities(self, venue: MockVenue) -> Capabilities:
        return venue.mock.capabilities


class TestBrokerInTrouble(_OnTheMock, BrokerTroubleContract):
    pass


class TestRecordsInTrouble(_OnTheMock, RecordsTroubleContract):
    @pytest.fixture
    def records(self, broker: MockBroker) -> MockBroker:
        return broker


class TestFeedInTrouble(_OnTheMock, FeedTroubleContract):
    @pytest.fixture
    def feed(self, broker: MockBroker) -> MockBroker:
        return broker


class _InMemory(_OnTheMock):
    """Where the kind of the mock makes no difference."""

    @pytest.fixture
    def venue(self, tmp_path: Path) -> MockVenue:
        return MockVenue(tmp_path, **_KINDS["memory"])


class TestMarketDataInTrouble(_InMemory, MarketDataTroubleContract):
    @pytest.fixture
    def market_data(self, broker: MockBroker) -> MockBroker:
        return broker


class TestInstrumentCatalogInTrouble(_InMemory, InstrumentCatalogTroubleContract):
    @pytest.fixture
    def instruments(self, broker: MockBroker) -> MockBroker:
        return broker


class TestMarketHoursInTrouble(_InMemory, MarketHoursTroubleContract):
    @pytest.fixture
    def hours(self, broker: MockBroker) -> MockBroker:
        return broker


class TestBrokerAccountInTrouble(_InMemory, BrokerAccountTroubleContract):
    @pytest.fixture
    def account(self, broker: MockBroker) -> MockBroker:
        return broker


class TestTheWholeStackInTrouble(_OnTheMock, BrokerTroubleContract):
    """What the wrappers add: a request in doubt is resolved, one without effect is sent again."""

    resolves = True

    @pytest.fixture
    def broker(self, venue: MockVenue) -> Broker:
        return stack(venue.mock, NeverOver(6, may_be_there=False), venue.clock)


def test_the_mock_can_make_every_trouble() -> None:
    assert frozenset(Trouble) == MockVenue.troubles
