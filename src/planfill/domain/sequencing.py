"""Which lines may be taken up now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from planfill.domain.plan import Action

if TYPE_CHECKING:
    from planfill.domain.state import ExecutionState, LineState


def sells_first(state: ExecutionState) -> list[LineState]:
    """Release the sells; once none of them can trade any more, the buys; each by priority."""
    pending = sorted(
        (line for line in state.lines.values() if line.is_pending),
        key=lambda line: (line.item.priority, line.rank),
    )
    sells = [line for line in pending if line.item.action is Action.SELL]
    if sells:
        return sells
    selling = any(line.is_open and line.item.action is Action.SELL for line in state.lines.values())
    return [] if selling else pending


RELEASE: Final[dict[str, Callable[[ExecutionState], list[LineState]]]] = {"sells_first": sells_first}
