"""The record of a stream, checked against itself."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from planfill.domain.breaks import Walk
from planfill.domain.chain import GENESIS
from planfill.domain.rebuilding import rebuild
from planfill.domain.values import Value

if TYPE_CHECKING:
    from planfill.domain.chain import StoredStream


class Finding(Value, frozen=True):
    """
    One thing that is not in order, and where.

    ``stream`` is empty where it is no single stream, ``number`` None where it is no single event.
    """

    stream: str
    number: int | None
    problem: str


class Verified(NamedTuple):
    """What was found in one stream; ``heads`` are the hashes that its events have, or should have."""

    events: int
    head: str
    heads: frozenset[str]
    findings: tuple[Finding, ...]


def verify(stored: StoredStream) -> Verified:
    """
    Recompute the chain of a stream, and rebuild what its events say.

    Any change to the events alone is found: to a text, a time, a hash or a number; an event that is
    missing, was added, or stands elsewhere. Events are read, and executions rebuilt, up to the first that
    is not in order. A stream that was written anew with all its hashes, and its end, is in order: only who
    holds one of its former ``heads`` finds that out.
    """
    walk = Walk(stored)
    end = min((one.number for one in walk.breaks if one.number is not None), default=len(stored.rows) + 1)
    intact = takewhile(lambda row: isinstance(row.number, int) and row.number < end, stored.rows)
    found = [*rebuild(stored.name, intact), *walk.breaks]
    return Verified(
        events=len(stored.rows),
        head=stored.rows[-1].hash if stored.rows else GENESIS,
        heads=frozenset(walk.heads),
        findings=tuple(Finding(stream=stored.name, number=n, problem=problem) for n, problem in found),
    )
