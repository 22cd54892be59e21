"""What a suite of contracts needs to run over the adapters of Interactive Brokers, at the local gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from ib_venue import IbVenue

from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.market import BrokerAccount, InstrumentCatalog, MarketData, MarketHours
from planfill.domain.market import Capabilities


class AtIb:
    """The ports of one family, each as the fixture that its suite asks for."""

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
