"""The ledger in memory: the same rules, nothing durable."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from planfill.adapters.ledgers.claims import HeldClaim, busy, check_claim, check_fence
from planfill.adapters.ledgers.rows import (
    Row,
    chained,
    execution_key,
    is_finished,
    recorded,
    written,
)
from planfill.application.ports.ledger import AuditTrail, Claim, Cursors, ExecutionSummary, Ledger
from planfill.domain.chain import GENESIS, StoredRow, StoredStream, StreamEnd
from planfill.domain.events import Recorded, encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from planfill.domain.events import Event
    from planfill.domain.identity import AccountKey, ExecutionKey


class Holder(NamedTuple):
    """Who holds an account: the ledger that gave the claim, and what it was told."""

    ledger: MemoryLedger
    name: str
    since: str


@dataclass(slots=True)
class MemoryStream:
    """One stream; ``key`` is an execution's, ``number`` and ``head`` are the last event's."""

    key: ExecutionKey | None
    started_at: datetime
    finished: bool = False
    number: int = 0
    head: str = GENESIS
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class MemoryStore:
    """What outlives a ledger: give the same store to the next one, and it continues."""

    streams: dict[str, MemoryStream] = field(default_factory=dict)
    fences: dict[AccountKey, int] = field(default_factory=dict)
    holders: dict[AccountKey, Holder] = field(default_factory=dict)
    cursors: dict[str, dict[str, int]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)


class MemoryLedger(Ledger, Cursors, AuditTrail):
    """
    Ledger, cursors and audit trail in this process's memory; no method ever suspends.

    ``aclose`` gives back its claims, as the end of a process does.
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()

    async def claim(self, account: AccountKey, *, holder: str, at: datetime) -> Claim:
        """See the port."""
        mine = Holder(self, holder, written(at))
        store = self.store
        with store.lock:
            if (other := store.holders.get(account)) is not None:
                raise busy(account, other.name, other.since)
            store.holders[account] = mine
            fence = store.fences[account] = store.fences.get(account, 0) + 1
        return HeldClaim(account, fence, partial(self._release, account, mine))

    async def append(
        self, stream: str, events: Sequence[Event], *, at: datetime, claim: Claim | None = None
    ) -> tuple[Recorded, ...]:
        """See the port."""
        check_claim(stream, claim)
        payloads = [encode(event) for event in events]
        text, at = written(at), at.astimezone(UTC)
        store = self.store
        with store.lock:
            if claim is not None:
                check_fence(claim, store.fences.get(claim.account))
            if not events:
                return ()
            kept = store.streams.get(stream) or MemoryStream(execution_key(stream), at)
            rows = chained(stream, kept.number, kept.head, payloads, text)
            kept.rows.extend(rows)
            kept.number, kept.head = rows[-1].number, rows[-1].hash
            kept.finished = is_finished(events, before=kept.finished)
            store.streams[stream] = kept
        return tuple(
            Recorded(stream, row.number, at, row.hash, event) for row, event in zip(rows, events, strict=True)
        )

    async def read(self, stream: str, after: int = 0) -> tuple[Recorded, ...]:
        """See the port."""
        kept = self.store.streams.get(stream)
        return tuple(recorded(stream, row) for row in kept.rows[after:]) if kept else ()

    async def executions(self, account: AccountKey | None = None) -> tuple[ExecutionSummary, ...]:
        """See the port."""
        found = [
            ExecutionSummary(kept.key, kept.started_at, kept.finished)
            for kept in list(self.store.streams.values())
            if kept.key is not None and account in {None, kept.key.account}
        ]
        return tuple(sorted(found, key=lambda one: (one.started_at, str(one.key))))

    async def get_cursors(self, stream: str) -> Mapping[str, int]:
        """See the port."""
        return dict(self.store.cursors.get(stream, {}))

    async def set_cursors(self, stream: str, cursors: Mapping[str, int]) -> None:
        """See the port."""
        self.store.cursors.setdefault(stream, {}).update(cursors)

    async def behind(self, listener: str) -> tuple[str, ...]:
        """See the port."""
        store = self.store
        return tuple(
            name
            for name in await self.streams()
            if store.cursors.get(name, {}).get(listener, 0) < store.streams[name].number
        )

    async def move_cursors(self, ends: Mapping[str, Mapping[str, int]]) -> None:
        """See the port."""
        for stream, cursors in ends.items():
            await self.set_cursors(stream, cursors)

    async def streams(self) -> tuple[str, ...]:
        """See the port."""
        kept = list(self.store.streams.items())
        return tuple(name for name, _ in sorted(kept, key=lambda one: (one[1].started_at, one[0])))

    async def stored(self, stream: str) -> StoredStream:
        """See the port."""
        with self.store.lock:
            kept = self.store.streams.get(stream)
            if kept is None:
                return StoredStream(stream, (), None)
            rows = tuple(StoredRow(*row) for row in kept.rows)
            return StoredStream(stream, rows, StreamEnd(kept.number, kept.head))

    async def aclose(self) -> None:
        """Give back the claims that this ledger gave."""
        for account, holder in list(self.store.holders.items()):
            if holder.ledger is self:
                self._release(account, holder)

    def _release(self, account: AccountKey, holder: Holder) -> None:
        with self.store.lock:
            if self.store.holders.get(account) is holder:
                del self.store.holders[account]
