"""What the sells have brought so far, what they have failed to bring, and what the buys have taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.accounting import filled_usd, line_result
from planfill.domain.outcome import HARMLESS, Residual
from planfill.domain.plan import Action
from planfill.domain.values import ZERO_USD, Money

if TYPE_CHECKING:
    from planfill.domain.state import ExecutionState, LineState


# What the account's stage held back was never to be brought: the buys are cut alike.
_NOT_LOST: Final = HARMLESS | {Residual.ROLLOUT}


def lines_of(state: ExecutionState, action: Action) -> list[LineState]:
    """Give the lines of one action, in the order of the plan."""
    return [line for line in state.lines.values() if line.item.action is action]


def traded(state: ExecutionState, action: Action) -> Money:
    """Add up the dollars that the lines of one action have filled so far."""
    return filled_usd(order for line in lines_of(state, action) for order in line.orders)


def missing(state: ExecutionState) -> Money:
    """Add up the planned dollars that sells which have ended did not bring, rounding and prices apart."""
    ended = (line for line in lines_of(state, Action.SELL) if not (line.is_pending or line.is_open))
    lost = (
        usd for line in ended for cause, usd in line_result(line).residuals.items() if cause not in _NOT_LOST
    )
    return max(ZERO_USD, Money(sum(lost, ZERO_USD)))


def selling(state: ExecutionState) -> bool:
    """Tell whether an order that sells is at work."""
    return any(line.is_open for line in lines_of(state, Action.SELL))
