"""The hash chain of a stream: each event carries the hash of all before it."""

from __future__ import annotations

import hashlib
from typing import Final

GENESIS: Final = "0" * 64


def link(previous: str, stream: str, number: int, at: str, payload: str) -> str:
    """
    Give the SHA-256 that event ``number`` of ``stream`` carries, in hexadecimal.

    ``at`` and ``payload`` are the texts as they are stored. Every part ends with its length, so that no
    two different events are the same bytes.
    """
    parts = (previous, stream, str(number), at, payload)
    return hashlib.sha256("".join(f"{part}\n{len(part)}\n" for part in parts).encode()).hexdigest()
