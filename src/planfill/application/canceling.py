"""Canceling a plan: whoever executes it stops; if nobody does, the canceller ends it itself."""

from __future__ import annotations

from dataclasses import dataclass

from planfill.application.execute import ExecutePlan
from planfill.application.heeding import account_stream
from planfill.application.opening import replay
from planfill.application.queries import Executions
from planfill.application.stopping import StopSignal
from planfill.domain.checks import Objection
from planfill.domain.errors import AccountBusy
from planfill.domain.events import CancelAsked
from planfill.domain.outcome import Reason
from planfill.domain.result import ExecutionResult
from planfill.domain.summary import refusal


@dataclass(frozen=True, slots=True)
class CancelPlan:
    """The use-case; ``by`` says who asks."""

    execute: ExecutePlan
    executions: Executions
    by: str

    async def __call__(self, plan_id: str, detail: str) -> ExecutionResult:
        """
        Ask for a stop, durably; then, unless another process holds the account, wind the execution down.

        Gives the final result; or REFUSED with reason ACCOUNT_BUSY where the holder will obey, within a
        second; or the recorded result of an execution that had ended before.

        Raises:
            PlanUnknown: The ledger knows no execution of it.
            AccountMismatch: It is executed on another account than the settings name.

        """
        key, plan = await self.executions.plan(plan_id)
        if await self.executions.is_unfinished(key):
            asked = CancelAsked(plan_id=plan_id, by=self.by, detail=detail)
            state, now = await replay(self.execute.ledger, key), self.execute.clock.now()
            # After the beginning, whatever the clock says: whoever resumes compares the two.
            at = max(now, state.begun_at or now)
            ledger = self.execute.ledger
            await ledger.append(account_stream(key.account), [asked], at=at)
            try:
                # Whether somebody drives it is known without a broker, which may take one program at a time.
                async with await ledger.claim(key.account, holder=self.by, at=now):
                    pass
            except AccountBusy as e:
                return refusal(plan, key.account, Objection(Reason.ACCOUNT_BUSY, str(e)), now)
        stop = StopSignal()
        stop.request(Reason.CANCELED_BY_USER, f"asked by {self.by}: {detail}")
        return await self.execute(plan, stop, resuming=key)
