"""Where the chain of a stream is broken: any change to its events alone, located."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.chain import GENESIS, link

if TYPE_CHECKING:
    from planfill.domain.chain import StoredRow, StoredStream, StreamEnd

UNFIT: Final = "its hash does not fit its time, its text and the event before it"
CONTENT: Final = "its time or its text was changed, or the event before it together with its hash"
HASH: Final = "its hash was changed: it does not fit its time and its text"
LATE: Final = "stands a second time, or not in its place"
END: Final = "is the last event, and its hash is not the one that is kept of the end of the stream"
NO_END: Final = "nothing is kept of its end: nobody wrote events under this name, or that record was removed"
NO_NUMBER: Final = "the end of the stream is kept with a number that is none"
_MOST: Final = 4
"""How many hashes of the event before are tried where it is not known which is the true one."""


class Break(NamedTuple):
    """One place where the chain does not hold; ``number`` is None where it is no single event."""

    number: int | None
    problem: str


class _Unfit(NamedTuple):
    """An event that does not fit: what its hash is, and what it would be; the next one shows which."""

    place: int
    stored: str
    computed: tuple[str, ...]


class Walk:
    """
    A walk along a stream, event by event; ``breaks`` is what was found on the way.

    ``heads`` are the hashes that the events have, or should have.
    """

    def __init__(self, stored: StoredStream) -> None:
        self.breaks: list[Break] = []
        self.heads: set[str] = set()
        self._name = stored.name
        self._end = stored.end
        self._expected = 1
        self._before: tuple[str, ...] = (GENESIS,)
        self._unfit: _Unfit | None = None
        for row in stored.rows:
            self.heads.add(row.hash)
            self._take(row)
        self._close(stored.end)

    def _take(self, row: StoredRow) -> None:
        number = row.number
        if not isinstance(number, int):
            self._add(self._expected, f"a row stands before it whose number is {number!r}")
        elif number < self._expected:
            self._add(number, LATE)
            self._before = (row.hash, *self._before)[:_MOST]
        elif self._end and isinstance(self._end.number, int) and number > self._end.number:
            self._add(number, f"stands behind event {self._end.number}, the last one")
        else:
            if number > self._expected:
                self._missing(number - 1, f"event {number} stands there")
                self._before, self._unfit = (), None
            self._check(row, number)
            self._expected = number + 1

    def _check(self, row: StoredRow, number: int) -> None:
        """Check an event in its place; after a gap nobody knows the hash before it."""
        computed = tuple(link(before, self._name, number, row.at, row.payload) for before in self._before)
        if not computed or row.hash in computed:
            if computed:
                self._settle(self._before[computed.index(row.hash)])
            self._before = (row.hash,)
            return
        self._unfit = _Unfit(len(self.breaks), row.hash, computed)
        self._add(number, UNFIT)
        self.heads.update(computed)
        self._before = (row.hash, *computed)[:_MOST]

    def _settle(self, before: str) -> None:
        """Say of the event before what was changed in it, now that it is known which hash it had."""
        unfit, self._unfit = self._unfit, None
        if unfit is not None and before in {unfit.stored, *unfit.computed}:
            problem = CONTENT if before == unfit.stored else HASH
            self.breaks[unfit.place] = self.breaks[unfit.place]._replace(problem=problem)

    def _close(self, end: StreamEnd | None) -> None:
        """Compare where the walk came to with what is kept of the end."""
        if end is None:
            self._add(None, NO_END)
        elif not isinstance(end.number, int):
            self._add(None, NO_NUMBER)
        elif self._expected <= end.number:
            self._missing(end.number, "the stream ended there")
        elif end.head in self._before:
            self._settle(end.head)
        else:
            self._add(end.number, END)

    def _missing(self, last: int, why: str) -> None:
        more = f", and all up to event {last}" if last > self._expected else ""
        self._add(self._expected, f"is missing{more}: {why}")

    def _add(self, number: int | None, problem: str) -> None:
        self.breaks.append(Break(number, problem))
