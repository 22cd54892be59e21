"""The contracts of what is asked before an order is made: prices, instruments, hours, the account."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from decimal import Decimal

import pytest

from planfill.application.ports.broker import Broker
from planfill.application.ports.market import (
    BrokerAccount,
    InstrumentCatalog,
    MarketData,
    MarketHours,
)
from planfill.domain.market import Capabilities, NoQuote, Quote
from planfill.domain.order import Side
from planfill.domain.values import ZERO_USD
from planfill.testing.cards import BrokerCards
from planfill.testing.venue import Venue, a_new_order, ended, reported

_CENT = Decimal("0.01")


class MarketDataContract:
    """Cards M01 to M05."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    @abstractmethod
    def venue(self) -> Venue:
        """Make the market behind the prices."""

    @pytest.fixture
    @abstractmethod
    def market_data(self, venue: Venue) -> MarketData:
        """Make the source of prices under test."""

    async def test_one_call_quotes_many(self, market_data: MarketData, venue: Venue) -> None:
        """M01. From Hummingbot, last prices."""
        symbols = [venue.symbol, *venue.others]
        prices = await market_data.get_current_prices(symbols)
        assert all(isinstance(prices[symbol], Quote) for symbol in symbols)
        assert all(prices[symbol].symbol == symbol for symbol in symbols)

    async def test_a_quote_is_near_the_market_and_says_when_and_whence(
        self, market_data: MarketData, venue: Venue
    ) -> None:
        """M02."""
        quote = (await market_data.get_current_prices([venue.symbol]))[venue.symbol]
        assert isinstance(quote, Quote)
        assert abs(quote.mid - venue.price) <= venue.price * Decimal("0.05")
        assert quote.at <= venue.clock.now() + timedelta(seconds=5)
        assert quote.source

    async def test_an_unknown_symbol_has_no_quote_and_disturbs_no_other(
        self, market_data: MarketData, venue: Venue
    ) -> None:
        """M03."""
        prices = await market_data.get_current_prices([venue.unknown, venue.symbol])
        assert isinstance(prices.get(venue.unknown, NoQuote(symbol=venue.unknown)), NoQuote)
        assert isinstance(prices[venue.symbol], Quote)

    async def test_nonsense_is_no_quote(self, market_data: MarketData, venue: Venue) -> None:
        """M04."""
        prices = await market_data.get_current_prices([*venue.nonsense, venue.symbol])
        assert not [s for s in venue.nonsense if isinstance(prices.get(s), Quote)]
        assert isinstance(prices[venue.symbol], Quote)

    async def test_nothing_asked_is_nothing_answered(self, market_data: MarketData) -> None:
        """M05."""
        assert not await market_data.get_current_prices([])


class InstrumentCatalogContract(BrokerCards):
    """Cards I01 to I03."""

    @pytest.fixture
    @abstractmethod
    def instruments(self, venue: Venue) -> InstrumentCatalog:
        """Make the catalog under test."""

    async def test_one_call_describes_many(
        self, instruments: InstrumentCatalog, venue: Venue, capabilities: Capabilities
    ) -> None:
        """I01. From Hummingbot, trading rules."""
        symbols = [venue.symbol, *venue.others]
        found = await instruments.get_instruments(symbols)
        assert all(found[s].tradable for s in symbols)
        assert all(found[s].fractionable == capabilities.fractions for s in symbols)
        assert all(found[s].symbol == s for s in symbols)

    async def test_an_unknown_symbol_is_absent(self, instruments: InstrumentCatalog, venue: Venue) -> None:
        """I02."""
        found = await instruments.get_instruments([venue.unknown, venue.symbol])
        assert set(found) == {venue.symbol}

    async def test_what_is_special_is_said(self, instruments: InstrumentCatalog, venue: Venue) -> None:
        """I03."""
        special = [s for s in (venue.whole_only, venue.untradable) if s is not None]
        found = await instruments.get_instruments(special)
        if venue.whole_only is not None:
            assert found[venue.whole_only].lot == 1
        if venue.untradable is not None:
            assert not found[venue.untradable].tradable


