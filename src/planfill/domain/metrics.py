"""How executions have gone, counted from their events and from nothing else."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from planfill.domain.calls import CallCount
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.phases import PHASES
from planfill.domain.values import ZERO_USD, Money, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.domain.attempts import Attempt

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
    was broken off, or is sending just now. A run lasts from its first event to its result; ``phases_s`` says
    what the runs took by phase. ``fills`` counts the orders that were filled, each from its record to that of
    its last fill. ``broker_calls``, ``orders_resent``, the waits for the broker's rate and the
    ``commits`` are what runs have counted, until they ended or were compared. Rates and seconds are None
    where there is nothing to take them of.
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
    phases_s: dict[str, float]
    fills: Count
    fills_s: float
    median_fill_s: float | None
    worst_fill_s: float | None
    broker_calls: tuple[CallCount, ...]
    orders_resent: Count
    rate_waits: Count
    rate_waited_s: float
    commits: Count
    planned_usd: Money
    filled_usd: Money
    shortfall_usd: Money
    events: Count
    executions_logged: Count
    logged_rate: float | None


def measure(found: Sequence[Attempt]) -> Metrics:
    """Add executions up."""
    placed, filled = sum(one.placed for one in found), sum(one.filled for one in found)
    failed, ended = sum(one.health.failed for one in found), sum(one.health.ended for one in found)
    seconds = [run for one in found for run in one.seconds]
    fills_s = [fill for one in found for fill in one.fills_s]
    logged = sum(one.logged for one in found)
    lines, calls = Counter[tuple[LineOutcome, Reason | None]](), Counter[tuple[str, str]]()
    for one in found:
        lines.update(one.lines)
        calls.update(one.calls)
    return Metrics(
        executions=len(found),
        statuses=dict(Counter(one.status for one in found)),
        lines=tuple(LineCount(outcome=o, reason=r, lines=n) for (o, r), n in lines.most_common()),
        orders_placed=placed,
        orders_filled=filled,
        success_rate=_rate(filled, placed),
        orders_ended=ended,
        orders_failed=failed,
        error_rate=_rate(failed, ended),
        orders_without_id=sum(one.without_id for one in found),
        orders_unresolved=sum(one.unresolved for one in found),
        runs=len(seconds),
        runs_s=sum(seconds, 0.0),
        median_run_s=median(seconds) if seconds else None,
        worst_run_s=max(seconds, default=None),
        phases_s={phase: sum((one.phases_s[phase] for one in found), 0.0) for phase in PHASES},
        fills=len(fills_s),
        fills_s=sum(fills_s, 0.0),
        median_fill_s=median(fills_s) if fills_s else None,
        worst_fill_s=max(fills_s, default=None),
        broker_calls=tuple(CallCount(call=c, status=s, calls=n) for (c, s), n in sorted(calls.items())),
        orders_resent=sum(one.resent for one in found),
        rate_waits=sum(one.waits for one in found),
        rate_waited_s=sum((one.waited_s for one in found), 0.0),
        commits=sum(one.commits for one in found),
        planned_usd=Money(sum((one.planned_usd for one in found), ZERO_USD)),
        filled_usd=Money(sum((one.filled_usd for one in found), ZERO_USD)),
        shortfall_usd=Money(sum((one.shortfall_usd for one in found), ZERO_USD)),
        events=sum(one.events for one in found),
        executions_logged=logged,
        logged_rate=_rate(logged, len(found)),
    )


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
