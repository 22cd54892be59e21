"""A real account as the contract suites see it: what can be read is read, and nobody steers its market."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NoReturn

import pytest

from planfill.adapters.clock import SystemClock
from planfill.application.ports.broker import Broker, BrokerRecords
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.domain.market import Quote
from planfill.domain.order import Order, Side
from planfill.domain.report import ExecutionReport, Fill
from planfill.domain.values import ClientOrderId, Money, Price, Quantity
from planfill.testing.venue import Venue, a_new_order, ended, reported

# Liquid, fractionable, and cheap enough for a test account; the first that are not held are traded.
CANDIDATES: Final = ("KO", "XLF", "VZ", "BAC", "CSCO", "INTC")
HELD: Final = "F"
WHOLE_ONLY: Final = "OCGN"
_AT_LEAST: Final = Decimal("2.5")


class PaperClock(SystemClock):
    """Sleeps long enough for an account that may ask 200 times a minute."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(max(seconds, 0.5))


class Renamed(Broker, BrokerRecords):
    """
    Puts the run before the names that the suites give to orders.

    They are the same each time, and an account takes a name only once in its life. None begins with pf-: an
    order of ours that no ledger knows would block the account.
    """

    def __init__(self, brokerage: Brokerage, run: str) -> None:
        self._broker = brokerage.broker
        self._records = brokerage.records
        self.run = run
        self._placed: set[str] = set()
        self._before: set[str] = set()

    def begin(self) -> None:
        """Begin a card: fills of earlier orders may be seconds old, and are not of its making."""
        self._before |= self._placed

    async def place_order(self, order: Order) -> ExecutionReport:
        name = self._theirs(order.client_order_id)
        renamed = Order.model_validate({**dict(order), "client_order_id": name})
        report = await self._broker.place_order(renamed)
        self._placed.add(report.broker_order_id)
        return self._ours(report)

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        return self._ours(await self._broker.get_order_status(self._theirs(client_order_id)))

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        await self._broker.cancel_order(self._theirs(client_order_id))

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        return [self._ours(one) for one in await self._records.list_orders(since)]

    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        fills = await self._records.list_fills(since)
        return [one for one in fills if one.broker_order_id not in self._before]

    def _theirs(self, name: ClientOrderId) -> ClientOrderId:
        return ClientOrderId(f"{self.run}{name}")

    def _ours(self, report: ExecutionReport) -> ExecutionReport:
        name = report.client_order_id.removeprefix(self.run)
        return ExecutionReport.model_validate({**dict(report), "client_order_id": name})


class PaperVenue(Venue):
    """The market as it is. Cards that must hold fills back, or let them go, are skipped."""

    untradable = None
    unknown = "NOSUCHX"
    nonsense = ()

    def __init__(self, broker: Renamed, brokerage: Brokerage) -> None:
        self.clock: Clock = PaperClock()
        self._broker = broker
        self._brokerage = brokerage

    async def arrive(self) -> None:
        """Read what the suites must know; hold at least 2.5 shares of what is to be sold."""
        brokerage = self._brokerage
        await self._hold()
        held = await brokerage.account.get_positions([*CANDIDATES, HELD])
        self.symbol, *others = [one for one in CANDIDATES if one not in held]
        self.others = tuple(others[:2])
        quote = (await brokerage.market_data.get_current_prices([self.symbol])).get(self.symbol)
        if not isinstance(quote, Quote):
            pytest.skip(f"there is no quote of {self.symbol}: {quote}")
        self.price = Price(quote.mid)
        self.held, self.held_quantity = HELD, held[HELD]
        known = (await brokerage.instruments.get_instruments([WHOLE_ONLY])).get(WHOLE_ONLY)
        self.whole_only = WHOLE_ONLY if known is not None and not known.fractionable else None
        self.cash_usd = Money((await brokerage.account.get_account()).cash_usd)
        if self.cash_usd < 10_000:
            pytest.skip(f"the suites need 10,000 dollars, and the account has {self.cash_usd}")
        self._broker.begin()

    async def leave(self) -> None:
        """Cancel what still works, and sell what was bought."""
        for report in await self._open():
            await self._broker.cancel_order(report.client_order_id)
            await reported(self._broker, self, report.client_order_id, until=ended)
        for symbol, quantity in (await self._brokerage.account.get_sellable(CANDIDATES)).items():
            if symbol in (self.symbol, *self.others):
                await self._trade(symbol, quantity, Side.SELL)

    async def hold_fills(self) -> NoReturn:
        pytest.skip("nobody steers a real market")

    async def let_fill(self, symbol: str, shares: Quantity | None = None) -> NoReturn:
        pytest.skip("nobody steers a real market")

    async def _open(self) -> list[ExecutionReport]:
        listed = await self._broker.list_orders(self.clock.now() + timedelta(hours=1))
        return [
            one for one in listed if one.client_order_id.startswith("pf-contract-") and not one.is_terminal
        ]

    async def _hold(self) -> None:
        held = (await self._brokerage.account.get_positions([HELD])).get(HELD, Decimal(0))
        if held < _AT_LEAST:
            await self._trade(HELD, Quantity(_AT_LEAST - held), Side.BUY)

    async def _trade(self, symbol: str, quantity: Quantity, side: Side) -> None:
        order = a_new_order(symbol, quantity, side=side, at=self.clock.now())
        await self._broker.place_order(order)
        await reported(self._broker, self, order.client_order_id, until=ended)


def prices() -> dict[str, Any]:
    """Give prices for a stand-in that knows what the suites trade."""
    return {HELD: "12.5", WHOLE_ONLY: "1.5", "SPY": "612.35", "QQQ": "543.21"} | {
        one: str(20 + 10 * n) for n, one in enumerate(CANDIDATES)
    }
