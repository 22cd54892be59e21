"""The contracts of a broker's ports in trouble: subclass them, with a venue that makes trouble."""

from __future__ import annotations

from planfill.testing.trouble_cancels import CancelTroubleContract
from planfill.testing.trouble_feed import FeedTroubleContract
from planfill.testing.trouble_market import (
    BrokerAccountTroubleContract,
    InstrumentCatalogTroubleContract,
    MarketDataTroubleContract,
    MarketHoursTroubleContract,
)
from planfill.testing.trouble_reads import ReadTroubleContract, RecordsTroubleContract
from planfill.testing.trouble_sends import SendTroubleContract
from planfill.testing.troubled_venue import Request, Trouble, TroubledVenue

__all__ = [
    "BrokerAccountTroubleContract",
    "BrokerTroubleContract",
    "FeedTroubleContract",
    "InstrumentCatalogTroubleContract",
    "MarketDataTroubleContract",
    "MarketHoursTroubleContract",
    "RecordsTroubleContract",
    "Request",
    "Trouble",
    "TroubledVenue",
]


class BrokerTroubleContract(SendTroubleContract, ReadTroubleContract, CancelTroubleContract):
    """Cards T01 to T16 and T19 to T24, of the port ``Broker``."""
