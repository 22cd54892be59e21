"""One execution as JSON lines: an event a line, its texts as they were hashed, and the head last."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from planfill.domain.chain import StoredRow, StoredStream, StreamEnd
from planfill.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class EventLine(Value, frozen=True):
    """One event."""

    stream: str
    number: int | str
    at: str
    hash: str
    payload: str


class HeadLine(Value, frozen=True):
    """The end of the stream, as the ledger keeps it apart from the events."""

    stream: str
    number: int | str
    head: str


_LINE: Final[TypeAdapter[EventLine | HeadLine]] = TypeAdapter(EventLine | HeadLine)


def as_lines(stored: StoredStream) -> tuple[str, ...]:
    """Write a stream; where the ledger keeps nothing of its end, there is no last line."""
    parts = [row._asdict() for row in stored.rows] + ([stored.end._asdict()] if stored.end else [])
    return tuple(_line({"stream": stored.name, **part}) for part in parts)


def from_lines(lines: Iterable[str]) -> tuple[StoredStream, list[str]]:
    """Read a stream that was written, and say which lines are no part of it."""
    read: list[tuple[int, EventLine | HeadLine]] = []
    problems: list[str] = []
    for count, line in enumerate(lines, start=1):
        try:
            read.append((count, _LINE.validate_json(line)))
        except ValidationError:
            problems.append(f"line {count} is neither an event nor the head of a stream")
    # One line that was changed must not make strangers of all others.
    named = Counter(one.stream for _, one in read).most_common(1)
    name = named[0][0] if named else ""
    rows, end = list[StoredRow](), None
    for count, one in read:
        if one.stream != name:
            problems.append(f"line {count} belongs to another stream, {one.stream}")
        elif end is not None:
            problems.append(f"line {count} stands behind the head, which is the last")
        elif isinstance(one, HeadLine):
            end = StreamEnd(one.number, one.head)
        else:
            rows.append(StoredRow(one.number, one.at, one.hash, one.payload))
    return StoredStream(name, tuple(rows), end), problems


def _line(fields: Mapping[str, object]) -> str:
    # In ASCII: it is the same in whatever encoding it is kept.
    return json.dumps(fields, separators=(",", ":"))
