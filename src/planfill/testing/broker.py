"""The contract of ``Broker``: subclass ``BrokerContract``, give it a broker and a venue, and run pytest."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import Final

import pytest

from planfill.application.ports.broker import Broker
from planfill.domain.errors import (
    InsufficientFundsError,
    InsufficientQuantityError,
    NotFractionableError,
    NotTradableError,
    OrderConflict,
    OrderNotFound,
    OrderRejected,
)
from planfill.domain.order import Side
from planfill.domain.report import OrderStatus, merge
from planfill.domain.values import ClientOrderId, Quantity
from planfill.testing.cards import BrokerCards, needs
from planfill.testing.venue import Venue, a_new_order, ended, has_filled, reported, stands

NOBODY: Final = ClientOrderId("pf-contract-nobody-1")


class BrokerContract(BrokerCards):
    """
    Cards B01 to B22. Each test gets a venue of its own, with the account that ``Venue`` describes.

    ``capabilities`` are the broker's own: without unique ids B02 to B04 are skipped, without fractions
    B12 and B15, without notional B21.
    """

    @pytest.fixture
    @abstractmethod
    def broker(self, venue: Venue) -> Broker:
        """Make the broker under test, at the venue."""

    async def test_placing_answers_with_both_names_of_the_order(self, broker: Broker, venue: Venue) -> None:
        """B01. From LEAN, every order is acknowledged."""
        order = a_new_order(venue.symbol, at=venue.clock.now())
        report = await broker.place_order(order)
        assert report.broker_order_id
        assert report.client_order_id == order.client_order_id
        assert (report.symbol, report.side) == (order.symbol, order.side)

    @needs("unique_ids")
    async def test_placing_twice_places_one_order(self, broker: Broker, venue: Venue) -> None:
        """B02. From FIX PossResend."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        first = await broker.place_order(order)
        second = await broker.place_order(order)
        assert first.broker_order_id == second.broker_order_id
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert done.broker_order_id == first.broker_order_id
        assert done.filled_quantity == 3

    @needs("unique_ids")
    async def test_placing_an_order_again_after_its_end_reports_that_end(
        self, broker: Broker, venue: Venue
    ) -> None:
        """B03."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await broker.place_order(order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        again = await broker.place_order(order)
        assert (again.broker_order_id, again.status) == (done.broker_order_id, OrderStatus.FILLED)
        assert again.filled_quantity == 3

    @needs("unique_ids")
    async def test_the_same_name_with_other_terms_is_a_conflict(self, broker: Broker, venue: Venue) -> None:
        """B04. From FIX, duplicate ClOrdID."""
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await broker.place_order(order)
        with pytest.raises(OrderConflict):
            await broker.place_order(
                a_new_order(venue.symbol, "4", name=order.client_order_id, at=venue.clock.now())
            )
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert done.filled_quantity == 3

    async def test_an_order_is_found_by_our_name_for_it(self, broker: Broker, venue: Venue) -> None:
        """B05. From FIX OrderStatusRequest."""
        order = a_new_order(venue.symbol, at=venue.clock.now())
        placed = await broker.place_order(order)
        found = await reported(broker, venue, order.client_order_id, until=lambda _: True)
        assert found.client_order_id == order.client_order_id
        assert found.broker_order_id == placed.broker_order_id

    async def test_an_order_that_was_never_placed_is_not_found(self, broker: Broker) -> None:
        """B06. From Hummingbot, order not found."""
        with pytest.raises(OrderNotFound):
            await broker.get_order_status(NOBODY)

    async def test_a_market_order_fills_completely_at_the_market(self, broker: Broker, venue: Venue) -> None:
        """B07. From LEAN 4."""
        order = a_new_order(venue.symbol, "7", at=venue.clock.now())
        await broker.place_order(order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.FILLED, "7")
        assert done.average_price is not None
        assert abs(done.average_price - venue.price) <= venue.price * Decimal("0.05")

    async def test_canceling_a_working_order_ends_it(self, broker: Broker, venue: Venue) -> None:
        """B08. From LEAN 2."""
        await venue.hold_fills()
        order = a_new_order(venue.symbol, at=venue.clock.now())
        await broker.place_order(order)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await broker.cancel_order(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.CANCELED, "0")

    async def test_canceling_what_is_done_changes_nothing(self, broker: Broker, venue: Venue) -> None:
        """B09. From FIX OrderCancelReject, too late."""
        order = a_new_order(venue.symbol, at=venue.clock.now())
        await broker.place_order(order)
        before = await reported(broker, venue, order.client_order_id, until=ended)
        await broker.cancel_order(order.client_order_id)
        after = await broker.get_order_status(order.client_order_id)
        assert (after.status, after.filled_quantity) == (before.status, before.filled_quantity)

    async def test_canceling_what_was_never_placed_finds_nothing(self, broker: Broker) -> None:
        """B10. From Hummingbot, cancel not found."""
        with pytest.raises(OrderNotFound):
            await broker.cancel_order(NOBODY)

    async def test_canceling_twice_is_no_error(self, broker: Broker, venue: Venue) -> None:
        """B11."""
        await venue.hold_fills()
        order = a_new_order(venue.symbol, at=venue.clock.now())
        await broker.place_order(order)
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await broker.cancel_order(order.client_order_id)
        await broker.cancel_order(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert done.status is OrderStatus.CANCELED

    @needs("fractions")
    async def test_a_quantity_is_exact_to_nine_decimals(self, broker: Broker, venue: Venue) -> None:
        """B12."""
        order = a_new_order(venue.symbol, "1.123456789", at=venue.clock.now())
        await broker.place_order(order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert done.filled_quantity == Decimal("1.123456789")

    async def test_a_buy_beyond_the_cash_is_refused_as_such(self, broker: Broker, venue: Venue) -> None:
        """B13. From Hummingbot, create fails."""
        too_many = 1 + 5 * venue.cash_usd // venue.price
        with pytest.raises(InsufficientFundsError):
            await broker.place_order(a_new_order(venue.symbol, too_many, at=venue.clock.now()))

    async def test_a_sale_beyond_the_holding_is_refused_as_such(self, broker: Broker, venue: Venue) -> None:
        """B14."""
        too_many = venue.held_quantity // 1 + 1
        with pytest.raises(InsufficientQuantityError):
            await broker.place_order(a_new_order(venue.held, too_many, side=Side.SELL, at=venue.clock.now()))

    @needs("fractions")
    async def test_a_fraction_of_a_whole_share_is_refused_as_such(self, broker: Broker, venue: Venue) -> None:
        """B15."""
        if venue.whole_only is None:
            pytest.skip("every symbol of this venue is fractionable")
        with pytest.raises(NotFractionableError):
            await broker.place_order(a_new_order(venue.whole_only, "0.5", at=venue.clock.now()))

    async def test_what_is_not_traded_is_refused_as_such(self, broker: Broker, venue: Venue) -> None:
        """B16."""
        if venue.untradable is None:
            pytest.skip("every symbol of this venue is tradable")
        with pytest.raises(NotTradableError):
            await broker.place_order(a_new_order(venue.untradable, at=venue.clock.now()))

    async def test_what_does_not_exist_is_refused(self, broker: Broker, venue: Venue) -> None:
        """B17. From Hummingbot, create fails."""
        with pytest.raises(OrderRejected):
            await broker.place_order(a_new_order(venue.unknown, at=venue.clock.now()))

    async def test_what_was_refused_stays_refused_and_does_not_work(
        self, broker: Broker, venue: Venue
    ) -> None:
        """B18."""
        too_many = 1 + 5 * venue.cash_usd // venue.price
        order = a_new_order(venue.symbol, too_many, at=venue.clock.now())
        for _ in range(2):
            with pytest.raises(InsufficientFundsError):
                await broker.place_order(order)
        try:
            report = await broker.get_order_status(order.client_order_id)
        except OrderNotFound:
            return
        assert stands(report, OrderStatus.REJECTED, "0")

    async def test_a_limit_order_fills_within_its_limit(self, broker: Broker, venue: Venue) -> None:
        """B19. From LEAN 4, limit."""
        limit = (venue.price * Decimal("1.1")).quantize(Decimal(1))
        order = a_new_order(venue.symbol, "2", limit=limit, at=venue.clock.now())
        await broker.place_order(order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.FILLED, "2")
        assert done.average_price is not None
        assert done.average_price <= limit

    async def test_a_limit_away_from_the_market_waits(self, broker: Broker, venue: Venue) -> None:
        """B20. From LEAN 12."""
        limit = (venue.price / 2).quantize(Decimal(1))
        order = a_new_order(venue.symbol, "2", limit=limit, at=venue.clock.now())
        await broker.place_order(order)
        report = await reported(broker, venue, order.client_order_id, until=lambda _: True)
        assert not report.is_terminal
        await broker.cancel_order(order.client_order_id)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert stands(done, OrderStatus.CANCELED, "0")

    @needs("notional")
    async def test_an_order_in_dollars_spends_no_more_than_them(self, broker: Broker, venue: Venue) -> None:
        """B21."""
        order = a_new_order(venue.symbol, notional=Decimal(100), at=venue.clock.now())
        await broker.place_order(order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        assert done.status is OrderStatus.FILLED
        assert done.average_price is not None
        assert Decimal("99.9") < done.filled_quantity * done.average_price <= 100

    async def test_a_partial_fill_is_kept_when_the_rest_is_canceled(
        self, broker: Broker, venue: Venue
    ) -> None:
        """B22: its quantity is exact, its price travels with it, and nothing is taken back. From LEAN 15."""
        await venue.hold_fills()
        order = a_new_order(venue.symbol, "5", at=venue.clock.now())
        known = await broker.place_order(order)
        name = order.client_order_id
        for filled in (2, 3):
            await venue.let_fill(venue.symbol, Quantity(Decimal(filled) - known.filled_quantity))
            part = await reported(broker, venue, name, until=has_filled(filled))
            assert not part.is_terminal
            known = merge(known, part)
            assert known is part
        await broker.cancel_order(name)
        done = await reported(broker, venue, name, until=ended)
        assert merge(known, done) is done
        assert stands(done, OrderStatus.CANCELED, "3")
        assert done.average_price is not None
        assert abs(done.average_price - venue.price) <= venue.price * Decimal("0.05")
