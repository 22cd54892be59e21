"""Watching an execution that another process drives: what the ledger says of it, as it comes."""

from __future__ import annotations

import asyncio
import shlex
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Final

from planfill.adapters.cli.board import DONE
from planfill.adapters.cli.formats import one_line
from planfill.adapters.cli.live import Times, watching
from planfill.domain.events import ExecutionStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from planfill.adapters.cli.board import Board
    from planfill.adapters.cli.printing import Printer
    from planfill.application.facade import ExecutionFacade
    from planfill.application.ports.ledger import ExecutionSummary
    from planfill.domain.events import Recorded

_WAIT_S: Final = 1
_SILENCE_S: Final = 30
"""An execution that works is asked about more often than that; then its process may be gone."""
_PAST: Final = 5


def usual_s(facade: ExecutionFacade) -> float | None:
    """Give the median of what the last executions took, in seconds; None where there are none with orders."""
    finished = [one for one in facade.executions() if one.finished][-_PAST:]
    took = [seconds for one in finished if (seconds := _took_s(facade, one)) is not None]
    return median(took) if took else None


def _took_s(facade: ExecutionFacade, one: ExecutionSummary) -> float | None:
    result = facade.result(one.key.plan_id)
    if not result.orders_placed:
        return None
    return (result.finished_at - result.started_at).total_seconds()


class Follower:
    """Follows one execution in the ledger until its run ends."""

    def __init__(
        self,
        facade: ExecutionFacade,
        board: Board,
        printer: Printer,
        *,
        options: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._facade = facade
        self._board = board
        self._printer = printer
        self._options = options
        self._now = now

    def __call__(self, plan_id: str) -> None:
        """
        Watch until the run has ended.

        Raises:
            PlanUnknown: The ledger knows no execution of the plan.

        """
        seen = self._facade.events(plan_id)
        self._take(seen)
        times = Times((self._now() - seen[0].at).total_seconds(), usual_s(self._facade))
        with watching(self._board, self._printer, plan_id, times):
            silent = False
            while self._board.phase != DONE:
                if not silent and (self._now() - seen[-1].at).total_seconds() > _SILENCE_S:
                    silent = True
                    self._say_silent(plan_id, seen[-1])
                if news := self._facade.events(plan_id, seen[-1].number, wait_s=_WAIT_S):
                    seen, silent = news, False
                    self._take(news)

    def _take(self, events: tuple[Recorded, ...]) -> None:
        async def each() -> None:
            for recorded in events:
                if isinstance(recorded.event, ExecutionStarted):
                    self._board.begin(recorded.event.plan)
                await self._board.on_event(recorded)

        asyncio.run(each())

    def _say_silent(self, plan_id: str, last: Recorded) -> None:
        resume = f"planfill resume {shlex.quote(plan_id)}{self._options}"
        self._printer.note(
            one_line(f"nothing recorded since {last.at:%H:%M:%S} UTC: if its process is gone, {resume}")
        )
