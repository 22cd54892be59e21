"""The sample broker keeps Planfill's contracts: one class for each, and what it needs."""

from __future__ import annotations

import pytest
from house_venue import HouseVenue

from planfill.domain.market import Capabilities
from planfill.testing.broker import BrokerContract
from planfill.testing.market import (
    BrokerAccountContract,
    InstrumentCatalogContract,
    MarketDataContract,
    MarketHoursContract,
)
from planfill.testing.records import BrokerRecordsContract
from planfill.testing.trouble import (
    BrokerAccountTroubleContract,
    BrokerTroubleContract,
    InstrumentCatalogTroubleContract,
    MarketDataTroubleContract,
    RecordsTroubleContract,
)
from sample_broker.broker import CAPABILITIES, SampleBroker
from sample_broker.market import SampleMarket


class AtTheHouse:
    @pytest.fixture
    def venue(self) -> HouseVenue:
        return HouseVenue()

    @pytest.fixture
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @pytest.fixture
    def broker(self, venue: HouseVenue) -> SampleBroker:
        return SampleBroker(venue.wire, venue.clock)

    @pytest.fixture
    def records(self, broker: SampleBroker) -> SampleBroker:
        return broker

    @pytest.fixture
    def market(self, venue: HouseVenue) -> SampleMarket:
        return SampleMarket(venue.wire, venue.clock)

    @pytest.fixture
    def account(self, market: SampleMarket) -> SampleMarket:
        return market

    @pytest.fixture
    def market_data(self, market: SampleMarket) -> SampleMarket:
        return market

    @pytest.fixture
    def instruments(self, market: SampleMarket) -> SampleMarket:
        return market

    @pytest.fixture
    def hours(self, market: SampleMarket) -> SampleMarket:
        return market


class TestBroker(AtTheHouse, BrokerContract):
    pass


class TestBrokerInTrouble(AtTheHouse, BrokerTroubleContract):
    pass


class TestRecords(AtTheHouse, BrokerRecordsContract):
    pass


class TestRecordsInTrouble(AtTheHouse, RecordsTroubleContract):
    pass


class TestAccount(AtTheHouse, BrokerAccountContract):
    pass


class TestAccountInTrouble(AtTheHouse, BrokerAccountTroubleContract):
    pass


class TestMarketData(AtTheHouse, MarketDataContract):
    pass


class TestMarketDataInTrouble(AtTheHouse, MarketDataTroubleContract):
    pass


class TestInstruments(AtTheHouse, InstrumentCatalogContract):
    pass


class TestInstrumentsInTrouble(AtTheHouse, InstrumentCatalogTroubleContract):
    pass


class TestHours(AtTheHouse, MarketHoursContract):
    pass
