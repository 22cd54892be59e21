"""
Never more requests than the account may make.

Alpaca counts in fixed windows of a minute, whose end its headers name. Until the first answer nobody knows
where they begin, so any sixty seconds count as one; from then on the windows are the broker's. A tenth of
each is kept for looking up and cancelling, which also goes first.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.alpaca.rate_headers import MINUTE_S, told
from planfill.application.ports.limiter import RequestLimiter, Waits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planfill.adapters.brokers.alpaca.rate_headers import Told
    from planfill.application.ports.clock import Clock

# What is sent this shortly before a window ends may arrive, and count, in the next.
_ON_THE_WAY_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0
_RESERVED: Final = 10
_TOO_MANY: Final = 429
_DICE: Final = random.SystemRandom()


class Limiter(RequestLimiter, ABC):
    """Gives turns; what kind of limit there is, the subclasses know."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._limit = per_minute
        self._closed_until = 0.0
        self._refusals = 0
        self._urgent = 0
        self._waited = Waits()
        self.heard: Told | None = None
        """What the last answer with rate headers said."""

    async def turn(self, *, urgent: bool = False) -> None:
        """Wait for a turn, and take it."""
        self._urgent += urgent
        try:
            await self._wait(urgent=urgent)
            self._take()
        finally:
            self._urgent -= urgent

    def free(self) -> int:
        """See the port."""
        now = self._clock.monotonic()
        return 0 if now < self._closed_until else max(0, self._left(now) - self._limit // _RESERVED)

    async def ready(self) -> None:
        """See the port."""
        await self._wait(urgent=False)

    def waited(self) -> Waits:
        """See the port."""
        return self._waited

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """Learn from an answer: where the windows are, and that it was too much."""
        said = told(headers, self._clock)
        if said.limit is not None:
            self.heard = said
        self._learn(said)
        if status != _TOO_MANY:
            self._refusals = 0
            return
        pause = said.ends_in_s
        if pause is None:
            pause = min(_LONGEST_PAUSE_S, 2.0**self._refusals) * _DICE.uniform(1, 1.25)
        self._refusals += 1
        self._closed_until = max(self._closed_until, self._clock.monotonic() + pause)

    async def _wait(self, *, urgent: bool) -> None:
        began: float | None = None
        try:
            while (wait := self._wait_s(urgent=urgent)) > 0:
                began = self._clock.monotonic() if began is None else began
                await self._clock.sleep(wait)
        finally:
            if began is not None:
                times, seconds = self._waited
                self._waited = Waits(times + 1, seconds + self._clock.monotonic() - began)

    def _wait_s(self, *, urgent: bool) -> float:
        now = self._clock.monotonic()
        if now < self._closed_until:
            return self._closed_until - now
        kept = 0 if urgent else self._limit // _RESERVED
        wait = self._until_free(now, kept)
        # Those who only place orders let the others pass.
        return wait if urgent or not self._urgent else max(wait, 0.001)

    @abstractmethod
    def _until_free(self, now: float, kept: int) -> float:
        """Say how long until one more than ``kept`` turns are there; 0: now."""

    @abstractmethod
    def _left(self, now: float) -> int:
        """Say how many turns there are now, those that are kept included."""

    @abstractmethod
    def _take(self) -> None:
        """Take a turn."""

    @abstractmethod
    def _learn(self, said: Told) -> None:
        """Take in what the broker says of its windows."""


class FixedWindows(Limiter):
    """So many requests in each window of the broker's."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        super().__init__(clock, per_minute)
        self._sent = deque[float]()
        self._ends: float | None = None
        self._others = 0

    def _until_free(self, now: float, kept: int) -> float:
        if self._left(now) > kept:
            return 0
        if self._ends is not None:
            return max(self._ends - now, 0.001)
        return max(self._sent[0] + MINUTE_S + _ON_THE_WAY_S - now, 0.001)

    def _left(self, now: float) -> int:
        self._move_on(now)
        return self._limit - len(self._sent) - self._others

    def _take(self) -> None:
        self._sent.append(self._clock.monotonic())

    def _learn(self, said: Told) -> None:
        now = self._clock.monotonic()
        self._move_on(now)
        if said.limit:
            self._limit = min(self._limit, said.limit)
        if said.ends_in_s is not None:
            ends = now + said.ends_in_s
            # Each answer says it a little late, none too early: the earliest of one window is the nearest.
            same = self._ends is not None and abs(ends - self._ends) < MINUTE_S / 2
            self._ends = min(ends, self._ends) if same and self._ends is not None else ends
        if said.limit and said.remaining is not None:
            # What is counted beyond all that we have sent was somebody else's, with the same account.
            self._others = max(self._others, said.limit - said.remaining - len(self._sent))

    def _move_on(self, now: float) -> None:
        """Forget what the window of now does not count."""
        if self._ends is None:
            begins = now - MINUTE_S - _ON_THE_WAY_S
        else:
            while now >= self._ends:
                self._ends += MINUTE_S
                self._others = 0
            begins = self._ends - MINUTE_S - _ON_THE_WAY_S
        while self._sent and self._sent[0] < begins:
            self._sent.popleft()


class Bucket(Limiter):
    """A bucket that is full at first, and fills evenly."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        super().__init__(clock, per_minute)
        self._turns = float(per_minute)
        self._at = clock.monotonic()

    def _until_free(self, now: float, kept: int) -> float:
        self._fill(now)
        missing = kept + 1 - self._turns
        return max(missing * MINUTE_S / self._limit, 0.001) if missing > 0 else 0

    def _left(self, now: float) -> int:
        self._fill(now)
        return int(self._turns)

    def _fill(self, now: float) -> None:
        self._turns = min(float(self._limit), self._turns + (now - self._at) * self._limit / MINUTE_S)
        self._at = now

    def _take(self) -> None:
        self._turns -= 1

    def _learn(self, said: Told) -> None:
        if said.limit:
            self._limit = min(self._limit, said.limit)
