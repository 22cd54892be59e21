"""The adapters of Interactive Brokers, and the whole stack of wrappers around them, in every trouble."""

from __future__ import annotations

from at_ib import AtIb
from ib_venue import IbVenue
from of_family import Stacked, StackedInTrouble

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


class TestTheWholeStackInTrouble(StackedInTrouble, AtIb, BrokerTroubleContract):
    pass


class TestTheWholeStack(Stacked, AtIb, BrokerContract):
    pass


def test_the_gateway_can_make_every_trouble() -> None:
    assert frozenset(Trouble) == IbVenue.troubles
