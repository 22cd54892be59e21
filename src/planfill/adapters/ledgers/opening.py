"""The one connection of a ledger: opened when it is first needed, and watched."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from planfill.adapters.ledgers.upgrading import bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from planfill.adapters.ledgers.sqlite import SqliteFile


class OpenDatabase:
    """
    Transactions in a database; every error is a ``LedgerError``.

    Without ``create``, a file that is not there is an empty ledger, and cannot be written to.
    """

    def __init__(self, file: SqliteFile, *, create: bool) -> None:
        self.file = file
        self._create = create
        self._connection: Connection | None = None
        self._identity: tuple[int, int] | None = None

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """Look at one state of the database; there is none where there is no file."""
        with self.file.errors():
            connection = self._connected()
            if connection is None:
                yield None
                return
            with self.file.transaction(connection, writing=False):
                yield connection
            self._check_in_place()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write all or nothing, durable at the end."""
        with self.file.errors():
            connection = self._connected()
            if connection is None:
                raise self.file.unavailable(
                    "there is none yet: the first execution makes it, or set ledger.url to where it is"
                )
            with self.file.transaction(connection, writing=True):
                yield connection
            self._check_in_place()

    def close(self) -> None:
        """Close the database; nothing happens where it is not open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Connection | None:
        if self._connection is None and (self._create or self.file.exists()):
            connection = self.file.connect(create=self._create)
            try:
                bring_up_to_date(self.file, connection)
                self._identity = self.file.identity()
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _check_in_place(self) -> None:
        """Notice that what was written is in a file that nobody will find again."""
        try:
            moved = self.file.identity() != self._identity
        except FileNotFoundError:
            moved = True
        if moved:
            raise self.file.unavailable(
                "its file was removed or replaced meanwhile: put it back, then resume"
            )
