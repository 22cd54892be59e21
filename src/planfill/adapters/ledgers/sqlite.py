"""What of the SQL ledger is SQLite's alone: the file, its transactions, its locks, its errors."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from planfill.adapters.ledgers.locks import FileLock
from planfill.domain.errors import LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from planfill.domain.identity import AccountKey

__all__ = ["SqliteFile", "insert"]

_ANOTHER: Final = "set ledger.url to another file"
_WHY: Final = {
    sqlite3.SQLITE_BUSY: "another program is writing to it: try again when that is done",
    sqlite3.SQLITE_READONLY: f"it cannot be written to: allow writing to it and its folder, or {_ANOTHER}",
    sqlite3.SQLITE_IOERR: "the disk failed: see what the system says of it, then resume",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore it from a copy",
    sqlite3.SQLITE_CONSTRAINT: "its tables contradict each other: restore it from a copy",
    sqlite3.SQLITE_FULL: "the disk is full: free some space, then resume",
    sqlite3.SQLITE_NOTADB: f"it is no database: {_ANOTHER}",
}
_PRIMARY_CODE: Final = 0xFF


class SqliteFile:
    """The database file that a URL names; ``path`` is absolute and free of links."""

    def __init__(self, url: str, *, busy_timeout_s: float) -> None:
        """
        Read the URL; no file is touched.

        Raises:
            LedgerUnavailable: It names no SQLite file.

        """
        self.path = _path(url)
        self._busy_timeout_s = busy_timeout_s

    def exists(self) -> bool:
        """Tell whether there is anything in the file."""
        try:
            return self.path.stat().st_size > 0
        except (FileNotFoundError, NotADirectoryError):
            return False

    def identity(self) -> tuple[int, int]:
        """Give what tells the file that stands at the path now from any other."""
        status = self.path.stat()
        return status.st_dev, status.st_ino

    def lock(self, account: AccountKey, note: str) -> FileLock:
        """
        Lock an account for all who use this file; the lock's own file stands beside it.

        Raises:
            Taken: Somebody else holds it.

        """
        digest = hashlib.sha256(str(account).encode()).hexdigest()[:16]
        return FileLock(self.path.with_name(f"{self.path.name}-{digest}.lock"), note)

    def connect(self, *, create: bool) -> Connection:
        """Open the file, or make it."""
        engine = create_engine("sqlite://", creator=lambda: self._open(create=create), poolclass=NullPool)
        event.listen(engine, "begin", _begin)
        return engine.connect()

    @staticmethod
    @contextmanager
    def transaction(connection: Connection, *, writing: bool) -> Iterator[Connection]:
        """Do all or nothing; a writing one waits its turn before it reads."""
        connection.info["begin"] = "BEGIN IMMEDIATE" if writing else "BEGIN"
        with connection.begin():
            yield connection

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Say in one sentence what is wrong with the file, and what can be done about it."""
        try:
            yield
        except DBAPIError as e:
            raise self.unavailable(self._why(e.orig)) from e
        except OSError as e:
            raise self.unavailable(f"{e.strerror or e} ({e.filename or self.path})") from e

    def unavailable(self, why: str) -> LedgerUnavailable:
        """Name the file, what is wrong with it, and what can be done."""
        return LedgerUnavailable(f"the ledger {self.path} cannot be used: {why}")

    def _open(self, *, create: bool) -> sqlite3.Connection:
        mode = "rwc" if create else "rw"
        opened = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode={mode}",
            uri=True,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # A row that was tampered with is found and named by who reads it, not by the driver.
            opened.text_factory = lambda text: text.decode(errors="surrogateescape")
            self._use_wal(opened)
            opened.execute("PRAGMA synchronous=FULL")
        except BaseException:
            opened.close()
            raise
        return opened

    def _use_wal(self, opened: sqlite3.Connection) -> None:
        until = monotonic() + self._busy_timeout_s
        while True:
            try:
                opened.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as e:
                if e.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
                # Where two make the file at once SQLite does not wait for this; for a transaction it does.
                opened.execute("BEGIN IMMEDIATE")
                opened.execute("ROLLBACK")
            else:
                return

    def _why(self, error: BaseException | None) -> str:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
        if code != sqlite3.SQLITE_CANTOPEN:
            return _WHY.get(code, str(error))
        try:
            if self.path.is_dir():
                return f"it is a directory: {_ANOTHER}"
            if not self.path.parent.is_dir():
                return f"there is no folder {self.path.parent}: make it, or {_ANOTHER}"
        except PermissionError:
            pass
        return f"it cannot be opened: allow reading and writing it and its folder, or {_ANOTHER}"


def _path(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if (
        parsed is None
        or parsed.drivername not in {"sqlite", "sqlite+pysqlite"}
        or parsed.database in {None, "", ":memory:"}
        or "?" in url
        or parsed.host
    ):
        shown = url if parsed is None else parsed.render_as_string(hide_password=True)
        msg = f"ledger.url {shown!r} names no SQLite file: write sqlite:///planfill.db, or sqlite:////absolute/path.db"
        raise LedgerUnavailable(msg)
    return Path(os.path.realpath(str(parsed.database)))


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.info["begin"])
