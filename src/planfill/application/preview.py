"""Rehearsing a plan: the exact orders, every check, and why; nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass

from planfill.application.execute import ExecutePlan
from planfill.application.opening import stream_of
from planfill.application.stopping import StopSignal
from planfill.domain.order import Order
from planfill.domain.plan import Plan
from planfill.domain.policy import Policy
from planfill.domain.result import ExecutionResult
from planfill.domain.state import ExecutionState
from planfill.domain.values import Value


class Preview(Value, frozen=True):
    """
    What an execution of the plan would do now.

    ``result`` is that of a rehearsal in which every order fills at its quote; ``orders`` are those that
    would be sent, by symbol; ``digest`` is what ``execute --approved`` takes.
    """

    plan_id: str
    digest: str
    warnings: tuple[str, ...]
    policy: Policy
    orders: dict[str, Order]
    result: ExecutionResult


@dataclass(frozen=True, slots=True)
class PreviewPlan:
    """The use-case; ``rehearsal`` executes at a broker that sends nothing, on a ledger of its own."""

    rehearsal: ExecutePlan

    async def __call__(self, plan: Plan) -> Preview:
        """Go through the whole loop without sending anything."""
        result = await self.rehearsal(plan, StopSignal())
        state = ExecutionState()
        for one in await self.rehearsal.ledger.executions():
            for recorded in await self.rehearsal.ledger.read(stream_of(one.key)):
                state.apply(recorded)
        return Preview(
            plan_id=plan.plan_id,
            digest=plan.digest,
            warnings=plan.warnings,
            policy=self.rehearsal.policy,
            orders={order.order.symbol: order.order for order in state.orders.values()},
            result=result,
        )
