"""The mock broker keeps every contract: in memory, in a file, and when it is slow."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.brokers.wrappers.stack import stack
from planfill.application.ports.broker import Broker
from planfill.application.run import Sending
from planfill.domain.market import Capabilities
from planfill.domain.order import Order
from planfill.domain.values import Money, Price, Quantity
from planfill.testing.broker import BrokerContract
from planfill.testing.clock import VirtualClock
from planfill.testing.market import (
    BrokerAccountContract,
    InstrumentCatalogContract,
    MarketDataContract,
    MarketHoursContract,
)
from planfill.testing.records import BrokerRecordsContract, ReportFeedContract
from planfill.testing.venue import Venue

_KINDS: dict[str, dict[str, Any]] = {
    "memory": {"book": ":memory:"},
    "file": {},
    "slow": {"book": ":memory:", "latency_s": 0.05, "fill_delay_s": 0.5, "partial_fills": 0.7},
    "lagging": {"book": ":memory:", "read_lag_s": 2, "fill_delay_s": 1},
    "costly": {"book": ":memory:", "fee_bps": 3, "fee_usd_per_share": "0.005", "partial_fills": 1},
}


class MockVenue(Venue):
    symbol = "SPY"
    others = ("QQQ", "KO")
    price = Price(Decimal("396.33"))
    held = "MSFT"
    held_quantity = Quantity(Decimal("7.2273576"))
    cash_usd = Money(Decimal(100_000))
    whole_only = "NVR"
    untradable = "LEHMQ"
    unknown = "NOSUCH"
    nonsense = ("ZERO", "MINUS", "WORDS")

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = VirtualClock()
        prices = {
            "SPY": "396.33", "QQQ": "319.13", "KO": "52.71", "MSFT": "235.77", "NVR": "4711.09",
            "LEHMQ": "30", "ZERO": 0, "MINUS": "-3", "WORDS": "n/a",
        }  # fmt: skip
        chosen = {"book": folder / "book.db", **settings}
        self.mock = MockBroker(
            MockSettings(
                prices=prices,
                cash=self.cash_usd,
                holdings={self.held: self.held_quantity},
                not_fractionable=frozenset({self.whole_only}),
                not_tradable=frozenset({self.untradable}),
                **chosen,
            ),
            self.clock,
        )

    async def hold_fills(self) -> None:
        self.mock.desk.hold_fills()

    async def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        self.mock.desk.let_fill(symbol, shares)


class _OnTheMock:
    @pytest.fixture(params=_KINDS)
    def venue(self, request: pytest.FixtureRequest, tmp_path: Path) -> MockVenue:
        return MockVenue(tmp_path, **_KINDS[request.param])

    @pytest.fixture
    def broker(self, venue: MockVenue) -> MockBroker:
        return venue.mock

    @pytest.fixture
    def capabilities(self, broker: MockBroker) -> Capabilities:
        return broker.capabilities


class TestBroker(_OnTheMock, BrokerContract):
    pass


class _NeverOver(Sending):
    """A run that has all the time there is and permits everything."""

    certainty_s = 3.0

    async def permit(self, order: Order) -> None:
        """Permit it."""

    def is_over(self, order: Order) -> bool:
        return False

    def may_be_there(self, order: Order) -> bool:
        return True


class TestTheWholeStack(_OnTheMock, BrokerContract):
    """The wrappers keep the contract of what they wrap."""

    @pytest.fixture
    def broker(self, venue: MockVenue) -> Broker:
        return stack(venue.mock, _NeverOver(), venue.clock)

    @pytest.fixture
    def capabilities(self, venue: MockVenue) -> Capabilities:
        return venue.mock.capabilities


class TestBrokerRecords(_OnTheMock, BrokerRecordsContract):
    @pytest.fixture
    def records(self, broker: MockBroker) -> MockBroker:
        return broker

    @pytest.fixture
    def account(self, broker: MockBroker) -> MockBroker:
        return broker


class TestReportFeed(_OnTheMock, ReportFeedContract):
    @pytest.fixture
    def feed(self, broker: MockBroker) -> MockBroker:
        return broker


class TestMarketData(_OnTheMock, MarketDataContract):
    @pytest.fixture
    def market_data(self, broker: MockBroker) -> MockBroker:
        return broker


class TestInstrumentCatalog(_OnTheMock, InstrumentCatalogContract):
    @pytest.fixture
    def instruments(self, broker: MockBroker) -> MockBroker:
        return broker


class TestMarketHours(_OnTheMock, MarketHoursContract):
    @pytest.fixture
    def hours(self, broker: MockBroker) -> MockBroker:
        return broker


class TestBrokerAccount(_OnTheMock, BrokerAccountContract):
    @pytest.fixture
    def account(self, broker: MockBroker) -> MockBroker:
        return broker
