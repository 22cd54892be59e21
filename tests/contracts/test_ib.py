"""The adapters of Interactive Brokers keep every contract, over the wire, at the local gateway."""

from __future__ import annotations

from at_ib import AtIb

from planfill.testing.broker import BrokerContract
from planfill.testing.market import (
    BrokerAccountContract,
    InstrumentCatalogContract,
    MarketDataContract,
    MarketHoursContract,
)
from planfill.testing.records import BrokerRecordsContract, ReportFeedContract


class TestBroker(AtIb, BrokerContract):
    pass


class TestBrokerRecords(AtIb, BrokerRecordsContract):
    pass


class TestReportFeed(AtIb, ReportFeedContract):
    pass


class TestMarketData(AtIb, MarketDataContract):
    pass


class TestInstrumentCatalog(AtIb, InstrumentCatalogContract):
    pass


class TestMarketHours(AtIb, MarketHoursContract):
    pass


class TestBrokerAccount(AtIb, BrokerAccountContract):
    pass
