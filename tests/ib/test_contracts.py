"""The adapters of Interactive Brokers keep every contract, over the wire, through ib_async."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from ib_venue import IbVenue
from never_over import NeverOver

from planfill.adapters.brokers.wrappers.stack import stack
from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.market import BrokerAccount, InstrumentCatalog, MarketData, MarketHours
from planfill.domain.market import Capabilities
from planfill.testing.broker import BrokerContract
from planfill.testing.market import (
    BrokerAccountContract,
    InstrumentCatalogContract,
    MarketDataContract,
    MarketHoursContract,
)
from planfill.testing.records import BrokerRecordsContract, ReportFeedContract
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


class _AtIb:
    @pytest.fixture
    def venue(self) -> Iterator[IbVenue]:
        with IbVenue() as venue:
            yield venue

    @pytest.fixture
    async def family(self, venue: IbVenue) -> AsyncIterator[Brokerage]:
        family = venue.family()
        yield family
        assert family.close is not None
        await family.close()

    @pytest.fixture
    def broker(self, family: Brokerage) -> Broker:
        return family.broker

    @pytest.fixture
    def capabilities(self, family: Brokerage) -> Capabilities:
        return family.capabilities

    @pytest.fixture
    def records(self, family: Brokerage) -> BrokerRecords:
        return family.records

    @pytest.fixture
    def account(self, family: Brokerage) -> BrokerAccount:
        return family.account

    @pytest.fixture
    def feed(self, family: Brokerage) -> ReportFeed:
        return family.feed

    @pytest.fixture
    def market_data(self, family: Brokerage) -> MarketData:
        return family.market_data

    @pytest.fixture
    def instruments(self, family: Brokerage) -> InstrumentCatalog:
        return family.instruments

    @pytest.fixture
    def hours(self, family: Brokerage) -> MarketHours:
        return family.hours


class TestBroker(_AtIb, BrokerContract):
    pass


class TestBrokerRecords(_AtIb, BrokerRecordsContract):
    pass


class TestReportFeed(_AtIb, ReportFeedContract):
    pass


class TestMarketData(_AtIb, MarketDataContract):
    pass


class TestInstrumentCatalog(_AtIb, InstrumentCatalogContract):
    pass


class TestMarketHours(_AtIb, MarketHoursContract):
    pass


class TestBrokerAccount(_AtIb, BrokerAccountContract):
    pass


class TestBrokerInTrouble(_AtIb, BrokerTroubleContract):
    pass


class TestRecordsInTrouble(_AtIb, RecordsTroubleContract):
    pass


class TestFeedInTrouble(_AtIb, FeedTroubleContract):
    pass


class TestMarketDataInTrouble(_AtIb, MarketDataTroubleContract):
    pass


class TestInstrumentCatalogInTrouble(_AtIb, InstrumentCatalogTroubleContract):
    pass


class TestMarketHoursInTrouble(_AtIb, MarketHoursTroubleContract):
    pass


class TestBrokerAccountInTrouble(_AtIb, BrokerAccountTroubleContract):
    pass


class TestTheWholeStackInTrouble(_AtIb, BrokerTroubleContract):
    """What the wrappers add: a request in doubt is resolved, one without effect is sent again."""

    resolves = True

    @pytest.fixture
    def broker(self, venue: IbVenue, family: Brokerage) -> Broker:
        sending = NeverOver(family.capabilities.certainty_s, may_be_there=False)
        return stack(family.broker, sending, venue.clock)


class TestTheWholeStack(_AtIb, BrokerContract):
    """The wrappers keep the contract of what they wrap."""

    @pytest.fixture
    def broker(self, venue: IbVenue, family: Brokerage) -> Broker:
        return stack(family.broker, NeverOver(1, may_be_there=True), venue.clock)


def test_the_gateway_can_make_every_trouble() -> None:
    assert frozenset(Trouble) == IbVenue.troubles
