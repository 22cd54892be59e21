"""The contract of asking about orders when something goes wrong."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import Final

import pytest

from planfill.application.ports.broker import Broker, BrokerRecords
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.report import OrderStatus, merge
from planfill.domain.values import Quantity
from planfill.testing.trouble_cards import (
    ANSWERS_LOST,
    UNLISTED,
    TroubleCards,
    a_working_order,
    near,
    troubled,
)
from planfill.testing.troubled_venue import Request, Trouble, TroubledVenue
from planfill.testing.venue import a_new_order, ended, has_filled, reported, stands

_UNHEARD: Final = (*ANSWERS_LOST, Trouble.REFUSED_CONNECTION)


class ReadTroubleContract(TroubleCards):
    """Cards T13 to T16."""

    @troubled(*_UNHEARD)
    async def test_an_order_that_could_not_be_asked_about_is_not_an_order_not_found(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T13. From Hummingbot, order update request fails."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await broker.place_order(order)
        await reported(broker, venue, order.client_order_id, until=ended)
        await venue.make(trouble, Request.ASK, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await broker.get_order_status(order.client_order_id)
        await venue.recover()
        done = await broker.get_order_status(order.client_order_id)
        assert stands(done, OrderStatus.FILLED, "3")

    @troubled(Trouble.FUTURE_STATUS)
    async def test_an_order_of_a_status_that_nobody_knows_counts_as_working(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T14: and what the broker said is kept."""
        order = a_new_order(venue.symbol, at=venue.clock.now())
        await broker.place_order(order)
        await reported(broker, venue, order.client_order_id, until=ended)
        await venue.make(trouble, Request.ASK)
        report = await broker.get_order_status(order.client_order_id)
        assert (report.status, report.is_terminal) == (OrderStatus.UNKNOWN, False)
        assert venue.future_status in report.raw
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert merge(report, done) is done

    @troubled(Trouble.UNPRICED)
    async def test_a_fill_without_a_price_is_not_a_fill_at_none(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T15: the price is unknown, or was read elsewhere. From LEAN, fill price above 0."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await broker.place_order(order)
        await reported(broker, venue, order.client_order_id, until=ended)
        await venue.make(trouble, Request.ASK)
        report = await broker.get_order_status(order.client_order_id)
        assert stands(report, OrderStatus.FILLED, "3")
        assert near(venue, report) or not report.is_priced
        assert near(venue, await reported(broker, venue, order.client_order_id, until=ended))

    @troubled(Trouble.LATE_FILL)
    async def test_an_order_that_has_ended_may_still_grow(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T16. From Hummingbot, lost order whose fills are processed."""
        order = await a_working_order(broker, venue)
        await venue.let_fill(venue.symbol, Quantity(Decimal(2)))
        await reported(broker, venue, order.client_order_id, until=has_filled(2))
        await broker.cancel_order(order.client_order_id)
        await reported(broker, venue, order.client_order_id, until=ended)
        await venue.make(trouble, Request.ASK)
        early = await broker.get_order_status(order.client_order_id)
        assert stands(early, OrderStatus.CANCELED, "0")
        late = await reported(broker, venue, order.client_order_id, until=has_filled(2))
        assert merge(early, late) is late
        assert stands(late, OrderStatus.CANCELED, "2")


class RecordsTroubleContract(TroubleCards):
    """Cards T17 and T18."""

    @pytest.fixture
    @abstractmethod
    def records(self, broker: Broker) -> BrokerRecords:
        """Make the records under test, of the account that ``broker`` trades."""

    @troubled(*UNLISTED)
    async def test_orders_that_could_not_be_listed_are_not_an_empty_list(
        self, broker: Broker, records: BrokerRecords, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T17."""
        since = venue.clock.now()
        order = await a_working_order(broker, venue)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await venue.make(trouble, Request.LIST_ORDERS, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await records.list_orders(since)
        await venue.recover()
        listed = await records.list_orders(since)
        assert order.client_order_id in {report.client_order_id for report in listed}

    @troubled(*UNLISTED)
    async def test_fills_that_could_not_be_listed_are_not_an_empty_list(
        self, broker: Broker, records: BrokerRecords, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T18. From Hummingbot, fill query fails."""
        since = venue.clock.now()
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        placed = await broker.place_order(order)
        await reported(broker, venue, order.client_order_id, until=ended)
        await venue.make(trouble, Request.LIST_FILLS, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await records.list_fills(since)
        await venue.recover()
        fills = await records.list_fills(since)
        mine = [fill.quantity for fill in fills if fill.broker_order_id == placed.broker_order_id]
        assert sum(mine) == 3
