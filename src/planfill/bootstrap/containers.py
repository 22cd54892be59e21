"""The containers of one process: one for what all accounts share, one for each account that is used."""

from __future__ import annotations

from contextlib import AsyncExitStack
from threading import Lock
from typing import TYPE_CHECKING

from dependency_injector.providers import Object

from planfill.adapters.logs.event_log import EventLog
from planfill.bootstrap.container import Container
from planfill.domain.errors import AccountUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from planfill.bootstrap.settings import Configuration


class Containers:
    """
    ``shared`` alone where the settings are one account's. ``chosen`` is for whatever names no account.

    Accounts share ledger, halts, listeners and clock; each has its own broker, connections, limits and pace.

    Raises:
        AccountUnknown: The settings have no account ``chosen``.

    """

    def __init__(
        self,
        shared: Container,
        accounts: Mapping[str, Configuration] | None = None,
        file: Path | None = None,
        chosen: str | None = None,
    ) -> None:
        self.shared = shared
        self.chosen = chosen
        self._configurations = accounts or {}
        self._file = str(file or "the settings")
        self._made: dict[str, Container] = {}
        self._making = Lock()
        if chosen is not None:
            self.check(chosen)

    @property
    def names(self) -> tuple[str, ...]:
        """Name the accounts."""
        return tuple(self._configurations)

    def check(self, account: str | None) -> None:
        """
        Make sure that an account is there, or that none has to be named.

        Raises:
            AccountUnknown: It is not, or one has; the message lists them.

        """
        if account is None and self.names:
            msg = (
                f"{self._file} has the accounts {', '.join(self.names)}, and none of them was named: by "
                "account in the plan, by --account, or in Python by account="
            )
            raise AccountUnknown(msg)
        if account is not None and account not in self.names:
            there = f"has {', '.join(self.names)}" if self.names else "has none ([accounts.NAME])"
            msg = f"there is no account {account!r} in {self._file}: it {there}; nothing was sent"
            raise AccountUnknown(msg)

    def of(self, account: str) -> Container:
        """Give the container of an account, made when it is first asked for."""
        with self._making:  # of two threads that are first, both must get one: it has the account's pace
            if account not in self._made:
                own, shared = Container(configuration=Object(self._configurations[account])), self.shared
                own.clock.override(shared.clock)
                own.listeners.override(shared.listeners)
                own.writer.override(shared.writer)
                own.reader.override(shared.reader)
                own.switch.override(shared.switch)
                self._made[account] = own
            return self._made[account]

    async def aclose(self) -> None:
        """Close what was opened, all of it, whatever fails to; the ledger and the log last."""
        async with AsyncExitStack() as stack:
            for listener in self.shared.listeners():
                if isinstance(listener, EventLog):
                    stack.callback(listener.close)
            for ledger in self.shared.opened():
                stack.push_async_callback(ledger.aclose)
            for container in (self.shared, *self._made.values()):
                for family in container.families():
                    if family.close is not None:
                        stack.push_async_callback(family.close)
