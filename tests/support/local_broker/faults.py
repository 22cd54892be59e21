"""What goes wrong, and when: told request by request, or thrown by seeded dice."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

_F = TypeVar("_F", bound=StrEnum)
_T = TypeVar("_T")


class GoingWrong(Generic[_F, _T]):
    """The faults to come, by the kind of the request, and what it is answered with; ``met`` counts them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: defaultdict[str, deque[_F]] = defaultdict(deque)
        self._lasting: dict[str, _F] = {}
        self._odds: dict[str, Mapping[_F, float]] = {}
        self._dice = random.Random(0)  # noqa: S311 - a game
        self._canned: defaultdict[str, deque[tuple[int, _T]]] = defaultdict(deque)
        self.met = Counter[_F]()

    def once(self, kind: str, *faults: _F) -> None:
        """Let the next requests of a kind go wrong, each in its way."""
        with self._lock:
            self._next[kind].extend(faults)

    def always(self, kind: str, fault: _F) -> None:
        """Let every request of a kind go wrong from now on."""
        with self._lock:
            self._lasting[kind] = fault

    def say(self, kind: str, code: int, what: _T) -> None:
        """Let the next request of a kind be answered with this, and have no effect."""
        with self._lock:
            self._canned[kind].append((code, what))

    def canned(self, kind: str) -> tuple[int, _T] | None:
        """Give what the next request is to be answered with, where that was said."""
        with self._lock:
            return self._canned[kind].popleft() if self._canned[kind] else None

    def storm(self, seed: int, odds: Mapping[str, Mapping[_F, float]]) -> None:
        """Throw dice for every request of these kinds."""
        with self._lock:
            self._dice = random.Random(seed)  # noqa: S311 - a game
            self._odds = dict(odds)

    def clear(self) -> None:
        """End everything that is to come."""
        with self._lock:
            self._next.clear()
            self._lasting.clear()
            self._odds.clear()
            self._canned.clear()

    def throw(self, kind: str) -> _F | None:
        """Decide about one request."""
        with self._lock:
            return self._met(self._decided(kind))

    def _decided(self, kind: str) -> _F | None:
        fault = self._next[kind].popleft() if self._next[kind] else self._lasting.get(kind)
        if fault is None and kind in self._odds:
            number = self._dice.random()
            for one, probability in self._odds[kind].items():
                number -= probability
                if number < 0:
                    return one
        return fault

    def _met(self, fault: _F | None) -> _F | None:
        if fault is not None:
            self.met[fault] += 1
        return fault
