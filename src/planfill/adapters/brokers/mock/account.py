"""The account at the simulated exchange."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.mock.desk import AtDesk
from planfill.application.ports.market import BrokerAccount
from planfill.domain.identity import AccountKey
from planfill.domain.market import Account
from planfill.domain.values import Money, Quantity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from planfill.adapters.brokers.mock.balances import Balances
    from planfill.adapters.brokers.mock.settings import MockSettings

BRAND: Final = "mock"
_CENT: Final = Decimal("0.01")


class MockAccount(AtDesk, BrokerAccount):
    """Cash is shown to the cent, never more than there is; today's proceeds settle at midnight, UTC."""

    async def get_account(self) -> Account:
        """Read the account."""
        settings = self.desk.settings
        return await self.desk.call(
            "get_account",
            (),
            lambda exchange, now, _handling: _account(settings, exchange.balances, now),
        )

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what of the symbols can be sold."""
        return await self.desk.call(
            "get_sellable",
            symbols,
            lambda exchange, _now, _handling: _sellable(exchange.balances, symbols),
        )

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what of the symbols is held."""
        return await self.desk.call(
            "get_positions",
            symbols,
            lambda exchange, _now, _handling: _held(exchange.balances, symbols),
        )


def _account(settings: MockSettings, balances: Balances, now: datetime) -> Account:
    return Account(
        key=AccountKey(broker=BRAND, environment=BRAND, number=settings.account),
        cash_usd=_shown(balances.cash_usd),
        settled_usd=_shown(balances.settled_usd(now)),
        buying_power_usd=_shown(balances.free_usd()),
        open_buys_usd=_shown(balances.reserved_usd),
        blocked=settings.blocked,
    )


def _sellable(balances: Balances, symbols: Collection[str]) -> dict[str, Quantity]:
    return {symbol: balances.sellable(symbol) for symbol in symbols if symbol in balances.shares}


def _held(balances: Balances, symbols: Collection[str]) -> dict[str, Quantity]:
    return {symbol: balances.shares[symbol] for symbol in symbols if symbol in balances.shares}


def _shown(dollars: Money) -> Money:
    return Money(dollars.quantize(_CENT, ROUND_FLOOR))
