"""What is held before the first order, which reconciliation starts from; read beside the first checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import anyio

from planfill.domain.errors import ExecutionError
from planfill.domain.events import Alerted, Severity
from planfill.domain.outcome import Reason

if TYPE_CHECKING:
    from types import TracebackType

    from anyio.abc import TaskGroup

    from planfill.application.run import Run
    from planfill.domain.events import Event
    from planfill.domain.plan import Plan
    from planfill.domain.values import Quantity


class Holdings:
    """
    Reads the positions in the plan's symbols while the block runs; known once it is left.

    That they cannot be read stops nothing: ``positions`` is None then, and ``said`` an alert.
    """

    def __init__(self, run: Run, plan: Plan) -> None:
        self.positions: dict[str, Quantity] | None = None
        self.said: tuple[Event, ...] = ()
        self._run = run
        self._symbols = [item.symbol for item in plan.items]
        self._group: TaskGroup

    async def __aenter__(self) -> Self:
        """Begin to read."""
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the answer; the block's errors stay its own."""
        await self._group.__aexit__(None, None, None)

    async def _read(self) -> None:
        account = self._run.brokerage.account
        try:
            self.positions = dict(await self._run.ask(account.get_positions, self._symbols))
        except ExecutionError as e:
            detail = f"nobody says what was held before, so positions cannot be reconciled: {e}"
            alert = Alerted(severity=Severity.WARNING, reason=Reason.RECONCILIATION, detail=detail)
            self.said = (alert,)
