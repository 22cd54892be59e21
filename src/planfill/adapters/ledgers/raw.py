"""Reading what is stored as it stands, whatever somebody may have made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select

from planfill.adapters.ledgers.schema import EVENTS, STREAMS
from planfill.domain.chain import StoredRow, StoredStream, StreamEnd

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ENDED: Final = select(STREAMS.c.stream).order_by(STREAMS.c.started_at, STREAMS.c.stream)
_ENDLESS: Final = (
    select(EVENTS.c.stream)
    .distinct()
    .where(EVENTS.c.stream.not_in(select(STREAMS.c.stream)))
    .order_by(EVENTS.c.stream)
)
_ROWS: Final = (
    select(EVENTS.c.number, EVENTS.c.at, EVENTS.c.hash, EVENTS.c.payload)
    .where(EVENTS.c.stream == bindparam("stream"))
    .order_by(EVENTS.c.number)
)
_END: Final = select(STREAMS.c.number, STREAMS.c.head).where(STREAMS.c.stream == bindparam("stream"))


def streams(connection: Connection) -> tuple[str, ...]:
    """Name the streams that have an end, oldest first, and then those that have events alone."""
    names = [*connection.scalars(_ENDED), *connection.scalars(_ENDLESS)]
    return tuple(dict.fromkeys(_name(name) for name in names))


def stored(connection: Connection, stream: str) -> StoredStream:
    """Read a stream and its end."""
    rows = connection.execute(_ROWS, {"stream": stream})
    end = connection.execute(_END, {"stream": stream}).one_or_none()
    return StoredStream(
        name=stream,
        rows=tuple(StoredRow(_number(number), *map(_text, texts)) for number, *texts in rows),
        end=StreamEnd(_number(end[0]), _text(end[1])) if end else None,
    )


# SQLite keeps a value of any type in any column.


def _number(value: object) -> int | str:
    return value if isinstance(value, int) else _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _name(value: object) -> str:
    """Make a name that can be asked for; bytes that are no text could not."""
    return _text(value).encode(errors="backslashreplace").decode()
