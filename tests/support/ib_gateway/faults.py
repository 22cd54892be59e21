"""What goes wrong, and when: told request by request."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """One thing that goes wrong with a request, with the order in it, or with what is told unasked."""

    # The request has its effect, and the answer is not what it should be.
    CONNECTIVITY = "1100 instead of an answer: the gateway loses Interactive Brokers for a while"
    RESET = "the connection breaks"
    HANG = "no answer ever comes"
    EMPTY = "the answer is a message without fields"
    UNREADABLE = "the answer is none of the API's"
    NO_ID = "the order is shown with permId 0; nothing more is said unasked of one just placed"
    FUTURE_STATUS = "the order is shown with a status that nobody knows; then as above"
    NOT_TOLD = "the order is acknowledged, and nothing more is said of it unasked"
    LATE_FILL = "the order is shown as it ended, without its executions"
    UNPRICED = "the executions are missing, and the order is shown without a price"
    DELIVERED_TWICE = "the request arrives a second time, too"
    # The request has no effect.
    LOST_REQUEST = "the connection breaks before the request is read"
    # The request has its effect later.
    PACED = "the request is held back for its rate, and then taken and answered"
    DELIVERED_LATE = "the connection breaks, and the request is taken a while later"
    # What becomes of the order.
    NOT_VISIBLE = "lists miss the order for a while"
    LATE_COMMISSION = "no commission is reported yet"
    # What becomes of a cancel.
    CANCEL_IGNORED = "the cancel is pending, and nothing happens"
    FILL_DURING_CANCEL = "the order fills before the cancel"
    PARTIAL_FILL_DURING_CANCEL = "a share fills before the cancel"
    # What is told unasked.
    FEED_SILENT = "nothing is told"
    FEED_LOSES = "a message is lost"
    FEED_REPEATS = "a message comes twice"
    FEED_REORDERS = "two messages change places"
    FEED_HESITATES = "a moment passes between an open order and its status"
    FEED_UNREADABLE = "a message is none of the API's"


UNANSWERED: Final = frozenset(
    {Fault.CONNECTIVITY, Fault.RESET, Fault.HANG, Fault.EMPTY, Fault.UNREADABLE}
)  # fmt: skip
FUTURE_STATUS: Final = "PendingTeleport"


class Faults:
    """
    The faults to come, by the kind of the request: ``place``, ``cancel``, ``open_orders``, ``contracts``, ...

    The kind ``told`` is what is told unasked. ``met`` counts what has happened.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._lasting: dict[str, Fault] = {}
        self._odds: dict[str, Mapping[Fault, float]] = {}
        self._dice = random.Random(0)  # noqa: S311 - a game
        self._errors: defaultdict[str, deque[tuple[int, str]]] = defaultdict(deque)
        self.met = Counter[Fault]()

    def once(self, kind: str, *faults: Fault) -> None:
        """Let the next requests of a kind go wrong, each in its way."""
        with self._lock:
            self._next[kind].extend(faults)

    def always(self, kind: str, fault: Fault) -> None:
        """Let every request of a kind go wrong from now on."""
        with self._lock:
            self._lasting[kind] = fault

    def say(self, kind: str, code: int, text: str) -> None:
        """Let the next request of a kind be answered with this error, and have no effect."""
        with self._lock:
            self._errors[kind].append((code, text))

    def said(self, kind: str) -> tuple[int, str] | None:
        """Give the error that the next request is to be answered with, where that was said."""
        with self._lock:
            return self._errors[kind].popleft() if self._errors[kind] else None

    def storm(self, seed: int, odds: Mapping[str, Mapping[Fault, float]]) -> None:
        """Throw dice for every request of these kinds."""
        with self._lock:
            self._dice = random.Random(seed)  # noqa: S311 - a game
            self._odds = dict(odds)

    def clear(self) -> None:
        """End everything that is to come."""
        with self._lock:
            self._next.clear()
            self._lasting.clear()
            self._errors.clear()
            self._odds.clear()

    def throw(self, kind: str) -> Fault | None:
        """Decide about one request."""
        with self._lock:
            fault = self._next[kind].popleft() if self._next[kind] else self._lasting.get(kind)
            if fault is None and kind in self._odds:
                (fault,) = self._dice.choices(*_weighted(self._odds[kind]))
            if fault is not None:
                self.met[fault] += 1
            return fault


def _weighted(odds: Mapping[Fault, float]) -> tuple[Sequence[Fault | None], Sequence[float]]:
    """Give what may happen, nothing included, and how likely each is."""
    return [*odds, None], [*odds.values(), 1 - sum(odds.values())]
