"""The hash chain of a stream: each event carries the hash of all before it."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

GENESIS: Final = "0" * 64


class StoredRow(NamedTuple):
    """One event as it stands in storage; ``number`` is a text where no whole number stands there."""

    number: int | str
    at: str
    hash: str
    payload: str


class StreamEnd(NamedTuple):
    """What is kept of the end of a stream apart from its events: number and hash of the last one."""

    number: int | str
    head: str


class StoredStream(NamedTuple):
    """A stream as it stands in storage; ``end`` is None where nothing is kept of it."""

    name: str
    rows: tuple[StoredRow, ...]
    end: StreamEnd | None


def link(previous: str, stream: str, number: int, at: str, payload: str) -> str:
    """
    Give the SHA-256 that event ``number`` of ``stream`` carries, in hexadecimal.

    ``at`` and ``payload`` are the texts as they are stored. Every part ends with its length, so that no
    two different events are the same bytes.
    """
    parts = (previous, stream, str(number), at, payload)
    text = "".join(f"{part}\n{len(part)}\n" for part in parts)
    # A text that was tampered with may be none: it has a hash too, and that is another one.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
