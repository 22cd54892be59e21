"""Every call of a broker's ports, counted on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from planfill.application.counting import Tally
from planfill.application.ports.broker import Broker, BrokerRecords
from planfill.application.ports.market import BrokerAccount, InstrumentCatalog, MarketData, MarketHours

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from planfill.application.ports.brokerage import Brokerage
    from planfill.domain.market import Account, Instrument, MarketSession, NoQuote, Quote
    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport, Fill
    from planfill.domain.values import ClientOrderId, Quantity


def counted(brokerage: Brokerage) -> Brokerage:
    """Give the family with a tally of what is asked of it; the feed is listened to, not asked."""
    tally = Tally(brokerage.limiter)
    counter = _Counter(brokerage, tally)
    names = ("broker", "records", "market_data", "account", "instruments", "hours")
    ports: dict[str, Any] = dict.fromkeys(names, counter)
    return replace(brokerage, tally=tally, **ports)


class _Counter(Broker, BrokerRecords, MarketData, BrokerAccount, InstrumentCatalog, MarketHours):
    """Asks the real family, and changes nothing of it."""

    def __init__(self, real: Brokerage, tally: Tally) -> None:
        self._real = real
        self._tally = tally

    async def place_order(self, order: Order) -> ExecutionReport:
        self._tally.sending(order)
        return await self._tally.of("place_order", self._real.broker.place_order(order))

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        return await self._tally.of("get_order_status", self._real.broker.get_order_status(client_order_id))

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        await self._tally.of("cancel_order", self._real.broker.cancel_order(client_order_id))

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        return await self._tally.of("list_orders", self._real.records.list_orders(since))

    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        return await self._tally.of("list_fills", self._real.records.list_fills(since))

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        return await self._tally.of("get_current_prices", self._real.market_data.get_current_prices(symbols))

    async def get_account(self) -> Account:
        return await self._tally.of("get_account", self._real.account.get_account())

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        return await self._tally.of("get_sellable", self._real.account.get_sellable(symbols))

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        return await self._tally.of("get_positions", self._real.account.get_positions(symbols))

    async def get_instruments(self, symbols: Collection[str]) -> Mapping[str, Instrument]:
        return await self._tally.of("get_instruments", self._real.instruments.get_instruments(symbols))

    async def get_session(self) -> MarketSession:
        return await self._tally.of("get_session", self._real.hours.get_session())
