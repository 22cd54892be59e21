"""The Alpaca adapters keep every contract, over the wire, through the real SDK."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alpaca_venue import AlpacaVenue
from of_family import OfFamily, Stacked, StackedInTrouble

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
)


class _AtAlpaca(OfFamily):
    @pytest.fixture
    def venue(self) -> Iterator[AlpacaVenue]:
        with AlpacaVenue() as venue:
            yield venue


class TestBroker(_AtAlpaca, BrokerContract):
    pass


class TestBrokerRecords(_AtAlpaca, BrokerRecordsContract):
    pass


class TestReportFeed(_AtAlpaca, ReportFeedContract):
    pass


class TestMarketData(_AtAlpaca, MarketDataContract):
    pass


class TestInstrumentCatalog(_AtAlpaca, InstrumentCatalogContract):
    pass


class TestMarketHours(_AtAlpaca, MarketHoursContract):
    pass


class TestBrokerAccount(_AtAlpaca, BrokerAccountContract):
    pass


class TestBrokerInTrouble(_AtAlpaca, BrokerTroubleContract):
    pass


class TestRecordsInTrouble(_AtAlpaca, RecordsTroubleContract):
    pass


class TestFeedInTrouble(_AtAlpaca, FeedTroubleContract):
    pass


class TestMarketDataInTrouble(_AtAlpaca, MarketDataTroubleContract):
    pass


class TestInstrumentCatalogInTrouble(_AtAlpaca, InstrumentCatalogTroubleContract):
    pass


class TestMarketHoursInTrouble(_AtAlpaca, MarketHoursTroubleContract):
    pass


class TestBrokerAccountInTrouble(_AtAlpaca, BrokerAccountTroubleContract):
    pass


class TestTheWholeStackInTrouble(StackedInTrouble, _AtAlpaca, BrokerTroubleContract):
    pass


class TestTheWholeStack(Stacked, _AtAlpaca, BrokerContract):
    pass


def test_the_local_alpaca_can_make_every_trouble() -> None:
    assert {trouble.name for trouble in AlpacaVenue.troubles} >= {"ANSWER_504", "HANG", "FEED_DROPS"}
