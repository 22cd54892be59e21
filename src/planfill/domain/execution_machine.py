"""What may become of an execution: a table, which the fold of the events obeys; as that of an order."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from planfill.domain import events as ev
from planfill.domain.order_machine import Impossible

if TYPE_CHECKING:
    from collections.abc import Mapping


class Standing(StrEnum):
    """Where an execution stands."""

    NOT_STARTED = "NOT_STARTED"
    RUNNING = "RUNNING"
    """Taken up; if nobody holds its account, a run of it was broken off."""
    SUSPENDED = "SUSPENDED"
    """A run ended in doubt: to be resumed."""
    COMPLETED = "COMPLETED"
    """Every line is closed, for good."""
    REFUSED = "REFUSED"
    """Ended before its first order: the plan can be executed anew."""


FINISHED: Final = frozenset({Standing.COMPLETED, Standing.REFUSED})

_S = Standing
# What is said for people, and changes nothing.
_SAID: Final = (
    ev.Alerted,
    ev.CancelAsked,
    ev.AccountChosen,
    ev.Halted,
    ev.Unhalted,
    ev.StageChanged,
    ev.ShadowCompared,
    ev.Reconciled,
    ev.CallsCounted,
)
# What is done and learnt while an execution runs.
_DONE: Final = (
    ev.LineClosed,
    ev.RulesBroken,
    ev.FundsAllotted,
    ev.OrderRecorded,
    ev.OrderRequoted,
    ev.OrderReported,
    ev.OrderRefused,
    ev.OrderNotSent,
    ev.OrderDoubted,
    ev.OrderUnresolved,
    ev.CancelRequested,
    ev.StopRequested,
)

EXECUTION: Final[Mapping[Standing, Mapping[type[ev.Event], Standing]]] = {
    _S.NOT_STARTED: {**dict.fromkeys(_SAID, _S.NOT_STARTED), ev.ExecutionStarted: _S.RUNNING},
    _S.RUNNING: {
        **dict.fromkeys(_SAID + _DONE, _S.RUNNING),
        ev.OrderResolved: _S.RUNNING,
        ev.ExecutionResumed: _S.RUNNING,
        ev.ExecutionSuspended: _S.SUSPENDED,
        ev.ExecutionCompleted: _S.COMPLETED,
        ev.ExecutionRefused: _S.REFUSED,
    },
    _S.SUSPENDED: {
        **dict.fromkeys(_SAID, _S.SUSPENDED),
        ev.OrderResolved: _S.SUSPENDED,
        ev.ExecutionResumed: _S.RUNNING,
    },
    _S.COMPLETED: dict.fromkeys(_SAID, _S.COMPLETED),
    _S.REFUSED: {**dict.fromkeys(_SAID, _S.REFUSED), ev.ExecutionStarted: _S.RUNNING},
}


def execution_after(standing: Standing, event: ev.Event) -> Standing:
    """
    Give where an execution stands after an event.

    Raises:
        Impossible: It cannot happen to an execution that stands there.

    """
    after = EXECUTION[standing].get(type(event))
    if after is None:
        msg = f"cannot happen to an execution that is {standing}"
        raise Impossible(msg)
    return after
