"""What a trading engine talks to: one object, from any thread and any event loop."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from planfill.application.afterwards import Afterwards
from planfill.application.inspecting import new_signal
from planfill.application.seeing import WatchingFacade
from planfill.application.thread import LoopThread
from planfill.domain.errors import ExecutionError, PlanInvalid, PlanNotApproved, Problem
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
            SettingsError: The settings are wrong. Nothing was sent.
            LedgerError: The ledger cannot be used. Nothing was sent.

        """
        if plan is None:
            return nothing_to_do(self._services.clock().now())
        read, stop = _approved(plan, approved), self._thread.call(new_signal)
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
        read, stop = _approved(plan, approved), self._thread.call(new_signal)
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
            AccountMismatch: It is executed on another account than the settings name.

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
        return self._thread.call(self._preview, _approved(plan, None))

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
        return await self._seen(self._services.execute(), plan, stop)

    async def _resume(self, plan_id: str, stop: StopSignal) -> ExecutionResult:
        key, plan = await self._services.executions().plan(plan_id)
        return await self._seen(partial(self._services.execute(), resuming=key), plan, stop)

    async def _cancel(self, plan_id: str, detail: str) -> ExecutionResult:
        return await self._run(self._services.cancel(), plan_id, detail)

    async def _resolve(self, client_order_id: str, resolution: Resolution, evidence: str) -> ExecutionResult:
        return await self._run(self._services.resolve(), client_order_id, resolution, evidence)

    async def _seen(self, run: Callable[..., Awaitable[ExecutionResult]], *args: Any) -> ExecutionResult:  # noqa: ANN401
        """Let a run begin and end so that people hear of it: also where it ends with no result."""
        self._beat("start")
        try:
            result = await self._run(run, *args)
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
        run: Callable[..., Awaitable[ExecutionResult]],
        *args: Any,  # noqa: ANN401
    ) -> ExecutionResult:
        """Let a run begin once the one before is reconciled; reconcile this one when its result is out."""
        await self._afterwards.done()
        result, reconcile = await run(*args), self._services.reconcile()
        self._afterwards.begin(partial(reconcile.after, result))
        return result

    async def _preview(self, plan: Plan) -> Preview:
        return await self._services.preview()(plan)

    async def _reconcile(self, plan_id: str | None, stop: StopSignal) -> Reconciliation:
        await self._afterwards.done()
        key = await self._services.executions().key(plan_id)
        return await self._services.reconcile()(key, stop)


def _approved(plan: object, digest: str | None) -> Plan:
    """Read the plan and compare it with the one that was approved."""
    read = read_plan(plan)
    if read.account is not None:
        # Better refused than executed on another account than the plan means.
        message = f"the settings know no account {read.account!r}: leave it out"
        raise PlanInvalid([Problem(path="account", message=message)])
    if digest is not None and read.digest != digest:
        msg = f"plan {read.plan_id!r} has the digest {read.digest}, approved is {digest}: preview it again"
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
