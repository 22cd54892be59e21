"""
The broker's contract at a paper account, through the adapter that executes there: ``make paper``.

Cards that hold fills back or let them go are skipped: nobody steers a real market. The rest buys and sells a
few shares of cheap, liquid names, and sells them again.
"""

from __future__ import annotations

import pytest
from paper_venue import PaperVenue, Renamed

from planfill.application.ports.broker import BrokerRecords, ReportFeed
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

pytestmark = pytest.mark.paper


class _AtPaper:
    @pytest.fixture
    def venue(self, venue: PaperVenue) -> PaperVenue:
        return venue

    @pytest.fixture
    def broker(self, broker: Renamed) -> Renamed:
        return broker

    @pytest.fixture
    def capabilities(self, capabilities: Capabilities) -> Capabilities:
        return capabilities

    @pytest.fixture
    def records(self, broker: Renamed) -> BrokerRecords:
        return broker

    @pytest.fixture
    def account(self, paper: Brokerage) -> BrokerAccount:
        return paper.account

    @pytest.fixture
    def market_data(self, paper: Brokerage) -> MarketData:
        return paper.market_data

    @pytest.fixture
    def instruments(self, paper: Brokerage) -> InstrumentCatalog:
        return paper.instruments

    @pytest.fixture
    def hours(self, paper: Brokerage) -> MarketHours:
        return paper.hours

    @pytest.fixture
    def feed(self, paper: Brokerage) -> ReportFeed:
        return paper.feed


class TestBroker(_AtPaper, BrokerContract):
    pass


class TestBrokerRecords(_AtPaper, BrokerRecordsContract):
    many = 5
    """More would take minutes of the account's requests; pages are tested at a server of our own."""


class TestReportFeed(_AtPaper, ReportFeedContract):
    pass


class TestMarketData(_AtPaper, MarketDataContract):
    pass


class TestInstrumentCatalog(_AtPaper, InstrumentCatalogContract):
    pass


class TestMarketHours(_AtPaper, MarketHoursContract):
    pass


class TestBrokerAccount(_AtPaper, BrokerAccountContract):
    pass
