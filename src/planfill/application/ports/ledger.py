"""The record: append-only streams of events, each a hash chain, and the claim on an account."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    from planfill.domain.chain import StoredStream
    from planfill.domain.events import Event, Recorded
    from planfill.domain.identity import AccountKey, ExecutionKey


class Claim(Protocol):
    """
    The exclusive hold of this process on an account, and the fence of its appends.

    Leaving the context releases it; so does the end of the process, however it ends.
    """

    account: AccountKey
    fence: int

    @abstractmethod
    async def __aenter__(self) -> Self: ...

    @abstractmethod
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class ExecutionSummary(NamedTuple):
    """One execution in a list: its key, when it was first claimed, and how it stands."""

    key: ExecutionKey
    started_at: datetime
    finished: bool


class Ledger(Protocol):
    """
    Durable, append-only, in order. Proven by ``planfill.testing.ledger``.

    A stream is named ``execution/<execution key>``, ``account/<account key>`` or ``system``. Its events
    are numbered from 1 without a gap, and each carries the hash of the one before it
    (``domain.chain.link``). Every method raises ``LedgerUnavailable`` where the storage cannot be used,
    ``LedgerTooNew`` where a newer version wrote it, ``LedgerCorrupt`` where a stored event cannot be read.
    """

    @abstractmethod
    async def claim(self, account: AccountKey, *, holder: str, at: datetime) -> Claim:
        """
        Take the account for this process, with a fence higher than any before.

        Exclusive among processes and inside one, without a time-out: the operating system frees it when
        the process ends. ``holder`` says who asks, for the message that others get.

        Raises:
            AccountBusy: Somebody holds it; the message says who, and since when.

        """

    @abstractmethod
    async def append(
        self, stream: str, events: Sequence[Event], *, at: datetime, claim: Claim | None = None
    ) -> tuple[Recorded, ...]:
        """
        Append all of ``events`` or none; return when they are durable.

        ``execution/`` streams take a claim only. ``claim`` must be the latest of its account.

        Raises:
            FenceLost: The account was claimed by somebody else since. Nothing was appended.

        """

    @abstractmethod
    async def read(self, stream: str, after: int = 0) -> tuple[Recorded, ...]:
        """Read the events of a stream with numbers above ``after``; none if there is no such stream."""

    @abstractmethod
    async def executions(self, account: AccountKey | None = None) -> tuple[ExecutionSummary, ...]:
        """List the executions, of one account or of all, oldest first."""


class Cursors(Protocol):
    """How far each listener has been told of each stream; durable, so that nobody misses an event."""

    @abstractmethod
    async def get_cursors(self, stream: str) -> Mapping[str, int]:
        """Give the number of the last event of the stream that each listener was told, by listener."""

    @abstractmethod
    async def set_cursors(self, stream: str, cursors: Mapping[str, int]) -> None:
        """Remember how far each of these listeners has been told."""

    @abstractmethod
    async def behind(self, listener: str) -> tuple[str, ...]:
        """Name the streams of which there is more than this listener has been told, oldest first."""

    @abstractmethod
    async def move_cursors(self, ends: Mapping[str, Mapping[str, int]]) -> None:
        """Remember of several streams how far each listener has been told: all of it, or nothing."""


@runtime_checkable
class AuditTrail(Protocol):
    """
    What is stored, as it stands: nothing of it is believed, and whatever stands there comes back.

    Every method raises ``LedgerUnavailable`` where the storage cannot be used or there is none.
    """

    @abstractmethod
    async def streams(self) -> tuple[str, ...]:
        """
        Name every stream of which there is an event or an end, oldest first.

        Those without an end come last. A name that is no text comes as one under which nothing stands.
        """

    @abstractmethod
    async def stored(self, stream: str) -> StoredStream:
        """
        Give the events of a stream in the order of their numbers, and its end, as of one moment.

        A value of another type than it should be comes as a text that no value of that type would be.
        """
