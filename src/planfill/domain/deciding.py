"""What to do next: a pure function of the state. The loop does it, and asks again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planfill.domain.breakers import tripped
from planfill.domain.order import Side
from planfill.domain.plan import Action
from planfill.domain.proceeds import lines_of
from planfill.domain.sequencing import RELEASE
from planfill.domain.state import Phase

if TYPE_CHECKING:
    from planfill.domain.events import StopRequested
    from planfill.domain.outcome import Reason
    from planfill.domain.policy import Policy
    from planfill.domain.state import ExecutionState, LineState, OrderState


class Recover(NamedTuple):
    """Ask for orders that an earlier run may have sent."""

    orders: tuple[OrderState, ...]


class Close(NamedTuple):
    """End lines for which nothing will be sent."""

    lines: tuple[LineState, ...]
    reason: Reason
    detail: str


class Withdraw(NamedTuple):
    """End orders that were recorded and never sent."""

    orders: tuple[OrderState, ...]
    reason: Reason
    detail: str


class Fund(NamedTuple):
    """Count the money for these buys; ``in_full`` leaves out those that it does not cover yet."""

    lines: tuple[LineState, ...]
    in_full: bool = False


class Wave(NamedTuple):
    """Quote, size, check and record these lines."""

    lines: tuple[LineState, ...]


class Place(NamedTuple):
    """Send these recorded orders."""

    orders: tuple[OrderState, ...]


class Track(NamedTuple):
    """Ask once what became of the working orders."""


class Stop(NamedTuple):
    """Send nothing new from here on."""

    reason: Reason
    detail: str


class Finish(NamedTuple):
    """Nothing is left to be done in this run."""


Step = Recover | Close | Withdraw | Fund | Wave | Place | Track | Stop | Finish


def decide(state: ExecutionState, policy: Policy, largest_wave: int | None = None) -> Step:
    """Give the next step; ``largest_wave`` is how many orders can be sent now, while quotes are fresh."""
    orders = state.orders.values()
    unsent = tuple(order for order in orders if order.phase is Phase.RECORDED)
    if inherited := tuple(order for order in orders if order.phase is Phase.DOUBTED and order.inherited):
        return Recover(inherited)
    if stopped := _stopped(state, unsent):
        return stopped
    lines, in_full = RELEASE[policy.execution.sequencing](state)
    if (unsent or lines) and (sick := tripped(state, policy.limits)):
        return Stop(sick.reason, sick.detail)
    if unsent:
        return Place(unsent[: _opening(state, policy)])
    working = any(order.is_open for order in orders)
    # Where none can be sent now, what works is followed; then whoever prepares a wave waits until some can.
    if lines and not (working and largest_wave == 0):
        ready = tuple(line for line in lines if line.item.action is Action.SELL or line.allotted is not None)
        return Wave(ready[: largest_wave or None]) if ready else _fund(state, lines, in_full=in_full)
    return _follow(state)


def _fund(state: ExecutionState, lines: tuple[LineState, ...], *, in_full: bool) -> Step:
    """Count the money; but between two orders of a buy nobody can tell whether it shows what that takes."""
    between = (
        line.has_next and any(order.is_open and order.cancel_requested_at for order in line.orders)
        for line in lines_of(state, Action.BUY)
    )
    return Track() if any(between) else Fund(lines, in_full)


def _stopped(state: ExecutionState, unsent: tuple[OrderState, ...]) -> Step | None:
    """Close what a stop concerns and was not sent; where it concerns all, then wait for what was."""
    pending = tuple(line for line in state.lines.values() if line.is_pending)
    if state.stop is not None:
        return _end(state.stop, unsent, pending) or _follow(state)
    if state.buys_stop is None:
        return None
    buys = tuple(order for order in unsent if order.order.side is Side.BUY)
    return _end(state.buys_stop, buys, tuple(one for one in pending if one.item.action is Action.BUY))


def _end(
    stop: StopRequested, unsent: tuple[OrderState, ...], pending: tuple[LineState, ...]
) -> Withdraw | Close | None:
    """Close what was not sent, if there is any."""
    if unsent:
        return Withdraw(unsent, stop.reason, stop.detail)
    return Close(pending, stop.reason, stop.detail) if pending else None


def _follow(state: ExecutionState) -> Track | Finish:
    """Wait for what was sent."""
    return Track() if any(order.is_open for order in state.orders.values()) else Finish()


def _opening(state: ExecutionState, policy: Policy) -> int | None:
    """
    Say how many orders to send now: all, or a first few whose fate tells about the rest.

    A long plan starts with twice the breaker's sample, so that the breaker can act before all is sent.
    """
    few = 2 * policy.limits.breaker_min_sample
    answered = sum(order.was_placed for order in state.orders.values())
    return few if len(state.lines) > few and answered < few else None
