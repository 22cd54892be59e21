"""Ending what nobody drives under a halt: what works is canceled, read, recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.stopping import StopSignal
from planfill.domain.errors import AccountBusy, ExecutionError, LedgerError
from planfill.domain.outcome import Reason
from planfill.domain.result import ExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from planfill.application.execute import ExecutePlan
    from planfill.application.ports.ledger import Ledger
    from planfill.application.queries import Executions
    from planfill.domain.halting import Halt
    from planfill.domain.identity import ExecutionKey
    from planfill.domain.plan import Plan
    from planfill.domain.result import ExecutionResult


class WindDown:
    """
    Ends unfinished executions, sells included: to go on selling takes somebody who watches over it.

    ``ended`` gives the results, ``obeying`` says which ones another process drives and will end, ``troubles``
    what could not be done.
    """

    def __init__(
        self, ledger: Ledger, executions: Executions, serving: Callable[[Plan], ExecutePlan]
    ) -> None:
        self.ended: list[ExecutionResult] = []
        self.obeying: list[str] = []
        self.troubles: list[str] = []
        self._ledger = ledger
        self._executions = executions
        self._serving = serving

    async def all(self, halt: Halt) -> None:
        """End what is unfinished on the accounts that are halted."""
        try:
            unfinished = await self._executions.all(unfinished=True)
        except LedgerError as e:
            self.troubles.append(f"nobody can say what is unfinished: {e}")
            return
        for one in unfinished:
            if halt.account in {None, one.key.account}:
                await self._end(one.key, halt)

    async def _end(self, key: ExecutionKey, halt: Halt) -> None:
        stop = StopSignal()
        stop.request(Reason.HALTED, str(halt))
        try:
            # Whether somebody drives it is known without a broker, which may be far away, or gone.
            async with await self._ledger.claim(key.account, holder=f"halt by {halt.by}", at=halt.at):
                _, plan = await self._executions.plan(key.plan_id, str(key.account))
            result = await self._serving(plan)(plan, stop, resuming=key)
        except AccountBusy as e:
            self.obeying.append(f"plan {key.plan_id!r}: {e}")
            return
        except ExecutionError as e:
            self.troubles.append(f"plan {key.plan_id!r} on {key.account} is not ended: {e}")
            return
        reasons = {line.reason for line in result.lines}
        if result.status is ExecutionStatus.REFUSED and reasons & {
            Reason.ACCOUNT_BUSY,
            Reason.BROKER_UNAVAILABLE,
        }:
            self.troubles.append(f"plan {key.plan_id!r} is not ended: {result.detail}")
        else:
            self.ended.append(result)
