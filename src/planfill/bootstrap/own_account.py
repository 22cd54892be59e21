"""The broker of a configuration, made so that it can be no other account's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from planfill.application.ports.market import BrokerAccount
from planfill.domain.errors import AccountMismatch, Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from planfill.application.ports.brokerage import Brokerage
    from planfill.application.ports.clock import Clock
    from planfill.bootstrap.settings import Configuration
    from planfill.domain.market import Account
    from planfill.domain.values import Quantity


def made(configuration: Configuration, maker: Callable[[Any, Clock], Brokerage], clock: Clock) -> Brokerage:
    """
    Make the family of the broker that the settings name.

    Raises:
        SettingsError: It cannot be made; or the settings have several accounts, and this is none of them.

    """
    if configuration.accounts:
        message = f"choose one of {', '.join(configuration.accounts)}"
        raise SettingsError([Problem(path="accounts", message=message)])
    if configuration.lacking:
        raise SettingsError(configuration.lacking)
    if configuration.account is None:
        return maker(configuration.brokerage, clock)
    try:
        family = maker(configuration.brokerage, clock)
    except SettingsError as e:
        path = f"accounts.{configuration.account}"
        problems = [Problem(path=f"{path}.{one.path}", message=one.message) for one in e.problems]
        raise SettingsError(problems) from e
    if configuration.number is None:
        return family
    return replace(family, account=_Numbered(family.account, configuration.account, configuration.number))


class _Numbered(BrokerAccount):
    """An account that must have its number at the broker: with other keys it would be another."""

    def __init__(self, inner: BrokerAccount, name: str, number: str) -> None:
        self._inner = inner
        self._name = name
        self._number = number

    async def get_account(self) -> Account:
        """
        Read the account.

        Raises:
            AccountMismatch: It is another one.

        """
        account = await self._inner.get_account()
        if account.key.number != self._number:
            msg = (
                f"account {self._name!r} has the number {self._number} in the settings, and its keys are "
                f"those of {account.key}: nothing was sent there"
            )
            raise AccountMismatch(msg)
        return account

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what of the symbols can be sold."""
        return await self._inner.get_sellable(symbols)

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what of the symbols is held."""
        return await self._inner.get_positions(symbols)
