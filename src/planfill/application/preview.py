"""Rehearsing a plan: the exact orders, every check, and why; nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass

from planfill.application.execute import ExecutePlan
from planfill.application.heeding import halt_of
from planfill.application.opening import check_same, replay, stream_of
from planfill.application.ports.halt import HaltSwitch
from planfill.application.ports.ledger import Ledger
from planfill.application.preparing import facts_of, open_orders
from planfill.application.stopping import StopSignal
from planfill.domain.errors import BrokerConnectionError, HaltUnavailable
from planfill.domain.linting import BrokenRule, lint
from planfill.domain.order import Order
from planfill.domain.plan import Plan
from planfill.domain.policy import Policy
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.state import ExecutionState, LineState
from planfill.domain.values import Value


class Preview(Value, frozen=True):
    """
    What an execution of the plan would do now.

    ``result`` is that of a rehearsal in which every order fills at its quote; ``orders`` are those that
    would be sent, by symbol; ``digest`` is what ``execute --approved`` takes. ``note`` says what the ledger
    has to say to it: executed already, in part, another plan in the way, or a halt; empty if nothing.
    ``broken`` lists every rule of broker and settings that lines would break now, market open or not.
    """

    plan_id: str
    digest: str
    warnings: tuple[str, ...]
    policy: Policy
    orders: dict[str, Order]
    result: ExecutionResult
    note: str = ""
    broken: tuple[BrokenRule, ...] = ()


@dataclass(frozen=True, slots=True)
class PreviewPlan:
    """
    The use-case; ``rehearsal`` executes at a broker that sends nothing, on a ledger of its own.

    ``ledger`` is the one in which executions are recorded; it is only read.
    """

    rehearsal: ExecutePlan
    ledger: Ledger
    switch: HaltSwitch | None = None

    async def __call__(self, plan: Plan) -> Preview:
        """
        Go through the whole loop without sending anything.

        Raises:
            PlanConflict: The account has executed another plan under this id.

        """
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
            note=await self._note(plan, result.account) or await self._halted(state),
            broken=await self._broken(plan),
        )

    async def _halted(self, state: ExecutionState) -> str:
        account = state.started.account if state.started else None
        try:
            halt = await halt_of(self.ledger, self.switch, account)
        except HaltUnavailable as e:
            return f"execute sends nothing: {e}"
        return str(halt or "")

    async def _broken(self, plan: Plan) -> tuple[BrokenRule, ...]:
        """Lint the plan; of a broker that does not answer the result speaks."""
        use, lines = self.rehearsal, [LineState(item, rank) for rank, item in enumerate(plan.items)]
        lines = [line for line in lines if line.is_pending]
        try:
            orders = await open_orders(use.brokerage, use.clock)
            facts = await facts_of(use.brokerage, use.clock, [line.item for line in lines], orders)
        except BrokerConnectionError:
            return ()
        return lint(lines, facts, use.policy) if lines else ()

    async def _note(self, plan: Plan, account: str | None) -> str:
        known = tuple(one for one in await self.ledger.executions() if str(one.key.account) == account)
        for one in known:
            if one.key.plan_id == plan.plan_id:
                state = await replay(self.ledger, one.key)
                check_same(state, plan)
                if not state.finished:
                    return "this plan is unfinished: execute goes on where it stands"
                if state.result and state.result.status is not ExecutionStatus.REFUSED:
                    return f"this plan has ended {state.result.status}: execute sends nothing"
        in_the_way = next((one.key.plan_id for one in known if not one.finished), None)
        return f"plan {in_the_way!r} is unfinished on this account: execute refuses" if in_the_way else ""