class MarketHoursContract:
    """Card H01, for a venue whose market is open."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    @abstractmethod
    def venue(self) -> Venue:
        """Make the market behind the hours."""

    @pytest.fixture
    @abstractmethod
    def hours(self, venue: Venue) -> MarketHours:
        """Make the hours under test."""

    async def test_the_session_is_on_and_ends_later(self, hours: MarketHours, venue: Venue) -> None:
        """H01."""
        session = await hours.get_session()
        assert session.is_open
        assert session.closes_at is None or session.closes_at > venue.clock.now()


class BrokerAccountContract:
    """Cards A01 to A07."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    @abstractmethod
    def venue(self) -> Venue:
        """Make the market behind the account."""

    @pytest.fixture
    @abstractmethod
    def broker(self, venue: Venue) -> Broker:
        """Make the broker that places the orders, at the venue."""

    @pytest.fixture
    @abstractmethod
    def account(self, broker: Broker) -> BrokerAccount:
        """Make the account under test, which ``broker`` trades."""

    async def test_the_account_says_whose_it_is_and_what_it_has(
        self, account: BrokerAccount, venue: Venue
    ) -> None:
        """A01. From LEAN 1 and 13."""
        first, second = await account.get_account(), await account.get_account()
        assert first.key == second.key
        assert first.cash_usd == venue.cash_usd
        assert (first.open_buys_usd, first.currency, first.blocked) == (ZERO_USD, "USD", "")

    async def test_what_is_held_can_be_sold_and_nothing_else(
        self, account: BrokerAccount, venue: Venue
    ) -> None:
        """A02. From LEAN 14."""
        sellable = await account.get_sellable([venue.held, venue.symbol, venue.unknown])
        assert sellable == {venue.held: venue.held_quantity}

    async def test_an_open_sale_locks_its_shares(
        self, account: BrokerAccount, broker: Broker, venue: Venue
    ) -> None:
        """A03."""
        await venue.hold_fills()
        order = a_new_order(venue.held, side=Side.SELL, at=venue.clock.now())
        await broker.place_order(order)
        assert (await account.get_sellable([venue.held]))[venue.held] == venue.held_quantity - 1
        await reported(broker, venue, order.client_order_id, until=lambda _: True)
        await broker.cancel_order(order.client_order_id)
        await reported(broker, venue, order.client_order_id, until=ended)
        assert (await account.get_sellable([venue.held]))[venue.held] == venue.held_quantity

    async def test_an_open_buy_is_seen_and_takes_buying_power(
        self, account: BrokerAccount, broker: Broker, venue: Venue
    ) -> None:
        """A04."""
        before = await account.get_account()
        await venue.hold_fills()
        await broker.place_order(a_new_order(venue.symbol, "10", at=venue.clock.now()))
        after = await account.get_account()
        assert after.cash_usd == before.cash_usd
        assert after.open_buys_usd >= venue.price * 10 * Decimal("0.9")
        assert after.buying_power_usd < before.buying_power_usd

    async def test_a_buy_costs_what_its_report_says(
        self, account: BrokerAccount, broker: Broker, venue: Venue
    ) -> None:
        """A05. From Hummingbot, balances."""
        before = await account.get_account()
        order = a_new_order(venue.symbol, "3", at=venue.clock.now())
        await broker.place_order(order)
        done = await reported(broker, venue, order.client_order_id, until=ended)
        after = await account.get_account()
        assert done.average_price is not None
        cost = done.filled_quantity * done.average_price + (done.fees_usd or 0)
        assert abs(before.cash_usd - after.cash_usd - cost) <= _CENT
        assert after.open_buys_usd == before.open_buys_usd
        assert (await account.get_sellable([venue.symbol]))[venue.symbol] == 3

    async def test_selling_all_leaves_exactly_nothing(
        self, account: BrokerAccount, broker: Broker, venue: Venue
    ) -> None:
        """A06. From LEAN 5."""
        before = await account.get_account()
        order = a_new_order(venue.held, venue.held_quantity, side=Side.SELL, at=venue.clock.now())
        await broker.place_order(order)
        await reported(broker, venue, order.client_order_id, until=ended)
        assert not (await account.get_sellable([venue.held])).get(venue.held)
        assert (await account.get_account()).cash_usd > before.cash_usd

    async def test_what_is_held_stays_held_while_an_open_sale_locks_it(
        self, account: BrokerAccount, broker: Broker, venue: Venue
    ) -> None:
        """A07."""
        symbols = [venue.held, venue.symbol, venue.unknown]
        assert await account.get_positions(symbols) == {venue.held: venue.held_quantity}
        await venue.hold_fills()
        order = a_new_order(venue.held, side=Side.SELL, at=venue.clock.now())
        await broker.place_order(order)
        assert await account.get_positions(symbols) == {venue.held: venue.held_quantity}
        await venue.let_fill(venue.held)
        await reported(broker, venue, order.client_order_id, until=ended)
        assert await account.get_positions(symbols) == {venue.held: venue.held_quantity - 1}
