"""Resolving an order by an operator's evidence: never guessed, always by whom and why."""

from __future__ import annotations

from dataclasses import dataclass

from planfill.application.execute import ExecutePlan
from planfill.application.opening import replay, stream_of
from planfill.application.queries import Executions
from planfill.application.stopping import StopSignal
from planfill.domain.events import OrderResolved
from planfill.domain.resolution import Resolution, resolved
from planfill.domain.result import ExecutionResult
from planfill.domain.values import ClientOrderId


@dataclass(frozen=True, slots=True)
class ResolveOrder:
    """The use-case; ``by`` says who gives the evidence."""

    execute: ExecutePlan
    executions: Executions
    by: str

    async def __call__(self, client_order_id: str, resolution: Resolution, evidence: str) -> ExecutionResult:
        """
        Record what became of an order in doubt, and finish its execution.

        Raises:
            OrderNotInDoubt: The ledger has no such order, or it is not in doubt, or has filled more.
            AccountBusy: Somebody executes on the account.
            AccountMismatch: It is executed on another account than the settings name.

        """
        key, plan = await self.executions.of_order(client_order_id)
        ledger, now = self.execute.ledger, self.execute.clock.now()
        async with await ledger.claim(key.account, holder=self.by, at=now) as claim:
            order = (await replay(ledger, key)).orders.get(ClientOrderId(client_order_id))
            report = resolved(order, client_order_id, resolution, now)
            event = OrderResolved(
                client_order_id=ClientOrderId(client_order_id), by=self.by, evidence=evidence, report=report
            )
            await ledger.append(stream_of(key), [event], at=now, claim=claim)
        return await self.execute(plan, StopSignal(), resuming=key)
