"""How executions have gone, counted from their events and from nothing else."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from pydantic import Field

from planfill.domain import events as ev
from planfill.domain.execution_machine import Standing
from planfill.domain.health import health
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.state import ExecutionState, Phase
from planfill.domain.values import ZERO_USD, Money, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from planfill.domain.health import Health
    from planfill.domain.result import ExecutionResult

UNFINISHED: Final = "UNFINISHED"
"""The status of an execution of which no run has ended since it was taken up last."""
# Of these the broker is not known to have an order, and that is said.
_WITHOUT_ID: Final = frozenset({Phase.REFUSED, Phase.NOT_SENT, Phase.DOUBTED, Phase.UNRESOLVED})

Count = Annotated[int, Field(ge=0)]


class LineCount(Value, frozen=True):
    """How many lines ended in one way, for one reason."""

    outcome: LineOutcome
    reason: Reason | None
    lines: Count


class Metrics(Value, frozen=True):
    """
    The executions that were taken up in a period, in figures; a plan that was refused and came again is two.

    Lines, orders and dollars are those of executions that a run has ended. ``orders_placed`` and
    ``orders_filled`` count lines, as a result does; so do ``orders_ended`` and ``orders_failed``, as the
    breaker does. ``orders_without_id`` have no id of the broker's, and nobody says why: those of a run that
    was broken off, or is sending just now. A run lasts from its first event to its result. Rates and seconds
    are None where there is nothing to take them of.
    """

    executions: Count
    statuses: dict[str, int]
    lines: tuple[LineCount, ...]
    orders_placed: Count
    orders_filled: Count
    success_rate: float | None
    orders_ended: Count
    orders_failed: Count
    error_rate: float | None
    orders_without_id: Count
    orders_unresolved: Count
    runs: Count
    runs_s: float
    median_run_s: float | None
    worst_run_s: float | None
    planned_usd: Money
    filled_usd: Money
    shortfall_usd: Money
    events: Count
    executions_logged: Count
    logged_rate: float | None


class Attempt(NamedTuple):
    """One execution as it stands; ``result`` is None where it is unfinished, ``seconds`` has one a run."""

    started_at: datetime
    result: ExecutionResult | None
    health: Health
    without_id: int
    unresolved: int
    seconds: tuple[float, ...]
    events: int
    logged: bool


def attempts(events: Iterable[ev.Recorded], logged_to: int) -> Iterator[Attempt]:
    """
    Fold a stream into the executions in it, oldest first; it is logged to the event ``logged_to``.

    Raises:
        LedgerCorrupt: An event is not the next one, or cannot follow those before it.

    """
    state, first, seconds = ExecutionState(), 1, list[float]()
    for recorded in events:
        if isinstance(recorded.event, ev.ExecutionStarted) and state.started_at is not None:
            yield _attempt(state, state.started_at, first, seconds, logged_to)
            first, seconds = recorded.number, []
        state.apply(recorded)
        ended = isinstance(
            recorded.event, ev.ExecutionRefused | ev.ExecutionSuspended | ev.ExecutionCompleted
        )
        if ended and state.run_began_at is not None:
            seconds.append((recorded.at - state.run_began_at).total_seconds())
    if state.started_at is not None:
        yield _attempt(state, state.started_at, first, seconds, logged_to)


def measure(found: Sequence[Attempt]) -> Metrics:
    """Add executions up."""
    results = [one.result for one in found if one.result is not None]
    placed, filled = sum(r.orders_placed for r in results), sum(r.orders_filled for r in results)
    ended = [one.health for one in found if one.result is not None]
    failed, of = sum(one.failed for one in ended), sum(one.ended for one in ended)
    seconds = [run for one in found for run in one.seconds]
    logged = sum(one.logged for one in found)
    lines = Counter((line.outcome, line.reason) for result in results for line in result.lines)
    return Metrics(
        executions=len(found),
        statuses=dict(Counter(str(one.result.status) if one.result else UNFINISHED for one in found)),
        lines=tuple(LineCount(outcome=o, reason=r, lines=n) for (o, r), n in lines.most_common()),
        orders_placed=placed,
        orders_filled=filled,
        success_rate=_rate(filled, placed),
        orders_ended=of,
        orders_failed=failed,
        error_rate=_rate(failed, of),
        orders_without_id=sum(one.without_id for one in found),
        orders_unresolved=sum(one.unresolved for one in found),
        runs=len(seconds),
        runs_s=sum(seconds, 0.0),
        median_run_s=median(seconds) if seconds else None,
        worst_run_s=max(seconds, default=None),
        planned_usd=Money(sum((r.planned_usd for r in results), ZERO_USD)),
        filled_usd=Money(sum((r.filled_usd for r in results), ZERO_USD)),
        shortfall_usd=Money(sum((r.shortfall_usd for r in results), ZERO_USD)),
        events=sum(one.events for one in found),
        executions_logged=logged,
        logged_rate=_rate(logged, len(found)),
    )


def _attempt(
    state: ExecutionState, started_at: datetime, first: int, seconds: Sequence[float], logged_to: int
) -> Attempt:
    # What an earlier run of an execution that runs again has found is out of date.
    result = None if state.standing is Standing.RUNNING else state.result
    orders = state.orders.values()
    return Attempt(
        started_at=started_at,
        result=result,
        health=health(state),
        without_id=sum(one.report is None and one.phase not in _WITHOUT_ID for one in orders),
        unresolved=sum(one.is_unresolved for one in orders),
        seconds=tuple(seconds),
        events=state.number - first + 1,
        logged=state.number <= logged_to,
    )


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
