"""A broker for rehearsals: reads are the real broker's, orders fill here at their quotes, nothing is sent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.application.ports.market import BrokerAccount, MarketData
from planfill.domain.errors import OrderNotFound
from planfill.domain.identity import stem_in
from planfill.domain.market import Account, Quote
from planfill.domain.order import Side
from planfill.domain.report import ExecutionReport, Fill, OrderStatus
from planfill.domain.values import BrokerOrderId, Quantity, worth

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from planfill.application.ports.brokerage import Brokerage
    from planfill.application.ports.clock import Clock
    from planfill.domain.market import NoQuote
    from planfill.domain.order import Order
    from planfill.domain.values import ClientOrderId


def rehearsal(brokerage: Brokerage, clock: Clock) -> Brokerage:
    """Put a broker that sends nothing in the place of the real one."""
    stage = _Stage(brokerage, clock)
    ports: dict[str, Any] = dict.fromkeys(("broker", "records", "market_data", "account", "feed"), stage)
    # What is not sent need not wait for its turn, and is nowhere recorded.
    return replace(brokerage, limiter=None, tally=None, **ports)


class _Stage(Broker, BrokerRecords, MarketData, BrokerAccount, ReportFeed):
    """Fills every order at once at the last quote seen, and moves the cash that is shown accordingly."""

    def __init__(self, real: Brokerage, clock: Clock) -> None:
        self._real = real
        self._clock = clock
        self._quotes: dict[str, Quote] = {}
        self._reports: dict[ClientOrderId, ExecutionReport] = {}
        self._moved = Decimal(0)

    async def place_order(self, order: Order) -> ExecutionReport:
        price = self._quotes[order.symbol].near(order.side)
        quantity = order.quantity or Quantity((order.notional or Decimal(0)) / price)
        value = worth(quantity, price)
        self._moved += -value if order.side is Side.BUY else value
        report = ExecutionReport(
            client_order_id=order.client_order_id,
            broker_order_id=BrokerOrderId("rehearsal"),
            symbol=order.symbol,
            side=order.side,
            status=OrderStatus.FILLED,
            filled_quantity=quantity,
            average_price=price,
            reported_at=self._clock.now(),
        )
        self._reports[order.client_order_id] = report
        return report

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        if client_order_id not in self._reports:
            msg = f"{client_order_id} was not placed"
            raise OrderNotFound(msg)
        return self._reports[client_order_id]

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        await self.get_order_status(client_order_id)

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        # What Planfill itself has at work is the ledger's business, of which a rehearsal has none.
        others = [
            one for one in await self._real.records.list_orders(since) if not stem_in(one.client_order_id)
        ]
        return [*others, *(one for one in self._reports.values() if one.reported_at >= since)]

    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        return await self._real.records.list_fills(since)

    async def wait(self, timeout_s: float) -> None:
        await self._clock.sleep(timeout_s)

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        prices = await self._real.market_data.get_current_prices(symbols)
        self._quotes |= {s: quote for s, quote in prices.items() if isinstance(quote, Quote)}
        return prices

    async def get_account(self) -> Account:
        account = await self._real.account.get_account()
        return Account.model_validate({**dict(account), "cash_usd": account.cash_usd + self._moved})

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        return await self._real.account.get_sellable(symbols)

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        return await self._real.account.get_positions(symbols)
