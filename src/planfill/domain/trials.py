"""Executions as evidence: what they say for the next stage of an account, and what throws it back."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.events import (
    ExecutionCompleted,
    ExecutionStarted,
    ExecutionSuspended,
    Reconciled,
    StopRequested,
)
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.stages import Stage
from planfill.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from planfill.domain.events import Recorded
    from planfill.domain.policy import RolloutPolicy
    from planfill.domain.result import ExecutionResult
    from planfill.domain.rollout import Rung

_BREAKERS: Final = frozenset({Reason.BREAKER, Reason.SHORTFALL})


class Trial(NamedTuple):
    """
    An execution, as evidence: when it began, its lines that were placed and filled, what went wrong.

    ``shortfall_usd`` is its cost against arrival prices, ``filled_usd`` what it traded. ``differences`` is
    None where it was not reconciled; what others did to the account is none of them. ``change`` is that of
    the terms on which it was taken up; None where no stage was enforced.
    """

    plan_id: str
    began: datetime
    placed: int
    filled: int
    unresolved: int
    stopped: str
    filled_usd: Decimal
    shortfall_usd: Decimal
    differences: int | None
    change: int | None = None

    def counts_for(self, rung: Rung) -> bool:
        """Tell whether it began at a rung; for an account that sends nothing, others' count since then."""
        if rung.stage is Stage.PAPER:
            return rung.since is None or self.began >= rung.since
        return self.change == rung.change

    @property
    def is_clean(self) -> bool:
        """Whether every line of which an order was placed was filled, and the broker agrees."""
        whole = 0 < self.placed == self.filled
        return whole and not self.unresolved and not self.stopped and self.differences == 0

    @property
    def fault(self) -> str:
        """Say what of it uses up the error budget at once; empty if nothing."""
        faults = [
            f"{self.unresolved} unresolved orders" if self.unresolved else "",
            f"{self.differences} differences at the reconciliation" if self.differences else "",
            f"stopped: {self.stopped}" if self.stopped else "",
        ]
        said = ", ".join(filter(None, faults))
        return f"plan {self.plan_id!r}: {said}" if said else ""


def trial(recorded: Sequence[Recorded]) -> Trial | None:
    """Read an execution's stream as evidence; None while it runs, and where nothing was placed."""
    began: datetime | None = None
    result: ExecutionResult | None = None
    stopped, differences, change = "", None, None
    for one in recorded:
        match one.event:
            case ExecutionStarted() as event:
                began, result, stopped, differences = one.at, None, "", None
                change = event.rollout.change if event.rollout else None
            case StopRequested() as event if event.reason in _BREAKERS:
                stopped = f"{event.reason}: {event.detail}"
            case ExecutionCompleted() | ExecutionSuspended() as event:
                result, differences = event.result, None
            case Reconciled() as event:
                differences = sum(not difference.is_foreign for difference in event.differences)
            case _:
                pass
    if began is None or result is None or not result.orders_placed:
        return None
    return Trial(
        result.plan_id or "",
        began,
        result.orders_placed,
        result.orders_filled,
        sum(line.outcome is LineOutcome.UNRESOLVED for line in result.lines),
        stopped,
        result.filled_usd,
        result.shortfall_usd,
        differences,
        change,
    )


class Condition(Value, frozen=True):
    """What a promotion asks for, what was found, and in which plans; ``evidence`` are their ids."""

    name: str
    asked: str
    found: str
    holds: bool
    evidence: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.name}: {self.found}, asked is {self.asked}"


def conditions(
    rung: Rung, trials: Sequence[Trial], policy: RolloutPolicy, shadow_days: int = 0
) -> Iterator[Condition]:
    """Judge what an account's executions at a rung say of the next one; ``shadow_days`` are clean ones."""
    clean = [one for one in trials if one.is_clean]
    ramp = rung.stage is Stage.LIVE
    yield _at_least(
        "clean executions",
        len(clean),
        policy.ramp_executions if ramp else policy.clean_executions,
        [one.plan_id for one in clean],
    )
    if not ramp:
        days: set[date] = {one.began.date() for one in clean}
        yield _at_least("days of clean executions", len(days), policy.clean_days, map(str, sorted(days)))
    yield success(trials, policy)
    yield _none("unresolved orders", [(one.plan_id, one.unresolved) for one in trials])
    yield _none("differences at the reconciliation", [(one.plan_id, one.differences or 0) for one in trials])
    yield _none("not reconciled", [(one.plan_id, int(one.differences is None)) for one in trials])
    yield _none("stops by a breaker", [(one.plan_id, int(bool(one.stopped))) for one in trials])
    yield _shortfall(trials, policy)
    if policy.clean_shadow_days and not ramp:
        yield _at_least("clean shadow days", shadow_days, policy.clean_shadow_days, ())


def success(trials: Sequence[Trial], policy: RolloutPolicy) -> Condition:
    """Judge the share of the lines that were filled, of those of which an order was placed."""
    placed, filled = sum(one.placed for one in trials), sum(one.filled for one in trials)
    share = Decimal(100 * filled) / placed if placed else Decimal(0)
    return Condition(
        name="success rate",
        asked=f"over {policy.min_success_pct:f} %",
        found=f"{share:.2f} % ({filled} of {placed})",
        holds=share > policy.min_success_pct,
        evidence=tuple(one.plan_id for one in trials if one.filled < one.placed),
    )


def breach(trials: Sequence[Trial], policy: RolloutPolicy, least: int) -> str:
    """
    Say by what the error budget of a rung is used up; empty where it is not.

    The success rate counts once ``least`` orders were placed.
    """
    faults = [one.fault for one in trials if one.fault]
    rate = success(trials, policy)
    if not rate.holds and sum(one.placed for one in trials) >= least:
        faults.append(str(rate))
    return "; ".join(faults)


def _at_least(name: str, found: int, asked: int, evidence: Iterable[str]) -> Condition:
    holds = found >= asked
    return Condition(
        name=name, asked=f"at least {asked}", found=str(found), holds=holds, evidence=tuple(evidence)
    )


def _none(name: str, counts: Iterable[tuple[str, int]]) -> Condition:
    at_fault = {plan_id: count for plan_id, count in counts if count}
    found = sum(at_fault.values())
    return Condition(name=name, asked="none", found=str(found), holds=not found, evidence=tuple(at_fault))


def _shortfall(trials: Sequence[Trial], policy: RolloutPolicy) -> Condition:
    filled = sum((one.filled_usd for one in trials), Decimal(0))
    bps = sum((one.shortfall_usd for one in trials), Decimal(0)) / filled * 10000 if filled else None
    return Condition(
        name="shortfall",
        asked=f"at most {policy.max_shortfall_bps:f} bps of what was traded",
        found="unknown, nothing was traded" if bps is None else f"{bps:.2f} bps",
        holds=bps is not None and bps <= policy.max_shortfall_bps,
    )
