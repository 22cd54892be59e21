"""A broker for Planfill that somebody else has written: registered as ``sample``."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from planfill.application.ports.brokerage import Brokerage, BrokerPlugin
from planfill.application.ports.clock import Clock
from sample_broker.broker import CAPABILITIES, SampleBroker
from sample_broker.house import Account, House
from sample_broker.market import SampleMarket
from sample_broker.wire import Wire


class SampleSettings(BaseModel, frozen=True, extra="forbid"):
    """The table ``[sample]``."""

    prices: dict[str, str] = {}
    """The price of a share in dollars, by symbol."""
    cash: Decimal = Decimal(100_000)
    """The dollars of a new account."""
    shares: dict[str, int] = {}
    """The shares of a new account, by symbol."""
    file: Path | None = Path("sample-house.json")
    """Where the House keeps the account; none keeps nothing."""


def brokerage(settings: SampleSettings, clock: Clock) -> Brokerage:
    """Build the family of ports; here, and not above, the SDK of a real broker is imported."""
    new = Account(cash=str(settings.cash), shares=settings.shares)
    house = House(settings.prices, new, clock.now, settings.file)
    wire = Wire(house.answer)
    broker, market = SampleBroker(wire, clock), SampleMarket(wire, clock)
    return Brokerage(
        broker=broker,
        records=broker,
        market_data=market,
        account=market,
        instruments=market,
        hours=market,
        feed=broker,
        capabilities=CAPABILITIES,
    )


PLUGIN: Final = BrokerPlugin(settings=SampleSettings, build=brokerage)
