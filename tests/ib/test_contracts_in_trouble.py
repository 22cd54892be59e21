"""The adapters of Interactive Brokers, and the whole stack of wrappers around them, in every trouble."""

from __future__ import annotations

import pytest
from at_ib import AtIb
from ib_venue import IbVenue
from never_over import NeverOver

from planfill.adapters.brokers.wrappers.stack import stack
from planfill.application.ports.broker import Broker
from planfill.application.ports.brokerage import Brokerage
from planfill.testing.broker import BrokerContract
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


class TestBrokerInTrouble(AtIb, BrokerTroubleContract):
    pass


class TestRecordsInTrouble(AtIb, RecordsTroubleContract):
    pass


class TestFeedInTrouble(AtIb, FeedTroubleContract):
    pass


class TestMarketDataInTrouble(AtIb, MarketDataTroubleContract):
    pass


class TestInstrumentCatalogInTrouble(AtIb, InstrumentCatalogTroubleContract):
    pass


class TestMarketHoursInTrouble(AtIb, MarketHoursTroubleContract):
    pass


class TestBrokerAccountInTrouble(AtIb, BrokerAccountTroubleContract):
    pass


class TestTheWholeStackInTrouble(AtIb, BrokerTroubleContract):
    """What the wrappers add: a request in doubt is resolved, one without effect is sent again."""

    resolves = True

    @pytest.fixture
    def broker(self, venue: IbVenue, family: Brokerage) -> Broker:
        sending = NeverOver(family.capabilities.certainty_s, may_be_there=False)
        return stack(family.broker, sending, venue.clock)


class TestTheWholeStack(AtIb, BrokerContract):
    """The wrappers keep the contract of what they wrap."""

    @pytest.fixture
    def broker(self, venue: IbVenue, family: Brokerage) -> Broker:
        return stack(family.broker, NeverOver(1, may_be_there=True), venue.clock)


def test_the_gateway_can_make_every_trouble() -> None:
    assert frozenset(Trouble) == IbVenue.troubles
