"""What a trading engine talks to: one object, from any thread and any event loop."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from planfill.application.accounts import chosen, recorded
from planfill.application.afterwards import Afterwards
from planfill.application.inspecting import new_signal
from planfill.application.seeing import WatchingFacade
from planfill.application.thread import LoopThread
from planfill.domain.errors import ExecutionError, PlanNotApproved
from planfill.domain.outcome import Reason
from planfill.domain.reading import read_plan
from planfill.domain.result import ExecutionResult, nothing_to_do

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future
    from types import TracebackType

    from planfill.application.preview import Preview
    from planfill.application.services import Services
    from planfill.application.stopping import StopSignal
    from planfill.domain.plan import Plan
    from planfill.domain.reconciliation import Reconciliation
    from planfill.domain.resolution import Resolution


class ExecutionFacade(WatchingFacade):
    """
    Executes plans; every method works in a script, a notebook and a running event loop.

    Owns one background thread with an event loop, started on first use; all calls go there. From within a
    running event loop they keep it waiting until they return, but for ``execute_rebalance_plan_async``.
    Leaving the context, or ``close``, frees whatever was opened; later calls raise ``AlreadyClosed``. A copy
    in a forked child process raises ``ProcessForked``, and none can be sent to another process.
    """

    def __init__(self, services: Services) -> None:
        super().__init__(services, LoopThread())
        self._afterwards = Afterwards()

    def execute_rebalance_plan(self, plan: object, *, approved: str | None = None) -> ExecutionResult:
        """
        Execute a plan and wait for its result; Ctrl-C stops it, cancels what works, and still returns.

        ``plan`` is a mapping, a pydantic model, a ``Plan``, or None: nothing to do. ``approved`` is the
        digest of the plan that somebody has seen (``preview``): any other is refused.

        Raises:
            PlanInvalid: It is no plan; every problem is listed. Nothing was sent.
            PlanConflict: The account has executed another plan under this id. Nothing was sent.
            PlanNotApproved: Its digest is not ``approved``. Nothing was sent.
            AccountUnknown: The settings have no such account, or have several and none is named. Nothing was
                sent.
            AccountMismatch: It was given to another account before. Nothing was sent.
            SettingsError: The settings are wrong. Nothing was sent.
            LedgerError: The ledger cannot be used. Nothing was sent.

        """
        if plan is None:
            return nothing_to_do(self._services.clock().now())
        read, stop = self._approved(plan, approved), self._thread.call(new_signal)
        return self._finish(stop, self._execute, read, stop)

    async def execute_rebalance_plan_async(
        self, plan: object, *, approved: str | None = None
    ) -> ExecutionResult:
        """
        Do as ``execute_rebalance_plan``, from a running event loop, which stays free meanwhile.

        Cancelling the call stops the execution and waits until what was in flight is settled.
        """
        if plan is None:
            return nothing_to_do(self._services.clock().now())
        read, stop = self._approved(plan, approved), self._thread.call(new_signal)
        future = self._thread.start(self._execute, read, stop)
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:
            self._thread.soon(stop.request, Reason.INTERRUPTED, "the call was cancelled")
            await _settled(future)
            raise

    def resume(self, plan_id: str) -> ExecutionResult:
        """
        Finish the execution of a plan that the ledger knows, or give its recorded result.

        Raises:
            PlanUnknown: The ledger knows no execution of it.
            AccountMismatch: It is executed on another account than the settings name, or than was chosen.
            AccountUnknown: The settings do not have its account, and none was chosen.

        """
        stop = self._thread.call(new_signal)
        return self._finish(stop, self._resume, plan_id, stop)

    def cancel(self, plan_id: str, detail: str = "canceled") -> ExecutionResult:
        """
        Stop an execution: nothing new is sent, what works is canceled, the rest needs a new plan.

        Where another process executes it, that one obeys within a second, and the result is REFUSED with
        the reason ACCOUNT_BUSY. Of an execution that has ended the recorded result is given.

        Raises:
            PlanUnknown: The ledger knows no execution of it.
            AccountMismatch: It is executed on another account than the settings name.

        """
        return self._thread.call(self._cancel, plan_id, detail)

    def resolve(self, client_order_id: str, resolution: Resolution, evidence: str) -> ExecutionResult:
        """
        Record an operator's evidence of what became of an order in doubt, and finish its execution.

        Raises:
            OrderNotInDoubt: The ledger has no such order, or knows its end, or the broker has said more.
            AccountBusy: Somebody executes on the account.

        """
        return self._thread.call(self._resolve, client_order_id, resolution, evidence)

    def preview(self, plan: object) -> Preview:
        """
        Say which orders the plan would become now, and why; nothing is sent.

        Raises:
            PlanInvalid: It is no plan; every problem is listed.

        """
        return self._thread.call(self._preview, self._approved(plan, None))

    def reconcile(self, plan_id: str | None = None) -> Reconciliation:
        """
        Compare the latest execution of a plan, or of all, with the broker's own record; say what differs.

        Raises:
            PlanUnknown: The ledger knows no execution of it.
            AccountMismatch: It was executed on another account than the settings name.

        """
        stop = self._thread.call(new_signal)
        return self._finish(stop, self._reconcile, plan_id, stop)

    def reconciliation(self) -> Reconciliation | None:
        """
        Wait until what was executed last is reconciled, and say what came of it; None if it was before.

        That goes on by itself once a result is out. Ctrl-C ends it; ``reconcile`` makes up for that.
        """
        return self._thread.finish(
            self._afterwards.done, interrupted=partial(self._afterwards.hurry, "interrupted")
        )

    def close(self) -> None:
        """Close what was opened, and end the thread; what was executed is reconciled before."""
        if self._thread.is_ours:
            self.reconciliation()
            self.alerted()
            self._thread.call(self._services.aclose)
        self._thread.close()

    def __enter__(self) -> Self:
        """Give the façade itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    async def _execute(self, plan: Plan, stop: StopSignal) -> ExecutionResult:
        services = self._services.of(plan.account)
        return await self._seen(services, services.assign(), plan, stop)

    async def _resume(self, plan_id: str, stop: StopSignal) -> ExecutionResult:
        key, plan = await self._services.executions().plan(plan_id)
        services = self._of_record(plan)
        return await self._seen(services, partial(services.execute(), resuming=key), plan, stop)

    async def _cancel(self, plan_id: str, detail: str) -> ExecutionResult:
        services = self._of_record((await self._services.executions().plan(plan_id))[1])
        return await self._run(services, services.cancel(), plan_id, detail)

    async def _resolve(self, client_order_id: str, resolution: Resolution, evidence: str) -> ExecutionResult:
        services = self._of_record((await self._services.executions().of_order(client_order_id))[1])
        return await self._run(services, services.resolve(), client_order_id, resolution, evidence)

    def _of_record(self, plan: Plan) -> Services:
        """Give the services of the account on which a plan was executed, whatever is chosen now."""
        return self._services.of(recorded(plan, self._services.accounts, self._services.chosen))

    async def _seen(
        self,
        services: Services,
        run: Callable[..., Awaitable[ExecutionResult]],
        *args: Any,  # noqa: ANN401
    ) -> ExecutionResult:
        """Let a run begin and end so that people hear of it: also where it ends with no result."""
        self._beat("start")
        try:
            result = await self._run(services, run, *args)
        except BaseException:
            self._beat("fail")
            raise
        # Once it is reconciled, so that what differs is told with the rest.
        self._background.begin(self._reconciled)
        self._tell_of(result)
        return result

    async def _reconciled(self) -> None:
        await self._afterwards.done()

    async def _run(
        self,
        services: Services,
        run: Callable[..., Awaitable[ExecutionResult]],
        *args: Any,  # noqa: ANN401
    ) -> ExecutionResult:
        """Let a run begin once the one before is reconciled; reconcile this one when its result is out."""
        await self._afterwards.done_of(services.chosen)
        result, reconcile = await run(*args), services.reconcile()
        self._afterwards.begin(partial(reconcile.after, result), services.chosen)
        return result

    async def _preview(self, plan: Plan) -> Preview:
        services = self._services.of(plan.account)
        if plan.account is not None:
            await services.assign().is_known(plan)
        return await services.preview()(plan)

    async def _reconcile(self, plan_id: str | None, stop: StopSignal) -> Reconciliation:
        await self._afterwards.done()
        executions = self._services.executions()
        key = await executions.key(plan_id)
        services = self._of_record((await executions.plan(key.plan_id, str(key.account)))[1])
        return await services.reconcile()(key, stop)

    def _approved(self, plan: object, digest: str | None) -> Plan:
        """Read the plan for its account or the chosen one; compare it with the one that was approved."""
        read = chosen(read_plan(plan), self._services.chosen)
        self._services.of(read.account)  # better refused at once than executed on another one than is meant
        if digest is not None and read.digest != digest:
            msg = (
                f"plan {read.plan_id!r} has the digest {read.digest}, approved is {digest}: preview it again"
            )
            raise PlanNotApproved(msg)
        return read


async def _settled(future: Future[ExecutionResult]) -> None:
    """Wait until an execution has ended, however often the waiting is cancelled."""
    while not future.done():
        try:
            await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:
            continue
        except ExecutionError:
            return
