"""Streams as they stand in storage, and what somebody may do to them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from planfill.domain.chain import GENESIS, StoredRow, StoredStream, StreamEnd, link
from planfill.domain.events import encode
from planfill.testing.events import AT, an_alert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planfill.domain.events import Event


def stored(*events: Event, name: str = "system") -> StoredStream:
    """Put events into a stream, a second apart."""
    ats = [(AT + timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for n in range(len(events))]
    rows = [
        StoredRow(n, at, "", encode(event)) for n, (at, event) in enumerate(zip(ats, events, strict=True), 1)
    ]
    return rewritten(StoredStream(name, tuple(rows), None))


def alerts(count: int) -> StoredStream:
    """Make a stream of so many events, each another."""
    return stored(*(an_alert(f"alert {number}") for number in range(1, count + 1)))


def rewritten(stream: StoredStream, after: int = 0) -> StoredStream:
    """Give the rows behind a number new numbers and hashes, and the stream its end, as if it were true."""
    rows = list(stream.rows[:after])
    head = rows[-1].hash if rows else GENESIS
    for number, row in enumerate(stream.rows[after:], start=after + 1):
        head = link(head, stream.name, number, row.at, row.payload)
        rows.append(row._replace(number=number, hash=head))
    return StoredStream(stream.name, tuple(rows), StreamEnd(len(rows), head))


def changed(stream: StoredStream, number: int, **fields: Any) -> StoredStream:
    """Change one row, and nothing else."""
    rows = [row._replace(**fields) if row.number == number else row for row in stream.rows]
    return stream._replace(rows=tuple(rows))


def with_rows(stream: StoredStream, rows: Iterable[StoredRow]) -> StoredStream:
    """Put other rows in the place of a stream's."""
    return stream._replace(rows=tuple(rows))


def without(stream: StoredStream, *numbers: int) -> StoredStream:
    """Drop rows."""
    return with_rows(stream, (row for row in stream.rows if row.number not in numbers))


def swapped(stream: StoredStream, one: int, other: int) -> StoredStream:
    """Let two rows change places: their numbers stay where they are."""
    rows = list(stream.rows)
    rows[one - 1], rows[other - 1] = (
        rows[other - 1]._replace(number=one),
        rows[one - 1]._replace(number=other),
    )
    return with_rows(stream, rows)


def flipped(text: str, place: int, bit: int) -> str:
    """Change one bit of a text, wherever that leads."""
    content = bytearray(text.encode(errors="surrogateescape"))
    content[place % len(content)] ^= 1 << bit
    return bytes(content).decode(errors="surrogateescape")
