"""How long a run may take, and how long it may say nothing, before somebody should look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.events import ExecutionResumed, ExecutionStarted, ExecutionSuspended, OrderRecorded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from planfill.domain.events import Recorded
    from planfill.domain.policy import ExecutionPolicy

_MARGIN_S: Final = 60


def silent_after_s(policy: ExecutionPolicy) -> float:
    """Give the longest time, in seconds, that a run of a working process records nothing."""
    working_s = max(policy.order_deadline_s, policy.walk_step_s)
    return working_s + policy.cancel_grace_s + policy.funding_wait_s + _MARGIN_S


def slow_after_s(policy: ExecutionPolicy) -> float:
    """Give how long, in seconds from its first order, both sides of a plan take at most."""
    return 2 * silent_after_s(policy)


def is_suspended(stream: Sequence[Recorded]) -> bool:
    """Tell whether the last run of an unfinished execution came to an end, in doubt."""
    kinds = ExecutionStarted | ExecutionResumed | ExecutionSuspended
    last = next((one.event for one in reversed(stream) if isinstance(one.event, kinds)), None)
    return isinstance(last, ExecutionSuspended)


def silent_s(stream: Sequence[Recorded], now: datetime) -> float | None:
    """
    Give for how many seconds a run has recorded nothing, where that is too long; else None.

    A plan that waits for the session to open has nothing to record.
    """
    started = next((one.event for one in reversed(stream) if isinstance(one.event, ExecutionStarted)), None)
    if started is None:
        return None
    policy, silence_s = started.policy.execution, (now - stream[-1].at).total_seconds()
    waits = policy.market_closed == "wait" and not any(isinstance(one.event, OrderRecorded) for one in stream)
    return silence_s if silence_s > silent_after_s(policy) and not waits else None
