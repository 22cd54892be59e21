"""The SQL of a ledger: each function works in the transaction of its caller."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select, update

from planfill.adapters.ledgers.rows import Row, chained, execution_key, is_finished
from planfill.adapters.ledgers.schema import CURSORS, EVENTS, FENCES, STREAMS
from planfill.adapters.ledgers.sqlite import insert
from planfill.application.ports.ledger import ExecutionSummary
from planfill.domain.chain import GENESIS
from planfill.domain.errors import LedgerCorrupt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from planfill.domain.events import Event
    from planfill.domain.identity import AccountKey

_NEXT_FENCE: Final = (
    insert(FENCES)
    .values(fence=1)
    .on_conflict_do_update(index_elements=[FENCES.c.account], set_={"fence": FENCES.c.fence + 1})
    .returning(FENCES.c.fence)
)
_FENCE: Final = select(FENCES.c.fence).where(FENCES.c.account == bindparam("account")).with_for_update()
_END: Final = (
    select(STREAMS.c.number, STREAMS.c.head, STREAMS.c.finished)
    .where(STREAMS.c.stream == bindparam("stream"))
    .with_for_update()
)
_NEW_END: Final = insert(STREAMS)
_MOVE_END: Final = update(STREAMS).where(STREAMS.c.stream == bindparam("of"))
_NEW_EVENTS: Final = insert(EVENTS)
_EVENTS: Final = (
    select(EVENTS.c.number, EVENTS.c.at, EVENTS.c.hash, EVENTS.c.payload)
    .where(EVENTS.c.stream == bindparam("stream"), EVENTS.c.number > bindparam("after"))
    .order_by(EVENTS.c.number)
)
_EXECUTIONS: Final = (
    select(STREAMS.c.stream, STREAMS.c.started_at, STREAMS.c.finished)
    .where(STREAMS.c.account.is_not(None))
    .order_by(STREAMS.c.started_at, STREAMS.c.stream)
)
_CURSORS: Final = select(CURSORS.c.listener, CURSORS.c.number).where(CURSORS.c.stream == bindparam("stream"))
# The end of each stream is in its row: no event is read for this.
_BEHIND: Final = (
    select(STREAMS.c.stream)
    .outerjoin(
        CURSORS, (CURSORS.c.stream == STREAMS.c.stream) & (CURSORS.c.listener == bindparam("listener"))
    )
    .where((CURSORS.c.number.is_(None)) | (CURSORS.c.number < STREAMS.c.number))
    .order_by(STREAMS.c.started_at, STREAMS.c.stream)
)
_NEW_CURSOR: Final = insert(CURSORS)
_SET_CURSOR: Final = _NEW_CURSOR.on_conflict_do_update(
    index_elements=[CURSORS.c.stream, CURSORS.c.listener],
    set_={"number": _NEW_CURSOR.excluded.number},
)


def next_fence(connection: Connection, account: AccountKey) -> int:
    """Raise the fence of an account."""
    fence: int = connection.execute(_NEXT_FENCE, {"account": str(account)}).scalar_one()
    return fence


def latest_fence(connection: Connection, account: AccountKey) -> int | None:
    """Tell the fence of an account; none where it was never claimed."""
    return connection.execute(_FENCE, {"account": str(account)}).scalar()


def extend(
    connection: Connection, stream: str, events: Sequence[Event], payloads: Sequence[str], at: str
) -> list[Row]:
    """Chain events to the end of a stream, or begin it with them."""
    end = connection.execute(_END, {"stream": stream}).one_or_none()
    number, head, finished = end or (0, GENESIS, False)
    rows = chained(stream, number, head, payloads, at)
    connection.execute(_NEW_EVENTS, [{"stream": stream, **row._asdict()} for row in rows])
    moved = {
        "number": rows[-1].number,
        "head": rows[-1].hash,
        "finished": is_finished(events, before=finished),
    }
    if end is None:
        key = execution_key(stream)
        account = str(key.account) if key else None
        new = {"stream": stream, "account": account, "started_at": at, **moved}
        connection.execute(_NEW_END, new)
    else:
        connection.execute(_MOVE_END, {"of": stream, **moved})
    return rows


def rows_after(connection: Connection, stream: str, number: int) -> list[Row]:
    """Read the events of a stream after one of them."""
    found = connection.execute(_EVENTS, {"stream": stream, "after": number})
    return [Row(*event) for event in found]


def executions(connection: Connection, account: AccountKey | None) -> tuple[ExecutionSummary, ...]:
    """
    List executions, oldest first.

    Raises:
        LedgerCorrupt: One of them is not what a ledger writes.

    """
    wanted = _EXECUTIONS if account is None else _EXECUTIONS.where(STREAMS.c.account == str(account))
    return tuple(_summary(*found) for found in connection.execute(wanted))


def _summary(stream: str, started_at: str, finished: bool) -> ExecutionSummary:  # noqa: FBT001 - a column
    try:
        key, start = execution_key(stream), datetime.fromisoformat(started_at)
    except (TypeError, ValueError) as e:
        raise _corrupt(stream, str(e)) from e
    if key is None:
        raise _corrupt(stream, "it is no execution")
    return ExecutionSummary(key, start, finished)


def _corrupt(stream: str, why: str) -> LedgerCorrupt:
    line = why.partition("\n")[0]
    return LedgerCorrupt(f"the entry of {stream} cannot be read ({line}): restore the ledger from a copy")


def cursors(connection: Connection, stream: str) -> dict[str, int]:
    """Read how far each listener has been told."""
    found = connection.execute(_CURSORS, {"stream": stream})
    return {cursor.listener: cursor.number for cursor in found}


def behind(connection: Connection, listener: str) -> tuple[str, ...]:
    """Name the streams that end after the cursor of a listener."""
    return tuple(connection.scalars(_BEHIND, {"listener": listener}))


def move_cursors(connection: Connection, ends: Mapping[str, Mapping[str, int]]) -> None:
    """Store how far each listener has been told of each stream."""
    rows = [
        {"stream": stream, "listener": name, "number": number}
        for stream, told in ends.items()
        for name, number in told.items()
    ]
    if rows:
        connection.execute(_SET_CURSOR, rows)
