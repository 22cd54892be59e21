"""Looking back: what the ledger knows of executions, without asking a broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planfill.application.opening import replay, stream_of
from planfill.application.ports.clock import Clock
from planfill.application.ports.ledger import ExecutionSummary, Ledger
from planfill.domain.errors import LedgerCorrupt, OrderNotInDoubt, PlanUnknown
from planfill.domain.events import Recorded
from planfill.domain.identity import ExecutionKey, stem_in, stem_of
from planfill.domain.plan import Plan
from planfill.domain.result import ExecutionResult
from planfill.domain.summary import summarize

_LOOK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Executions:
    """The executions in a ledger."""

    ledger: Ledger
    clock: Clock

    async def all(self, *, unfinished: bool = False) -> tuple[ExecutionSummary, ...]:
        """List the executions, oldest first; only those that can be resumed where ``unfinished``."""
        found = await self.ledger.executions()
        return tuple(one for one in found if not (unfinished and one.finished))

    async def key(self, plan_id: str | None = None, account: str | None = None) -> ExecutionKey:
        """
        Find the latest execution of a plan, or of all; on one account, where it is named.

        Raises:
            PlanUnknown: The ledger knows no execution of it.

        """
        known = await self.ledger.executions()
        keys = [
            one.key
            for one in known
            if plan_id in {None, one.key.plan_id} and account in {None, str(one.key.account)}
        ]
        if not keys:
            what = "execution" if plan_id is None else f"plan {plan_id!r}"
            msg = f"the ledger knows no {what}: planfill list shows those it knows"
            raise PlanUnknown(msg)
        return keys[-1]

    async def plan(self, plan_id: str, account: str | None = None) -> tuple[ExecutionKey, Plan]:
        """
        Give the plan as it was taken up, and the execution.

        Raises:
            PlanUnknown: The ledger knows no execution of it.
            LedgerCorrupt: Its stream does not begin with its plan.

        """
        key = await self.key(plan_id, account)
        state = await replay(self.ledger, key)
        if state.started is None:
            msg = f"{stream_of(key)} does not begin with its plan"
            raise LedgerCorrupt(msg)
        return key, state.started.plan

    async def of_order(self, client_order_id: str) -> tuple[ExecutionKey, Plan]:
        """
        Give the unfinished execution that has an order, and its plan.

        Raises:
            OrderNotInDoubt: There is none.

        """
        for one in await self.all(unfinished=True):
            if stem_of(one.key) == stem_in(client_order_id):
                return await self.plan(one.key.plan_id, str(one.key.account))
        msg = f"no unfinished execution has an order {client_order_id!r}: planfill list --unfinished"
        raise OrderNotInDoubt(msg)

    async def events(self, plan_id: str, after: int = 0, wait_s: float = 0) -> tuple[Recorded, ...]:
        """
        Give what was recorded of a plan's execution after the event of that number; wait for it so long.

        Raises:
            PlanUnknown: The ledger knows no execution of it.

        """
        stream, until = stream_of(await self.key(plan_id)), self.clock.monotonic() + wait_s
        while True:
            found, left = await self.ledger.read(stream, after), until - self.clock.monotonic()
            if found or left <= 0:
                return found
            await self.clock.sleep(min(_LOOK_S, left))

    async def is_unfinished(self, key: ExecutionKey) -> bool:
        """Tell whether there is anything left to do about an execution."""
        return any(one.key == key for one in await self.all(unfinished=True))

    async def result(self, plan_id: str) -> ExecutionResult:
        """
        Give the result of a plan: the recorded one, or of an unfinished execution how it stands.

        Raises:
            PlanUnknown: The ledger knows no execution of it.

        """
        state = await replay(self.ledger, await self.key(plan_id))
        if state.result is not None:
            return state.result.at_head(state.result_head)
        return summarize(state, self.clock.now()).at_head(state.head)
