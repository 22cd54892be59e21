"""The contracts of what is asked before an order is made, when it cannot be asked."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import pytest

from planfill.application.ports.market import BrokerAccount, InstrumentCatalog, MarketData, MarketHours
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.market import Quote
from planfill.testing.trouble_cards import UNLISTED, TroubleCards, troubled
from planfill.testing.troubled_venue import Request, Trouble, TroubledVenue

_UNHEARD: Final = troubled(*UNLISTED)


class MarketDataTroubleContract(TroubleCards):
    """Card T28."""

    @pytest.fixture
    @abstractmethod
    def market_data(self, venue: TroubledVenue) -> MarketData:
        """Make the source of prices under test."""

    @_UNHEARD
    async def test_prices_that_could_not_be_asked_for_are_not_no_prices(
        self, market_data: MarketData, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T28."""
        await venue.make(trouble, Request.PRICES, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await market_data.get_current_prices([venue.symbol])
        await venue.recover()
        prices = await market_data.get_current_prices([venue.symbol])
        assert isinstance(prices[venue.symbol], Quote)


class InstrumentCatalogTroubleContract(TroubleCards):
    """Card T29."""

    @pytest.fixture
    @abstractmethod
    def instruments(self, venue: TroubledVenue) -> InstrumentCatalog:
        """Make the catalog under test, which has asked nothing yet."""

    @_UNHEARD
    async def test_instruments_that_could_not_be_asked_for_do_not_count_as_unknown(
        self, instruments: InstrumentCatalog, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T29."""
        await venue.make(trouble, Request.INSTRUMENTS, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await instruments.get_instruments([venue.symbol])
        await venue.recover()
        assert (await instruments.get_instruments([venue.symbol]))[venue.symbol].tradable


class MarketHoursTroubleContract(TroubleCards):
    """Card T30."""

    @pytest.fixture
    @abstractmethod
    def hours(self, venue: TroubledVenue) -> MarketHours:
        """Make the hours under test, which have asked nothing yet."""

    @_UNHEARD
    async def test_hours_that_could_not_be_asked_for_are_not_made_up(
        self, hours: MarketHours, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T30."""
        await venue.make(trouble, Request.SESSION, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await hours.get_session()
        await venue.recover()
        assert (await hours.get_session()).is_open


class BrokerAccountTroubleContract(TroubleCards):
    """Cards T31 to T33."""

    @pytest.fixture
    @abstractmethod
    def account(self, venue: TroubledVenue) -> BrokerAccount:
        """Make the account under test."""

    @_UNHEARD
    async def test_an_account_that_could_not_be_read_is_not_an_empty_one(
        self, account: BrokerAccount, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T31."""
        await venue.make(trouble, Request.ACCOUNT, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await account.get_account()
        await venue.recover()
        assert (await account.get_account()).cash_usd == venue.cash_usd

    @_UNHEARD
    async def test_what_can_be_sold_is_unknown_and_not_nothing_when_it_could_not_be_read(
        self, account: BrokerAccount, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T32."""
        await venue.make(trouble, Request.SELLABLE, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await account.get_sellable([venue.held])
        await venue.recover()
        assert await account.get_sellable([venue.held]) == {venue.held: venue.held_quantity}

    @_UNHEARD
    async def test_what_is_held_is_unknown_and_not_nothing_when_it_could_not_be_read(
        self, account: BrokerAccount, venue: TroubledVenue, trouble: Trouble
    ) -> None:
        """T33."""
        await venue.make(trouble, Request.POSITIONS, lasting=True)
        with pytest.raises(BrokerConnectionError):
            await account.get_positions([venue.held])
        await venue.recover()
        assert await account.get_positions([venue.held]) == {venue.held: venue.held_quantity}
