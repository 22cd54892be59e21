"""Which lines may be taken up now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from planfill.domain.plan import Action

if TYPE_CHECKING:
    from planfill.domain.state import ExecutionState, LineState


def sells_first(state: ExecutionState) -> list[LineState]:
    """
    Release the sells; once none of them can trade any more, the buys; each by priority.

    While nobody knows what became of a sale no buy is released: it stays for the run that learns it.
    """
    pending = sorted(
        (line for line in state.lines.values() if line.is_pending),
        key=lambda line: (line.item.priority, line.rank),
    )
    sells = [line for line in pending if line.item.action is Action.SELL]
    if sells:
        return sells
    sales = (line for line in state.lines.values() if line.item.action is Action.SELL)
    selling = any(order.is_open or order.is_unresolved for line in sales for order in line.orders)
    return [] if selling else pending


RELEASE: Final[dict[str, Callable[[ExecutionState], list[LineState]]]] = {"sells_first": sells_first}
