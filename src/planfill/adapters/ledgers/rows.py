"""How an event stands in storage: the texts that are kept are the texts that were hashed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.chain import link
from planfill.domain.errors import LedgerCorrupt
from planfill.domain.events import Recorded, decode
from planfill.domain.identity import AccountKey, ExecutionKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planfill.domain.events import Event

_EXECUTION: Final = "execution/"


class Row(NamedTuple):
    """One event of a stream as texts; ``at`` is ISO 8601 in UTC with microseconds and a Z."""

    number: int
    at: str
    hash: str
    payload: str


def written(at: datetime) -> str:
    """Write a time as it is stored."""
    if at.tzinfo is None:
        msg = f"{at} has no time zone"
        raise ValueError(msg)
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def chained(stream: str, number: int, head: str, payloads: Iterable[str], at: str) -> list[Row]:
    """Number and link payloads behind event ``number`` of a stream, whose hash is ``head``."""
    rows = []
    for payload in payloads:
        number += 1
        head = link(head, stream, number, at, payload)
        rows.append(Row(number, at, head, payload))
    return rows


def recorded(stream: str, row: Row) -> Recorded:
    """
    Read a stored event.

    Raises:
        LedgerCorrupt: It is no event that this version knows.

    """
    try:
        at, event = datetime.fromisoformat(row.at), decode(row.payload)
    except (TypeError, ValueError) as e:
        why = str(e).partition("\n")[0]
        msg = f"event {row.number} of {stream} cannot be read ({why}): restore the ledger from a copy"
        raise LedgerCorrupt(msg) from e
    return Recorded(stream, row.number, at, row.hash, event)


def is_finished(events: Sequence[Event], *, before: bool) -> bool:
    """Tell whether an execution is finished after these events."""
    told = [event.finishes for event in events if event.finishes is not None]
    return told[-1] if told else before


def is_execution(stream: str) -> bool:
    """Tell whether a stream is an execution's."""
    return stream.startswith(_EXECUTION)


def belongs_to(stream: str, account: AccountKey) -> bool:
    """Tell whether a stream is that of an execution on this account."""
    return stream.startswith(f"{_EXECUTION}{account}:")


def execution_key(stream: str) -> ExecutionKey | None:
    """
    Read the name of a stream; only an execution's holds a key.

    Raises:
        ValueError: No stream is named like that.

    """
    if stream == "system":
        return None
    kind, _, name = stream.partition("/")
    match kind, *name.split(":", 3):
        case "execution", broker, environment, number, plan_id:
            account = AccountKey(broker=broker, environment=environment, number=number)
            return ExecutionKey(account=account, plan_id=plan_id)
        case "account", broker, environment, number:
            AccountKey(broker=broker, environment=environment, number=number)
            return None
    msg = f"{stream!r} is none of execution/..., account/... and system"
    raise ValueError(msg)
