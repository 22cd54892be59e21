"""The contracts of ``BrokerRecords`` and ``ReportFeed``; see ``planfill.testing.broker``."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio
import pytest

from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.application.ports.market import BrokerAccount
from planfill.domain.market import Capabilities
from planfill.domain.order import Side
from planfill.domain.values import Quantity, cents
from planfill.testing.cards import BrokerCards
from planfill.testing.venue import Venue, a_new_order, ended, reported

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.domain.report import Fill


class BrokerRecordsContract(BrokerCards):
    """Cards R01 to R06. ``many`` orders are more than the broker gives on one page."""

    many = 60

    @pytest.fixture
    @abstractmethod
    def broker(self, venue: Venue) -> Broker:
        """Make the broker that places the orders, at the venue."""

    @pytest.fixture
    @abstractmethod
    def records(self, broker: Broker) -> BrokerRecords:
        """Make the records under test, of the account that ``broker`` trades."""

    @pytest.fixture
    @abstractmethod
    def account(self, broker: Broker) -> BrokerAccount:
        """Make the account that ``broker`` trades."""

    async def test_the_list_says_what_asking_says(
        self, broker: Broker, records: BrokerRecords, venue: Venue
    ) -> None:
        """R01."""
        since = venue.clock.now()
        order = a_new_order(venue.symbol, "2", at=venue.clock.now())
        await broker.place_order(order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        listed = {one.client_order_id: one for one in await records.list_orders(since)}
        mine = listed[order.client_order_id]
        assert (mine.broker_order_id, mine.status) == (done.broker_order_id, done.status)
        assert mine.filled_quantity == 2
        assert mine.average_price == done.average_price

    async def test_an_open_order_is_listed_however_old(
        self, broker: Broker, records: BrokerRecords, venue: Venue
    ) -> None:
        """R02."""
        await venue.hold_fills()
        order = a_new_order(venue.symbol, at=venue.clock.now())
        await broker.place_order(order)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        listed = await records.list_orders(venue.clock.now() + timedelta(hours=1))
        assert order.client_order_id in {one.client_order_id for one in listed}

    async def test_all_orders_are_listed_however_many(
        self, broker: Broker, records: BrokerRecords, venue: Venue
    ) -> None:
        """R03."""
        since = venue.clock.now()
        orders = [a_new_order(venue.symbol, "1", at=venue.clock.now()) for _ in range(self.many)]
        for order in orders:
            await broker.place_order(order)
        await reported(broker, venue, orders[-1].client_order_id, until=ended)
        listed = Counter(one.client_order_id for one in await records.list_orders(since))
        assert [listed[order.client_order_id] for order in orders] == [1] * self.many

    async def test_fills_sum_to_the_order_and_to_its_price(
        self, broker: Broker, records: BrokerRecords, venue: Venue
    ) -> None:
        """R04. From LEAN 15."""
        since = venue.clock.now()
        await venue.hold_fills()
        order = a_new_order(venue.symbol, "5", at=venue.clock.now())
        placed = await broker.place_order(order)
        await venue.let_fill(venue.symbol, Quantity(Decimal(2)))
        await venue.let_fill(venue.symbol)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        fills = await _fills(records, since)
        mine = [fill for fill in fills if fill.broker_order_id == placed.broker_order_id]
        assert sum(fill.quantity for fill in mine) == 5
        paid = sum((fill.quantity * fill.price for fill in mine), Decimal(0))
        assert done.average_price is not None
        assert cents(done.filled_quantity * done.average_price) == cents(paid)
        assert {(fill.symbol, fill.side) for fill in mine} == {(venue.symbol, Side.BUY)}
        assert len({fill.fill_id for fill in fills}) == len(fills)

    async def test_fills_are_listed_from_the_time_asked_for_and_in_order(
        self, broker: Broker, records: BrokerRecords, venue: Venue
    ) -> None:
        """R05."""
        since = venue.clock.now()
        for symbol in (venue.symbol, *venue.others):
            order = a_new_order(symbol, at=venue.clock.now())
            await broker.place_order(order)
            await reported(broker, venue, order.client_order_id, until=ended)
            await venue.clock.sleep(0.01)
        fills = await _fills(records, since)
        times = [fill.filled_at for fill in fills]
        assert times == sorted(times)
        assert {fill.symbol for fill in fills} == {venue.symbol, *venue.others}
        assert not await records.list_fills(venue.clock.now() + timedelta(hours=1))

    async def test_positions_are_the_sum_of_the_fills(
        self,
        broker: Broker,
        records: BrokerRecords,
        account: BrokerAccount,
        venue: Venue,
        capabilities: Capabilities,
    ) -> None:
        """R06. From LEAN 14."""
        since = venue.clock.now()
        bought, sold = ("2.5", "1.25") if capabilities.fractions else ("2", "1")
        buy = a_new_order(venue.symbol, bought, at=venue.clock.now())
        sell = a_new_order(venue.held, sold, side=Side.SELL, at=venue.clock.now())
        for order in (buy, sell):
            await broker.place_order(order)
            await reported(broker, venue, order.client_order_id, until=ended)
        moved: defaultdict[str, Decimal] = defaultdict(Decimal)
        for fill in await _fills(records, since):
            moved[fill.symbol] += fill.quantity if fill.side is Side.BUY else -fill.quantity
        sellable = await account.get_sellable([venue.symbol, venue.held])
        assert sellable[venue.symbol] == moved[venue.symbol]
        assert sellable[venue.held] == venue.held_quantity + moved[venue.held]


class ReportFeedContract:
    """Cards F01 to F03; seconds of the venue's clock."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    @abstractmethod
    def venue(self) -> Venue:
        """Make the market behind the broker."""

    @pytest.fixture
    @abstractmethod
    def broker(self, venue: Venue) -> Broker:
        """Make the broker that places the orders, at the venue."""

    @pytest.fixture
    @abstractmethod
    def feed(self, broker: Broker) -> ReportFeed:
        """Make the feed under test, of the account that ``broker`` trades."""

    async def test_silence_lasts_no_longer_than_asked(self, feed: ReportFeed, venue: Venue) -> None:
        """F01."""
        began = venue.clock.monotonic()
        await feed.wait(0.2)
        assert venue.clock.monotonic() - began < 2

    async def test_a_fill_wakes_who_waits(self, broker: Broker, feed: ReportFeed, venue: Venue) -> None:
        """F02. From Hummingbot, filled by the user stream."""
        await venue.hold_fills()
        await broker.place_order(a_new_order(venue.symbol, at=venue.clock.now()))
        await hear_out(feed, venue)
        began = venue.clock.monotonic()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(feed.wait, 60)
            await venue.clock.sleep(0.5)
            await venue.let_fill(venue.symbol)
        assert venue.clock.monotonic() - began < 10

    async def test_what_happened_before_the_wait_is_not_missed(
        self, broker: Broker, feed: ReportFeed, venue: Venue
    ) -> None:
        """F03."""
        await hear_out(feed, venue)
        order = a_new_order(venue.symbol, at=venue.clock.now())
        await broker.place_order(order)
        await reported(broker, venue, order.client_order_id, until=ended)
        began = venue.clock.monotonic()
        await feed.wait(60)
        assert venue.clock.monotonic() - began < 10


async def hear_out(feed: ReportFeed, venue: Venue) -> None:
    """Hear the feed out."""
    for _ in range(10):
        began = venue.clock.monotonic()
        await feed.wait(0.3)
        if venue.clock.monotonic() - began >= 0.3:
            return


async def _fills(records: BrokerRecords, since: datetime) -> list[Fill]:
    """List the fills, with a second's grace for clocks that differ."""
    return list(await records.list_fills(since - timedelta(seconds=1)))
