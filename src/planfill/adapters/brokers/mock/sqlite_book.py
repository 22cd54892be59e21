"""Where the exchange is kept: in a file that several processes share."""

from __future__ import annotations

import sqlite3
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.mock import rows
from planfill.adapters.brokers.mock.book import Book
from planfill.domain.errors import BrokerUnavailable, ExecutionError, Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from planfill.adapters.brokers.mock.exchange import Exchange

_BUSY_S: Final = 30


class SqliteBook(Book):
    """
    Keeps the exchange in an SQLite file, row by changed row.

    Each operation is a transaction of its own, exclusive among processes; a process that is killed leaves
    all of it or nothing. What a process has not seen yet it reads first: rows bear the version in which
    they last changed. The file survives any end of the process, but nothing is flushed for the end of the
    machine (``synchronous=OFF``): it is a toy exchange, and ten times as fast.
    """

    def __init__(self, path: Path, new_exchange: Callable[[], Exchange]) -> None:
        self._path = path
        self._new_exchange = new_exchange
        self._db = _opened(path)
        weakref.finalize(self, self._db.close)
        self._version = self._seen = -1
        self.exchange = new_exchange()
        with self.change():
            pass

    @contextmanager
    def change(self) -> Iterator[Exchange]:
        """Give the exchange in a transaction; what the exchange refuses is kept as well."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._catch_up()
        except sqlite3.Error as e:
            self._forget()
            raise self._trouble(e) from e
        try:
            yield self.exchange
        except ExecutionError:
            self._save()
            raise
        except BaseException:
            self._forget()
            raise
        self._save()

    @contextmanager
    def look(self, now: datetime) -> Iterator[Exchange]:
        """Give the exchange; a transaction is only begun where something is due, or somebody wrote."""
        due = self.exchange.next_due()
        if (due is not None and due <= now) or self._others_wrote():
            with self.change() as exchange:
                exchange.advance(now)
        yield self.exchange

    def close(self) -> None:
        """Free the file."""
        self._db.close()

    def _others_wrote(self) -> bool:
        try:
            return self._data_version() != self._seen
        except sqlite3.Error as e:
            raise self._trouble(e) from e

    def _data_version(self) -> int:
        """Ask SQLite for a number that changes when another connection has written."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def _catch_up(self) -> None:
        self._seen = self._data_version()
        version = rows.version(self._db)
        if version != self._version:
            rows.load(self._db, self.exchange, after=self._version)
            self._version = version

    def _save(self) -> None:
        try:
            if rows.save(self._db, self.exchange, self._version + 1):
                self._version += 1
            self._db.execute("COMMIT")
        except sqlite3.Error as e:
            self._forget()
            raise self._trouble(e) from e

    def _forget(self) -> None:
        """Undo: what is in the file is the truth."""
        with suppress(sqlite3.Error):
            self._db.execute("ROLLBACK")
        before, self.exchange = self.exchange, self._new_exchange()
        self.exchange.take_over(before)
        self._version = self._seen = -1

    def _trouble(self, error: sqlite3.Error) -> BrokerUnavailable:
        return BrokerUnavailable(f"the mock broker's book {self._path}: {error}")


def _opened(path: Path) -> sqlite3.Connection:
    if not path.parent.is_dir():
        raise _refusal(f"there is no folder {path.parent.absolute()} to keep {path.name} in")
    if path.is_dir():
        raise _refusal(f"{path} is a folder: name a file in it")
    try:
        db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    except sqlite3.OperationalError as e:
        raise _refusal(
            f"{path} cannot be used: {e}; allow writing to its folder, or name another file"
        ) from None
    try:
        if rows.layout(db) != rows.LAYOUT:
            raise _refusal(f"{path} is no book of this version of the mock broker: name another file")
        with suppress(sqlite3.OperationalError):
            # Of several processes that begin at once one succeeds; it holds for the file, and so for all.
            db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=OFF")
    except sqlite3.Error as e:
        db.close()
        raise _refusal(f"{path} cannot be used: {e}; name another file") from None
    except SettingsError:
        db.close()
        raise
    return db


def copied(path: Path, exchange: Exchange) -> Exchange:
    """Fill an exchange with what a book holds, leaving the file as it is; there may be none yet."""
    if path.exists():
        db = _opened(path)
        rows.load(db, exchange, after=-1)
        db.close()
    return exchange


def _refusal(message: str) -> SettingsError:
    return SettingsError([Problem(path="mock.book", message=message)])
