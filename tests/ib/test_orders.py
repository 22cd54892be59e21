"""What became of an order at Interactive Brokers, in whatever parts it is told."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from at_ib import AtIb
from ib_gateway import Fault
from ib_venue import IbVenue

from planfill.application.ports.broker import Broker, BrokerRecords
from planfill.domain.report import OrderStatus, merge
from planfill.testing.venue import a_new_order, ended, reported, stands


class TestOrders(AtIb):
    @pytest.fixture
    def venue(self) -> Iterator[IbVenue]:
        with IbVenue(fill_delay_s=0) as venue:
            yield venue

    async def test_what_is_said_to_have_filled_before_how_much_is_not_filled_with_nothing(
        self, broker: Broker, venue: IbVenue
    ) -> None:
        venue.gateway.faults.always("told", Fault.FEED_HESITATES)
        for _ in range(5):
            order = a_new_order(venue.symbol, "3", at=venue.clock.now())
            first = await broker.place_order(order)
            assert not first.is_terminal or stands(first, OrderStatus.FILLED, "3")
            done = await reported(broker, venue, order.client_order_id, until=ended)
            assert stands(done, OrderStatus.FILLED, "3")
            assert merge(first, done) is done

    async def test_what_has_filled_at_once_is_reported_with_its_fees(
        self, broker: Broker, venue: IbVenue
    ) -> None:
        order = a_new_order(venue.symbol, "100", at=venue.clock.now())
        report = await broker.place_order(order)
        if not report.is_terminal:
            report = await reported(broker, venue, order.client_order_id, until=ended)
        assert report.fees_usd == Decimal("0.50")

    async def test_fees_that_come_late_are_unknown_and_then_known(
        self, broker: Broker, records: BrokerRecords, venue: IbVenue
    ) -> None:
        since = venue.clock.now()
        venue.gateway.faults.once("place", Fault.LATE_COMMISSION)
        order = a_new_order(venue.symbol, "100", at=venue.clock.now())
        await broker.place_order(order)
        early = await reported(broker, venue, order.client_order_id, until=ended)
        assert early.fees_usd is None
        venue.gateway.report_commissions()
        late = await broker.get_order_status(order.client_order_id)
        (fill,) = await records.list_fills(since)
        assert late.fees_usd == fill.fees_usd == Decimal("0.50")
