"""The contract of the feed when the stream does as it likes."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import Final

import anyio
import pytest

from planfill.application.ports.broker import Broker, ReportFeed
from planfill.domain.report import OrderStatus
from planfill.domain.values import Quantity
from planfill.testing.records import hear_out
from planfill.testing.trouble_cards import TroubleCards, a_working_order, troubled
from planfill.testing.troubled_venue import Trouble, TroubledVenue
from planfill.testing.venue import ended, has_filled, reported, stands

_FEED: Final = tuple(trouble for trouble in Trouble if trouble.name.startswith("FEED_"))
_WAIT_S: Final = 0.2
_ONE: Final = Quantity(Decimal(1))


class FeedTroubleContract(TroubleCards):
    """Cards T25 to T27; seconds of the venue's clock."""

    @pytest.fixture
    @abstractmethod
    def feed(self, broker: Broker) -> ReportFeed:
        """Make the feed under test, of the account that ``broker`` trades."""

    @troubled(*_FEED)
    async def test_whatever_the_stream_does_waiting_ends_in_time_and_never_fails(
        self, broker: Broker, feed: ReportFeed, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T25."""
        await a_working_order(broker, venue)
        await hear_out(feed, venue)
        await venue.make(trouble)
        for _ in range(4):
            began = venue.clock.monotonic()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(feed.wait, _WAIT_S)
                await venue.clock.sleep(_WAIT_S / 4)
                await venue.let_fill(venue.symbol, _ONE)
            assert venue.clock.monotonic() - began < 2

    @troubled(*_FEED)
    async def test_whatever_the_stream_does_asking_tells_the_truth(
        self, broker: Broker, feed: ReportFeed, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T26. From LEAN, duplicates of the stream."""
        order = await a_working_order(broker, venue)
        await hear_out(feed, venue)
        await venue.make(trouble)
        for filled in (1, 2):
            await venue.let_fill(venue.symbol, _ONE)
            await feed.wait(_WAIT_S)
            part = await reported(broker, venue, order.client_order_id, until=has_filled(filled))
            assert not part.is_terminal
        await venue.let_fill(venue.symbol)
        await feed.wait(_WAIT_S)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.FILLED, "5")

    @troubled(*(one for one in _FEED if one is not Trouble.FEED_SILENT))
    async def test_a_stream_that_recovers_wakes_who_waits(
        self, broker: Broker, feed: ReportFeed, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T27: what happened while it was away is news as well."""
        await a_working_order(broker, venue)
        await hear_out(feed, venue)
        await venue.make(trouble)
        began = venue.clock.monotonic()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(feed.wait, 120)
            for _ in range(2):
                await venue.clock.sleep(0.5)
                await venue.let_fill(venue.symbol, _ONE)
        assert venue.clock.monotonic() - began < 60
