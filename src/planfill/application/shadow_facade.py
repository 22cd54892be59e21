"""What of the façade compares an execution with a shadow; it sends nothing here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.accounts import chosen
from planfill.application.inspecting import InspectingFacade
from planfill.application.run import ask

if TYPE_CHECKING:
    from planfill.application.shadowing import ShadowReport
    from planfill.domain.events import ShadowCompared
    from planfill.domain.identity import AccountKey
    from planfill.domain.plan import Plan
    from planfill.domain.shadow import ShadowOrder


class ShadowingFacade(InspectingFacade):
    """The part of ``ExecutionFacade`` for a parallel run."""

    def shadow(self, plan_id: str, against: str, *, account: str | None = None) -> ShadowCompared:
        """
        Compare the latest execution of a plan with what ``[shadow.AGAINST]`` made of it; it is kept.

        ``account`` is the key of the one on which it was executed, where there are several.

        Raises:
            SettingsError: There is no shadow of this name.
            PlanUnknown: The ledger knows no execution of it.
            ShadowFailed: It was refused, or has not ended: there is nothing to compare.

        """
        future = self._thread.start(self._shadow, plan_id, against, account)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C here: the shadow's process must end too
            raise

    def shadow_report(self) -> tuple[ShadowReport, ...]:
        """List the shadow runs of every account that has any, with the days that were clean."""
        return self._thread.call(self._shadow_report)

    def require_shadow(self, name: str) -> None:
        """Make sure that there is a shadow of this name; raises SettingsError otherwise."""
        self._services.shadowing().named(name)

    def traded(self, plan_id: str) -> tuple[ShadowOrder, ...]:
        """Tell what became of each line of a plan, as ``shadow`` compares it; raises as that does."""
        return self._thread.call(self._traded, plan_id)

    def account_for(self, plan: Plan) -> AccountKey:
        """
        Say on which account a plan would be executed.

        Raises:
            BrokerConnectionError: The broker does not say.

        """
        return self._thread.call(self._account_for, plan)

    async def _shadow(self, plan_id: str, against: str, account: str | None) -> ShadowCompared:
        return await self._services.shadowing().compare(plan_id, against, account)

    async def _shadow_report(self) -> tuple[ShadowReport, ...]:
        return await self._services.shadowing().report()

    async def _traded(self, plan_id: str) -> tuple[ShadowOrder, ...]:
        return await self._services.shadowing().orders(plan_id)

    async def _account_for(self, plan: Plan) -> AccountKey:
        plan = chosen(plan, self._services.chosen)
        brokerage = self._services.of(plan.account).execute().brokerage
        if brokerage.opening is not None:
            brokerage.opening(plan)
        return (await ask(brokerage.account.get_account)).key
