"""The mock broker: every port of a broker over one simulated exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.adapters.brokers.mock.account import MockAccount
from planfill.adapters.brokers.mock.desk import Desk
from planfill.adapters.brokers.mock.doctor import MockExaminer
from planfill.adapters.brokers.mock.feed import MockFeed
from planfill.adapters.brokers.mock.market import MockMarket
from planfill.adapters.brokers.mock.orders import MockOrders, MockRecords
from planfill.application.ports.brokerage import Brokerage
from planfill.domain.market import Capabilities

if TYPE_CHECKING:
    from planfill.adapters.brokers.mock.script import Script
    from planfill.adapters.brokers.mock.settings import MockSettings
    from planfill.application.ports.clock import Clock
    from planfill.domain.plan import Plan


class MockBroker(MockOrders, MockRecords, MockMarket, MockAccount, MockFeed):
    """
    A small simulated exchange: all ports at once, with cash, shares and orders of its own.

    ``desk`` is the exchange itself, from inside. ``aside`` works on a copy of the book, in memory.

    Raises:
        SettingsError: The prices or the book cannot be used.

    """

    def __init__(
        self,
        settings: MockSettings,
        clock: Clock,
        script: Script | None = None,
        *,
        aside: bool = False,
    ) -> None:
        super().__init__(Desk(settings, clock, script, aside=aside))
        self.capabilities = Capabilities(
            unique_ids=settings.unique_ids,
            read_lag_s=settings.read_lag_s,
            max_delivery_delay_s=settings.max_delivery_delay_s,
            notional=True,
        )

    def open_for(self, plan: Plan) -> None:
        """Open an empty book with what the plan says is held; leave any other alone."""
        self.desk.open_for(plan)

    async def aclose(self) -> None:
        """Free the book."""
        self.desk.book.close()

    def brokerage(self) -> Brokerage:
        """Give the family that execution takes."""
        return Brokerage(
            broker=self,
            records=self,
            market_data=self,
            account=self,
            instruments=self,
            hours=self,
            feed=self,
            capabilities=self.capabilities,
            opening=self.open_for,
            close=self.aclose,
            examiner=MockExaminer(self.desk),
        )
