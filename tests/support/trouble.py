"""What can happen to the file of a ledger while it is in use, and how it is mended."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from killing import WatchedFile
from sqlalchemy import Connection

from planfill.adapters.ledgers.sql import SqlLedger


class Trouble(Protocol):
    """One thing that goes wrong with a file; ``begin`` is called from the ledger's own thread."""

    @abstractmethod
    def begin(self, path: Path, connection: sqlite3.Connection) -> None:
        """Let it go wrong."""

    def mend(self, path: Path) -> None:
        """Make it good again; nothing need be done where the trouble is the process's alone."""


class Full(Trouble):
    """SQLite is told that there is no page left: SQLITE_FULL, as from a disk without space."""

    def begin(self, path: Path, connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")


class NoMoreBytes(Trouble):
    """The system lets no file grow (RLIMIT_FSIZE): a write fails in the middle of a commit."""

    def __init__(self) -> None:
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def begin(self, path: Path, connection: sqlite3.Connection) -> None:
        size = path.with_name(f"{path.name}-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, self._limits[1]))

    def mend(self, path: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)


class ReadOnly(Trouble):
    """SQLite is told not to write: SQLITE_READONLY, as from a file system that was remounted."""

    def begin(self, path: Path, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA query_only=1")


class Locked(Trouble):
    """Another program begins to write, and does not end."""

    def __init__(self) -> None:
        self._other: sqlite3.Connection | None = None

    def begin(self, path: Path, connection: sqlite3.Connection) -> None:
        self._other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._other.execute("BEGIN IMMEDIATE")

    def mend(self, path: Path) -> None:
        if self._other is not None:
            self._other.close()


class Deleted(Trouble):
    """The file is removed; later somebody puts it back."""

    def begin(self, path: Path, connection: sqlite3.Connection) -> None:
        os.link(path, path.with_name("rescued"))
        path.unlink()

    def mend(self, path: Path) -> None:
        path.with_name("rescued").rename(path)


class Damaged(Trouble):
    """All but the header is overwritten, and a copy from just before is put back later."""

    def begin(self, path: Path, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(path, path.with_name("copy"))
        # Another connection's commit makes this one read the file again.
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"\xff" * (path.stat().st_size - 100))
        connection.execute("PRAGMA shrink_memory")

    def mend(self, path: Path) -> None:
        for left in path.parent.glob(f"{path.name}-*"):
            if left.suffix != ".lock":
                left.unlink()
        path.with_name("copy").rename(path)


class TroubledFile(WatchedFile):
    """A ledger's file to which something happens before its ``nth`` commit (from 1)."""

    def __init__(self, url: str, nth: int | None, trouble: Callable[[sqlite3.Connection], None]) -> None:
        super().__init__(url, lambda _: None, busy_timeout_s=0.05)
        self.commits = 0
        self._nth = nth
        self._trouble = trouble

    @contextmanager
    def transaction(  # type: ignore[override]
        self, connection: Connection, *, writing: bool
    ) -> Iterator[Connection]:
        if writing:
            self.commits += 1
            if self.commits == self._nth:
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                self._trouble(driver)
        with super().transaction(connection, writing=writing):
            yield connection


def troubled(path: Path, nth: int | None, trouble: Trouble) -> tuple[SqlLedger, TroubledFile]:
    """Open a ledger whose file is in trouble from its ``nth`` commit on; None for never."""
    url = f"sqlite:///{path}"
    ledger = SqlLedger(url)
    file = TroubledFile(url, nth, lambda connection: trouble.begin(path, connection))
    ledger._database.file = file
    return ledger, file
