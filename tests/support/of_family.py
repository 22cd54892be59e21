"""What a suite of contracts needs to run over a family of adapters, alone and under the wrappers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import pytest
from never_over import NeverOver

from planfill.adapters.brokers.wrappers.stack import stack
from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.application.ports.market import BrokerAccount, InstrumentCatalog, MarketData, MarketHours
from planfill.domain.market import Capabilities


class Wired(Protocol):
    """A venue at the other end of a wire."""

    clock: Clock

    def family(self) -> Brokerage:
        """Build the adapters under test."""


class OfFamily:
    """The ports of one family, each as the fixture that its suite asks for; a subclass gives ``venue``."""

    @pytest.fixture
    async def family(self, venue: Wired) -> AsyncIterator[Brokerage]:
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


class Stacked(OfFamily):
    """The wrappers keep the contract of what they wrap."""

    @pytest.fixture
    def broker(self, venue: Wired, family: Brokerage) -> Broker:
        return stack(family.broker, NeverOver(1, may_be_there=True), venue.clock)


class StackedInTrouble(OfFamily):
    """What the wrappers add: a request in doubt is resolved, one without effect is sent again."""

    resolves = True

    @pytest.fixture
    def broker(self, venue: Wired, family: Brokerage) -> Broker:
        sending = NeverOver(family.capabilities.certainty_s, may_be_there=False)
        return stack(family.broker, sending, venue.clock)
