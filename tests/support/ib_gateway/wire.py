"""The API's frames: a length of four bytes, then fields that each end with a NUL."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

Fields: TypeAlias = tuple[object, ...]

# The newest that ib_async speaks; every message here has the fields of this version.
VERSION: Final = 178
GREETING: Final = b"API\0"
_LENGTH: Final = struct.Struct(">I")


def frame(fields: Iterable[object]) -> bytes:
    """Write one message; a truth value is 1 or 0, None is empty."""
    body = "".join(f"{_text(field)}\0" for field in fields).encode()
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Takes bytes as they come, and gives the messages that are complete."""

    def __init__(self) -> None:
        self._bytes = b""

    def take(self, data: bytes) -> Iterator[list[str]]:
        """Give the fields of each message; the greeting of a new connection is skipped."""
        self._bytes += data
        self._bytes = self._bytes.removeprefix(GREETING)
        while len(self._bytes) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._bytes)
            end = _LENGTH.size + length
            if len(self._bytes) < end:
                return
            body, self._bytes = self._bytes[_LENGTH.size : end], self._bytes[end:]
            yield body.decode().removesuffix("\0").split("\0")


def _text(field: object) -> str:
    if field is None:
        return ""
    return str(int(field)) if isinstance(field, bool) else str(field)
