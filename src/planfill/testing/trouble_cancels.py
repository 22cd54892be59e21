"""The contract of canceling an order when something goes wrong."""

from __future__ import annotations

import pytest

from planfill.application.ports.broker import Broker
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.report import OrderStatus
from planfill.testing.trouble_cards import TroubleCards, a_working_order, near, troubled
from planfill.testing.troubled_venue import Request, Trouble, TroubledVenue
from planfill.testing.venue import a_new_order, ended, reported, stands


class CancelTroubleContract(TroubleCards):
    """Cards T19 to T24; what became of the order only a report says."""

    @troubled(Trouble.ANSWER_504, Trouble.RESET, Trouble.HANG)
    async def test_a_cancel_without_an_answer_is_in_doubt_and_can_be_repeated(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T19. From Nautilus TC-E75."""
        order = await a_working_order(broker, venue)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await venue.make(trouble, Request.CANCEL)
        with pytest.raises(BrokerConnectionError):
            await broker.cancel_order(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.CANCELED, "0")
        await broker.cancel_order(order.client_order_id)

    @troubled(Trouble.LOST_REQUEST, Trouble.REFUSED_CONNECTION)
    async def test_after_a_cancel_that_never_arrived_the_order_works(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T20. From Hummingbot, cancel of a lost order whose request fails."""
        order = await a_working_order(broker, venue)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await venue.make(trouble, Request.CANCEL, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await broker.cancel_order(order.client_order_id)
        await venue.recover()
        assert not (await broker.get_order_status(order.client_order_id)).is_terminal
        await broker.cancel_order(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.CANCELED, "0")

    @troubled(Trouble.CANCEL_IGNORED)
    async def test_an_order_whose_cancel_was_ignored_works_until_it_is_canceled(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T21."""
        order = await a_working_order(broker, venue)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await venue.make(trouble, Request.CANCEL)
        await broker.cancel_order(order.client_order_id)
        assert not (await broker.get_order_status(order.client_order_id)).is_terminal
        await broker.cancel_order(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.CANCELED, "0")

    @troubled(Trouble.FILL_DURING_CANCEL)
    async def test_a_fill_during_the_cancel_leaves_no_remainder(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T22: that it came too late to cancel is no error."""
        order = await a_working_order(broker, venue)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await venue.make(trouble, Request.CANCEL)
        await broker.cancel_order(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.FILLED, "5")
        await broker.cancel_order(order.client_order_id)
        assert await broker.get_order_status(order.client_order_id) == done

    @troubled(Trouble.PARTIAL_FILL_DURING_CANCEL)
    async def test_a_partial_fill_during_the_cancel_leaves_the_exact_remainder(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T23."""
        order = await a_working_order(broker, venue)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await venue.make(trouble, Request.CANCEL)
        await broker.cancel_order(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.CANCELED, "1")
        assert near(venue, done)

    @troubled(Trouble.ANSWER_504, Trouble.RESET, Trouble.HANG)
    async def test_an_order_in_doubt_that_works_can_be_canceled(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T24. From Hummingbot, cancel of a lost order."""
        await venue.hold_fills()
        order = a_new_order(venue.symbol, "5", at=venue.clock.now())
        await venue.make(trouble)
        await self.place_in_doubt(broker, order)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await broker.cancel_order(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.CANCELED, "0")
        assert await venue.orders_named(order.client_order_id) == 1
