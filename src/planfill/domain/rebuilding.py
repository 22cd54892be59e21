"""Executions, rebuilt from their stored events: what was recorded of them is what the events say."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from planfill.domain.checks import Objection
from planfill.domain.events import (
    ExecutionCompleted,
    ExecutionRefused,
    ExecutionSuspended,
    Recorded,
    decode,
)
from planfill.domain.outcome import Reason
from planfill.domain.result import ExecutionResult
from planfill.domain.state import ExecutionState
from planfill.domain.summary import refusal, summarize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planfill.domain.chain import StoredRow

_EXECUTION: Final = "execution/"
_Ending = ExecutionRefused | ExecutionSuspended | ExecutionCompleted


def plan_in(stream: str) -> str | None:
    """Give the plan id in the name of a stream; None where it is no execution's."""
    parts = stream.split(":", 3)
    return parts[3] if stream.startswith(_EXECUTION) and len(parts) == 4 else None  # noqa: PLR2004


def rebuild(stream: str, rows: Iterable[StoredRow]) -> Iterator[tuple[int, str]]:
    """
    Read events that stand in their order, and fold an execution's; give what is wrong, by number.

    The first that cannot be read, or cannot follow, is the last that is looked at.
    """
    state = ExecutionState() if stream.startswith(_EXECUTION) else None
    for number, row in enumerate(rows, start=1):
        try:
            at, event = datetime.fromisoformat(row.at), decode(row.payload)
        except ValueError as e:
            yield number, f"cannot be read: {_first_line(e)}"
            return
        if state is None:
            continue
        try:
            if isinstance(event, _Ending) and (differing := _differing(state, event)):
                yield number, f"its result is not what the events before it say: {', '.join(differing)}"
            state.apply(Recorded(stream, number, at, row.hash, event))
        except Exception as e:  # noqa: BLE001 - whatever an event does to the state, it is named
            yield number, f"cannot follow the events before it: {type(e).__name__}: {_first_line(e)}"
            return


def _differing(state: ExecutionState, ending: _Ending) -> list[str]:
    """Name the fields of a recorded result, and the lines, that the events tell otherwise."""
    recorded, rebuilt = ending.result, _rebuilt(state, ending)
    fields = [name for name, value in recorded if name != "ledger_head" and value != getattr(rebuilt, name)]
    if "lines" not in fields:
        return fields
    symbols = [line.symbol for line in recorded.lines if line not in rebuilt.lines]
    symbols += [line.symbol for line in rebuilt.lines if line not in recorded.lines]
    return [*fields, *dict.fromkeys(symbols)]


def _rebuilt(state: ExecutionState, ending: _Ending) -> ExecutionResult:
    result, started = ending.result, state.started
    stop = state.stop or state.buys_stop
    if isinstance(ending, ExecutionRefused) and stop is None and started is not None:
        # An attempt that ended before it began: why is told by its result alone.
        reason = next((line.reason for line in result.lines if line.reason), Reason.ACCOUNT_UNFINISHED)
        objection = Objection(reason, result.detail)
        return refusal(started.plan, started.account, objection, result.finished_at)
    return summarize(state, result.finished_at)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
