"""What of the façade halts: at once, whatever else it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.shadow_facade import ShadowingFacade

if TYPE_CHECKING:
    from planfill.application.halting import HaltReport, Halts, LiftReport


class HaltingFacade(ShadowingFacade):
    """The part of ``ExecutionFacade`` that waits for nobody."""

    def halt(self, reason: str, *, account: str | None = None, reduce_only: bool = False) -> HaltReport:
        """
        Halt all accounts, or one, by number, key or name in the settings; it lasts until ``unhalt``.

        Every process that executes with this ledger sends nothing new within a second, cancels what works
        and ends HALTED; with ``reduce_only`` it goes on selling. What nobody drives is ended here. New plans
        are refused; with ``reduce_only`` they are sold from, and buy nothing.

        Raises:
            AccountUnknown: The settings name another account.
            HaltUnavailable: Nothing is halted: neither the ledger nor the file beside it can be written to.

        """
        return self._thread.call(self._halt, reason, account, reduce_only)

    def unhalt(self, reason: str = "", *, account: str | None = None) -> LiftReport:
        """
        Lift the halt of all accounts together, or of one; what was stopped stays stopped.

        Raises:
            AccountUnknown: The settings name another account.
            HaltUnavailable, LedgerError: It still holds.

        """
        return self._thread.call(self._unhalt, reason, account)

    async def _halt(self, reason: str, account: str | None, reduce_only: bool) -> HaltReport:  # noqa: FBT001
        return await self._halts(account).halt(reason, account=account, reduce_only=reduce_only)

    async def _unhalt(self, reason: str, account: str | None) -> LiftReport:
        return await self._halts(account).lift(reason, account=account)

    def _halts(self, account: str | None) -> Halts:
        """Give the use-cases of an account that the settings name; any other the ledger may know."""
        named = account in self._services.accounts
        return (self._services.of(account) if named else self._services).halts()
