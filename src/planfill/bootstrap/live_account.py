"""A mock exchange whose account claims to be live, so that what is asked of such accounts can be drilled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from planfill.application.ports.market import BrokerAccount
from planfill.domain.identity import AccountKey
from planfill.domain.market import Account
from planfill.domain.stages import LIVE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from planfill.application.ports.brokerage import Brokerage
    from planfill.domain.values import Quantity

LIVE_ACCOUNT: Final = AccountKey(broker="mock", environment=LIVE, number="DRILL-1")


class LiveAccount(BrokerAccount):
    """The account of an exchange, under the key of a live one."""

    def __init__(self, inner: BrokerAccount) -> None:
        self._inner = inner

    async def get_account(self) -> Account:
        """Read the account."""
        return Account.model_validate({**dict(await self._inner.get_account()), "key": LIVE_ACCOUNT})

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what of the symbols can be sold."""
        return await self._inner.get_sellable(symbols)

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what of the symbols is held."""
        return await self._inner.get_positions(symbols)


def live(family: Brokerage) -> Brokerage:
    """Give a family whose account is live."""
    return replace(family, account=LiveAccount(family.account))
