"""The ledger in an SQL database; importing this imports SQLAlchemy."""

from __future__ import annotations

import json
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING

from planfill.adapters.ledgers import raw, statements
from planfill.adapters.ledgers.claims import HeldClaim, busy, check_claim, check_fence
from planfill.adapters.ledgers.locks import Taken
from planfill.adapters.ledgers.opening import OpenDatabase
from planfill.adapters.ledgers.rows import recorded, written
from planfill.adapters.ledgers.sqlite import SqliteFile
from planfill.adapters.ledgers.worker import Worker
from planfill.application.ports.ledger import AuditTrail, Claim, Cursors, Ledger
from planfill.domain.events import Recorded, encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from planfill.adapters.ledgers.locks import FileLock
    from planfill.application.ports.ledger import ExecutionSummary
    from planfill.domain.chain import StoredStream
    from planfill.domain.events import Event
    from planfill.domain.identity import AccountKey


class SqlLedger(Ledger, Cursors, AuditTrail):
    """
    Ledger, cursors and audit trail in a SQLite file.

    Write-ahead log, every commit on the disk before it counts.
    ``url`` is ``sqlite:///planfill.db`` or, absolute, ``sqlite:////folder/planfill.db``; on a local disk.
    The file is opened, made and brought up to date when it is first used; without ``create`` none is made,
    and until somebody else makes it the ledger is empty. Beside it stands a lock file for each account.
    Other writers are waited for ``busy_timeout_s`` seconds. ``aclose`` frees the file, the thread that works
    on it, and the claims that were given.

    Raises:
        LedgerUnavailable: ``url`` names no SQLite file.

    """

    def __init__(self, url: str, *, create: bool = True, busy_timeout_s: float = 5) -> None:
        self._database = OpenDatabase(SqliteFile(url, busy_timeout_s=busy_timeout_s), create=create)
        self._worker = Worker()
        self._locks: set[FileLock] = set()

    async def claim(self, account: AccountKey, *, holder: str, at: datetime) -> Claim:
        """See the port."""
        since = written(at)
        lock, fence = await self._worker.run(partial(self._claim, account, holder, since))
        self._locks.add(lock)
        return HeldClaim(account, fence, partial(self._release, lock))

    async def append(
        self, stream: str, events: Sequence[Event], *, at: datetime, claim: Claim | None = None
    ) -> tuple[Recorded, ...]:
        """See the port."""
        check_claim(stream, claim)
        return await self._worker.run(partial(self._append, stream, tuple(events), at, claim))

    async def read(self, stream: str, after: int = 0) -> tuple[Recorded, ...]:
        """See the port."""
        return await self._worker.run(partial(self._read, stream, after))

    async def executions(self, account: AccountKey | None = None) -> tuple[ExecutionSummary, ...]:
        """See the port."""
        return await self._worker.run(partial(self._executions, account))

    async def get_cursors(self, stream: str) -> Mapping[str, int]:
        """See the port."""
        return await self._worker.run(partial(self._get_cursors, stream))

    async def set_cursors(self, stream: str, cursors: Mapping[str, int]) -> None:
        """See the port."""
        await self.move_cursors({stream: dict(cursors)})

    async def behind(self, listener: str) -> tuple[str, ...]:
        """See the port."""
        return await self._worker.run(partial(self._behind, listener))

    async def move_cursors(self, ends: Mapping[str, Mapping[str, int]]) -> None:
        """See the port."""
        await self._worker.run(partial(self._move_cursors, ends))

    async def streams(self) -> tuple[str, ...]:
        """See the port."""
        return await self._worker.run(self._streams)

    async def stored(self, stream: str) -> StoredStream:
        """See the port."""
        return await self._worker.run(partial(self._stored, stream))

    async def aclose(self) -> None:
        """Free all that the ledger holds; it cannot be used any more."""
        for lock in tuple(self._locks):
            self._release(lock)
        await self._worker.aclose(self._database.close)

    def _release(self, lock: FileLock) -> None:
        self._locks.discard(lock)
        lock.release()

    # What follows runs in the worker's thread.

    def _claim(self, account: AccountKey, holder: str, since: str) -> tuple[FileLock, int]:
        lock: FileLock | None = None
        try:
            with self._database.writing() as connection:
                # The lock before the fence: who does not get it must not fence off who has it.
                note = json.dumps({"holder": holder, "since": since})
                lock = self._database.file.lock(account, note)
                return lock, statements.next_fence(connection, account)
        except Taken as e:
            raise _busy(account, str(e)) from e
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def _append(
        self, stream: str, events: Sequence[Event], at: datetime, claim: Claim | None
    ) -> tuple[Recorded, ...]:
        payloads = [encode(event) for event in events]
        text, at = written(at), at.astimezone(UTC)
        with self._database.writing() as connection:
            if claim is not None:
                check_fence(claim, statements.latest_fence(connection, claim.account))
            if not events:
                return ()
            rows = statements.extend(connection, stream, events, payloads, text)
        return tuple(
            Recorded(stream, row.number, at, row.hash, event) for row, event in zip(rows, events, strict=True)
        )

    def _read(self, stream: str, after: int) -> tuple[Recorded, ...]:
        with self._database.reading() as connection:
            rows = statements.rows_after(connection, stream, after) if connection else []
        return tuple(recorded(stream, row) for row in rows)

    def _executions(self, account: AccountKey | None) -> tuple[ExecutionSummary, ...]:
        with self._database.reading() as connection:
            return statements.executions(connection, account) if connection else ()

    def _get_cursors(self, stream: str) -> Mapping[str, int]:
        with self._database.reading() as connection:
            return statements.cursors(connection, stream) if connection else {}

    def _behind(self, listener: str) -> tuple[str, ...]:
        with self._database.reading() as connection:
            return statements.behind(connection, listener) if connection else ()

    def _move_cursors(self, ends: Mapping[str, Mapping[str, int]]) -> None:
        with self._database.writing() as connection:
            statements.move_cursors(connection, ends)

    def _streams(self) -> tuple[str, ...]:
        with self._database.reading() as connection:
            return raw.streams(self._there(connection))

    def _stored(self, stream: str) -> StoredStream:
        with self._database.reading() as connection:
            return raw.stored(self._there(connection), stream)

    def _there(self, connection: Connection | None) -> Connection:
        if connection is None:
            raise self._database.file.unavailable("there is none: the first execution makes it")
        return connection


def _busy(account: AccountKey, note: str) -> Exception:
    try:
        told = json.loads(note)
        return busy(account, str(told["holder"]), str(told["since"]))
    except (KeyError, TypeError, ValueError):
        return busy(account, "", "")
