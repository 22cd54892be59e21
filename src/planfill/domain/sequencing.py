"""Which lines may be taken up now."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.plan import Action
from planfill.domain.proceeds import lines_of, traded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planfill.domain.state import ExecutionState, LineState


class Released(NamedTuple):
    """Lines of one action, in the order in which they are served."""

    lines: tuple[LineState, ...]
    in_full: bool = False
    """Whether those among them that have no money yet must be covered in full: more may be coming."""


def sells_first(state: ExecutionState) -> Released:
    """
    Release the sells; once none of them can trade any more, the buys; each by priority.

    While nobody knows what became of a sale no buy is released: it stays for the run that learns it.
    """
    pending = _pending(state)
    if sells := _of(pending, Action.SELL):
        return Released(sells)
    return Released(() if _unsettled(lines_of(state, Action.SELL)) else pending)


def pipelined(state: ExecutionState) -> Released:
    """
    Release the sells; and each buy as soon as the cash and what the sells have brought so far cover it.

    The money is counted again when sells have brought more, and for all that is left when they are over.
    """
    pending = _pending(state)
    if sells := _of(pending, Action.SELL):
        return Released(sells)
    if not _unsettled(lines_of(state, Action.SELL)):
        return Released(pending)
    if state.counted_usd is not None and state.counted_usd >= traded(state, Action.SELL):
        return Released(tuple(line for line in pending if line.allotted is not None))
    return Released(pending, in_full=True)


def plan_order(state: ExecutionState) -> Released:
    """Release the lines as the plan lists them, by priority; buys wait for the sells that come before."""
    pending = _pending(state)
    if not pending:
        return Released(())
    first = pending[0]
    alike = tuple(takewhile(lambda line: line.item.action is first.item.action, pending))
    before = (line for line in lines_of(state, Action.SELL) if _turn(line) < _turn(first))
    return Released(() if first.item.action is Action.BUY and _unsettled(before) else alike)


def _pending(state: ExecutionState) -> tuple[LineState, ...]:
    return tuple(sorted((line for line in state.lines.values() if line.is_pending), key=_turn))


def _turn(line: LineState) -> tuple[int, int]:
    return line.item.priority, line.rank


def _of(lines: Iterable[LineState], action: Action) -> tuple[LineState, ...]:
    return tuple(line for line in lines if line.item.action is action)


def _unsettled(sales: Iterable[LineState]) -> bool:
    """Tell whether any of these sales may still trade, or nobody knows."""
    return any(order.is_open or order.is_unresolved for line in sales for order in line.orders)


RELEASE: Final[dict[str, Callable[[ExecutionState], Released]]] = {
    "sells_first": sells_first,
    "pipelined": pipelined,
    "plan_order": plan_order,
}
