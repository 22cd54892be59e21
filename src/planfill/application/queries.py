"""Looking back: what the ledger knows of executions, without asking a broker."""

from __future__ import annotations

from dataclasses import dataclass

from planfill.application.execute import stream_of
from planfill.application.ports.clock import Clock
from planfill.application.ports.ledger import ExecutionSummary, Ledger
from planfill.domain.errors import PlanUnknown
from planfill.domain.result import ExecutionResult
from planfill.domain.state import ExecutionState
from planfill.domain.summary import summarize


@dataclass(frozen=True, slots=True)
class Executions:
    """The executions in a ledger."""

    ledger: Ledger
    clock: Clock

    async def all(self, *, unfinished: bool = False) -> tuple[ExecutionSummary, ...]:
        """List the executions, oldest first; only those that can be resumed where ``unfinished``."""
        found = await self.ledger.executions()
        return tuple(one for one in found if not (unfinished and one.finished))

    async def state(self, plan_id: str) -> ExecutionState:
        """
        Fold the latest execution of a plan.

        Raises:
            PlanUnknown: The ledger knows no execution of it.

        """
        keys = [one.key for one in await self.ledger.executions() if one.key.plan_id == plan_id]
        if not keys:
            msg = f"the ledger knows no plan {plan_id!r}: planfill list shows those it knows"
            raise PlanUnknown(msg)
        state = ExecutionState()
        for recorded in await self.ledger.read(stream_of(keys[-1])):
            state.apply(recorded)
        return state

    async def result(self, plan_id: str) -> ExecutionResult:
        """
        Give the result of a plan: the recorded one, or of an unfinished execution how it stands.

        Raises:
            PlanUnknown: The ledger knows no execution of it.

        """
        state = await self.state(plan_id)
        if state.result is not None:
            return state.result.at_head(state.result_head)
        return summarize(state, self.clock.now()).at_head(state.head)
