"""The contract of sending an order when something goes wrong."""

from __future__ import annotations

import pytest

from planfill.application.ports.broker import Broker
from planfill.domain.errors import (
    BrokerConnectionError,
    BrokerUnavailable,
    InsufficientFundsError,
    OrderNotFound,
    OutcomeUnknown,
)
from planfill.domain.report import OrderStatus, merge
from planfill.testing.cards import needs
from planfill.testing.trouble_cards import ANSWERS_LOST, TroubleCards, troubled
from planfill.testing.troubled_venue import Request, Trouble, TroubledVenue
from planfill.testing.venue import a_new_order, ended, reported, stands


class SendTroubleContract(TroubleCards):
    """Cards T01 to T12."""

    @troubled(*ANSWERS_LOST)
    async def test_an_accepted_order_without_an_answer_is_in_doubt_and_is_found_once(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T01. From Nautilus TC-E74."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await venue.make(trouble)
        await self.place_in_doubt(broker, order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.FILLED, "3")
        assert await venue.orders_named(order.client_order_id) == 1

    @needs("unique_ids")
    @troubled(*ANSWERS_LOST)
    async def test_an_order_in_doubt_that_is_placed_again_is_one_order(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T02. From FIX PossResend."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await venue.make(trouble)
        await self.place_in_doubt(broker, order)
        found = await reported(broker, venue, order.client_order_id, until=lambda _: True)
        again = await broker.place_order(order)
        assert again.broker_order_id == found.broker_order_id
        assert await venue.orders_named(order.client_order_id) == 1

    @troubled(Trouble.LOST_REQUEST)
    async def test_a_request_that_never_arrived_is_in_doubt_and_can_be_sent_again(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T03. From Hummingbot, lost order that is not found."""
        order = a_new_order(venue.symbol, at=venue.clock.now())
        await venue.make(trouble)
        await self.place_in_doubt(broker, order)
        if not self.resolves:
            with pytest.raises(OrderNotFound):
                await broker.get_order_status(order.client_order_id)
            await broker.place_order(order)
        assert await venue.orders_named(order.client_order_id) == 1

    @troubled(Trouble.REFUSED_CONNECTION)
    async def test_a_connection_that_is_refused_placed_nothing(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T04. From Nautilus TC-E74, what is known not to have been sent."""
        order = a_new_order(venue.symbol, at=venue.clock.now())
        await venue.make(trouble)
        if not self.resolves:
            with pytest.raises(BrokerUnavailable):
                await broker.place_order(order)
            assert await venue.orders_named(order.client_order_id) == 0
            await venue.recover()
        await broker.place_order(order)
        assert await venue.orders_named(order.client_order_id) == 1

    @troubled(Trouble.RATE_LIMITED)
    async def test_an_order_over_the_rate_is_not_placed_or_waits_and_can_be_sent_again(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T05."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await venue.make(trouble)
        try:
            await broker.place_order(order)
        except BrokerUnavailable:
            assert await venue.orders_named(order.client_order_id) == 0
            await broker.place_order(order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.FILLED, "3")
        assert await venue.orders_named(order.client_order_id) == 1

    @needs("unique_ids")
    @troubled(Trouble.DELIVERED_LATE)
    async def test_a_request_that_arrives_late_is_the_order_it_was(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T06."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await venue.make(trouble)
        await self.place_in_doubt(broker, order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        again = await broker.place_order(order)
        assert again.broker_order_id == done.broker_order_id
        assert stands(again, OrderStatus.FILLED, "3")
        assert await venue.orders_named(order.client_order_id) == 1

    @needs("unique_ids")
    @troubled(Trouble.DELIVERED_TWICE)
    async def test_a_request_that_arrives_twice_is_one_order(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T07. From FIX PossDup."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await venue.make(trouble)
        first = await broker.place_order(order)
        await venue.clock.sleep(1)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert done.broker_order_id == first.broker_order_id
        assert stands(done, OrderStatus.FILLED, "3")
        assert await venue.orders_named(order.client_order_id) == 1

    @troubled(Trouble.ANSWER_504, Trouble.RESET, Trouble.HANG)
    async def test_a_refusal_whose_answer_is_lost_is_in_doubt_and_nothing_works(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T08. From Nautilus TC-E74."""
        too_many = 1 + 5 * venue.cash_usd // venue.price
        order = a_new_order(venue.symbol, too_many, at=venue.clock.now())
        await venue.make(trouble)
        if not self.resolves:
            await self.place_in_doubt(broker, order)
        with pytest.raises(InsufficientFundsError):
            await broker.place_order(order)
        assert await venue.orders_named(order.client_order_id) == 0

    @needs("unique_ids")
    @troubled(Trouble.NOT_VISIBLE)
    async def test_an_order_that_look_ups_miss_is_not_placed_again(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T09."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await venue.make(trouble)
        first = await broker.place_order(order)
        with pytest.raises(OrderNotFound):
            await broker.get_order_status(order.client_order_id)
        try:
            again = await broker.place_order(order)
        except OutcomeUnknown:
            pass  # it was told that the order is there, and could not read it yet
        else:
            assert again.broker_order_id == first.broker_order_id
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert done.broker_order_id == first.broker_order_id
        assert await venue.orders_named(order.client_order_id) == 1

    @troubled(Trouble.FILLED_BEFORE_ANSWER)
    async def test_a_fill_before_the_acknowledgement_is_not_lost(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T10. From LEAN, events while an order is being placed."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await venue.make(trouble)
        first = await broker.place_order(order)
        assert not first.is_terminal
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.FILLED, "3")
        assert merge(done, first) is done

    @troubled(Trouble.FUTURE_STATUS)
    async def test_an_acknowledgement_of_a_status_that_nobody_knows_is_of_a_working_order(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T11."""
        await venue.hold_fills()
        order = a_new_order(venue.symbol, at=venue.clock.now())
        await venue.make(trouble)
        report = await broker.place_order(order)
        assert (report.status, report.is_terminal) == (OrderStatus.UNKNOWN, False)
        assert venue.future_status in report.raw
        assert await venue.orders_named(order.client_order_id) == 1

    @troubled(Trouble.ANSWER_504, Trouble.RESET, Trouble.HANG)
    async def test_an_order_in_doubt_that_cannot_be_asked_about_stays_in_doubt(
        self, broker: Broker, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T12. From Hummingbot, lost order whose status request fails."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await venue.make(trouble)
        await venue.make(trouble, Request.ASK)
        await self.place_in_doubt(broker, order)
        if not self.resolves:
            with pytest.raises(BrokerConnectionError):
                await broker.get_order_status(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.FILLED, "3")
        assert await venue.orders_named(order.client_order_id) == 1
