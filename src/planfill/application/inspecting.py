"""What of the façade looks and decides nothing: recorded results, the ledger, the set-up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from planfill.application.stopping import StopSignal
from planfill.domain.outcome import Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from planfill.application.audit import AuditReport
    from planfill.application.metering import MetricsReport
    from planfill.application.ports.ledger import ExecutionSummary
    from planfill.application.services import Services
    from planfill.application.thread import LoopThread
    from planfill.domain.events import Recorded
    from planfill.domain.examination import Examination
    from planfill.domain.result import ExecutionResult

_T = TypeVar("_T")


class InspectingFacade:
    """The half of ``ExecutionFacade`` that executes nothing."""

    def __init__(self, services: Services, thread: LoopThread) -> None:
        self._services = services
        self._thread = thread

    def __reduce__(self) -> NoReturn:
        """Refuse to be sent to another process: thread, ledger and claims are of this one."""
        msg = f"{type(self).__name__} cannot be sent to another process: send the plan, and make one there"
        raise TypeError(msg)

    def result(self, plan_id: str) -> ExecutionResult:
        """
        Give the recorded result of a plan, or how its execution stands.

        Raises:
            PlanUnknown: The ledger knows no execution of it.

        """
        return self._thread.call(self._recorded, plan_id)

    def executions(self, *, unfinished: bool = False) -> tuple[ExecutionSummary, ...]:
        """List the executions in the ledger, oldest first."""
        return self._thread.call(self._list, unfinished)

    def events(self, plan_id: str, after: int = 0, *, wait_s: float = 0) -> tuple[Recorded, ...]:
        """
        Give what the ledger has of the latest execution of a plan, after the event of that number.

        Where that is nothing yet, it is waited for so many seconds at the longest: whoever drives it.

        Raises:
            PlanUnknown: The ledger knows no execution of it.

        """
        return self._thread.call(self._events, plan_id, after, wait_s)

    def audit(self, plan_id: str | None = None, *, against: str | None = None) -> AuditReport:
        """
        Verify the whole ledger, or the executions of one plan: every chain, and what the events say.

        ``against`` is a ``ledger_head`` that was kept elsewhere: some event must have this hash.

        Raises:
            PlanUnknown: The ledger knows no execution of it.
            LedgerUnavailable: There is no ledger, or it cannot be read.

        """
        return self._thread.call(self._audit, plan_id, against)

    def metrics(self, since: datetime | None = None, until: datetime | None = None) -> MetricsReport:
        """
        Measure the executions that were taken up from ``since`` to ``until``; by default all.

        Raises:
            LedgerUnavailable: The ledger cannot be read.

        """
        return self._thread.call(self._metrics, since, until)

    def export(self, plan_id: str) -> tuple[str, ...]:
        """
        Give the latest execution of a plan as JSON lines, its head last; ``verify_file`` verifies them.

        Raises:
            PlanUnknown: The ledger knows no execution of it.
            LedgerUnavailable: There is no ledger, or it cannot be read.

        """
        return self._thread.call(self._export, plan_id)

    def examine(self, *, order: bool = False) -> Examination:
        """
        Examine the set-up: settings, keys, network, account, prices, ledger; everything that is found.

        With ``order``, the smallest order that the broker takes is placed far from the market, found by its
        client order id and canceled. Ctrl-C ends it, and what was sent is canceled before it returns.
        """
        stop = self._thread.call(new_signal)
        return self._finish(stop, self._examine, stop, order)

    async def _recorded(self, plan_id: str) -> ExecutionResult:
        return await self._services.executions().result(plan_id)

    async def _events(self, plan_id: str, after: int, wait_s: float) -> tuple[Recorded, ...]:
        return await self._services.executions().events(plan_id, after, wait_s)

    async def _list(self, unfinished: bool) -> tuple[ExecutionSummary, ...]:  # noqa: FBT001
        return await self._services.executions().all(unfinished=unfinished)

    async def _audit(self, plan_id: str | None, against: str | None) -> AuditReport:
        return await self._services.audit()(plan_id, against=against)

    async def _metrics(self, since: datetime | None, until: datetime | None) -> MetricsReport:
        return await self._services.metering()(since, until)

    async def _export(self, plan_id: str) -> tuple[str, ...]:
        return await self._services.audit().export(plan_id)

    async def _examine(self, stop: StopSignal, order: bool) -> Examination:  # noqa: FBT001
        return await self._own().examine()(stop, order=order)

    def _own(self) -> Services:
        """Give the services of the account that was chosen, or of the only one."""
        return self._services.of(self._services.chosen)

    def _finish(
        self,
        stop: StopSignal,
        function: Callable[..., Awaitable[_T]],
        *args: Any,  # noqa: ANN401
    ) -> _T:
        interrupted = partial(stop.request, Reason.INTERRUPTED, "interrupted")
        return self._thread.finish(function, *args, interrupted=interrupted)


async def new_signal() -> StopSignal:
    """Make a signal in the loop that will wait on it."""
    return StopSignal()
