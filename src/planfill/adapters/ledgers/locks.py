"""A lock that the operating system frees when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_NOTE_BYTES: Final = 4096
_held: Final[set[int]] = set()


class Taken(Exception):
    """Somebody else holds the lock; the text is the note that the holder left, or empty."""


class FileLock:
    """
    An exclusive ``flock`` on a file that is never removed; its content is the holder's note.

    It belongs to the open file, so two holders in one process exclude each other too. A program that is
    started does not get it (``O_CLOEXEC``), a forked child drops it at once. Only on local disks do all
    processes that could hold it see it.
    """

    def __init__(self, path: Path, note: str) -> None:
        """
        Take the lock or fail at once.

        Raises:
            Taken: Somebody else holds it.
            OSError: The file cannot be used.

        """
        self._pid = os.getpid()
        self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        _held.add(self._file)
        try:
            self._take(self._file, note)
        except BaseException:
            self._close(self._file)
            raise

    def release(self) -> None:
        """Free the lock; a second time does nothing, and neither does a forked child."""
        file, self._file = self._file, None
        if file is not None and self._pid == os.getpid():
            with suppress(OSError):
                os.ftruncate(file, 0)
            # Closing alone would not free it where the file was handed down to another process.
            fcntl.flock(file, fcntl.LOCK_UN)
            self._close(file)

    @staticmethod
    def _take(file: int, note: str) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise Taken(os.pread(file, _NOTE_BYTES, 0).decode(errors="replace")) from e
        os.ftruncate(file, 0)
        os.pwrite(file, note.encode(), 0)

    @staticmethod
    def _close(file: int) -> None:
        _held.discard(file)
        os.close(file)


def _drop_in_child() -> None:
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_drop_in_child)
