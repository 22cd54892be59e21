"""What of the façade tells and moves the stage of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.operating import HaltingFacade

if TYPE_CHECKING:
    from planfill.application.promoting import Promotion, RolloutReport


class StagedFacade(HaltingFacade):
    """The part of ``ExecutionFacade`` that is about the rollout."""

    def rollout(self) -> RolloutReport:
        """
        Say at which stage the account of the settings is, and each condition of the next with its evidence.

        Raises:
            BrokerConnectionError: The broker does not say which account it is.
            LedgerError: The ledger cannot be read.

        """
        return self._thread.call(self._rollout)

    def promote(self, *, override: str | None = None) -> Promotion:
        """
        Move the account to its next stage, or say what speaks against it.

        ``override`` is a reason to do so nevertheless, which is recorded.

        Raises:
            AccountBusy: Somebody executes on the account.
            BrokerConnectionError: The broker does not say which account it is.
            LedgerError: The ledger cannot be used.

        """
        return self._thread.call(self._promote, override)

    async def _rollout(self) -> RolloutReport:
        return await self._own().rollout().status()

    async def _promote(self, override: str | None) -> Promotion:
        return await self._own().rollout().promote(override)
