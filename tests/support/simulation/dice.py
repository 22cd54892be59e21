"""The one source of chance, and what can go wrong."""

from __future__ import annotations

import random
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")


class Fault(StrEnum):
    """Everything that a seed may let go wrong; each is counted when it is met."""

    # Requests and answers.
    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    DELIVERED_TWICE = "request delivered twice"
    DELIVERED_LATE = "request delivered late"
    REORDERED = "requests overtook each other"
    TIMED_OUT = "answer after the time-out"
    UNAVAILABLE = "unavailable for a moment"
    GARBLED = "answer unreadable"
    READ_FAILED = "read failed"
    OUTAGE = "nothing answers for a while"
    STALE_READ = "stale read"
    HIDDEN = "order not visible yet"
    # What the exchange does.
    REJECTED = "refused"
    REJECTED_LATE = "rejected after acceptance"
    PARTIAL = "filled in parts"
    LATE_FILL = "filled late"
    NEVER_FILLED = "never filled"
    UNPRICED = "fill without a price"
    FILL_DURING_CANCEL = "fill during the cancel"
    CANCEL_IGNORED = "cancel ignored for a while"
    CASH_LAG = "proceeds show late"
    NO_QUOTE = "no quote"
    MARKET_CLOSED = "market closed during the run"
    OPENS_LATE = "market opens after the plan has come"
    DUPLICATE_NAME = "second order under a name refused by the exchange"
    # The machine.
    CLOCK_STEP = "wall clock stepped"
    LEDGER_BEFORE = "ledger failed before the commit"
    LEDGER_AFTER = "ledger failed after the commit"
    LEDGER_READ = "ledger could not be read"
    LEDGER_SLOW = "slow commit"
    CRASH_ANYWHERE = "crash at a scheduling point"
    CRASH_AT_CALL = "crash at a port call"
    RESUMED_LATE = "resumed too late to send"
    # Others.
    STOP = "Ctrl-C"
    OPERATOR_CANCEL = "cancel from another process"
    HALT = "halt from another process"
    REDUCE_ONLY = "halt of the buys from another process"
    HALT_IN_LEDGER = "halt that the switch did not take"
    SECOND_INSTANCE = "second instance of the plan"
    OTHER_PLAN = "another plan of the account"


# Those that a call or an order meets with some probability; the others are planned once for a seed.
WEATHER: Final = (
    Fault.REQUEST_LOST,
    Fault.ANSWER_LOST,
    Fault.DELIVERED_TWICE,
    Fault.DELIVERED_LATE,
    Fault.TIMED_OUT,
    Fault.UNAVAILABLE,
    Fault.GARBLED,
    Fault.READ_FAILED,
    Fault.STALE_READ,
    Fault.HIDDEN,
    Fault.REJECTED,
    Fault.REJECTED_LATE,
    Fault.PARTIAL,
    Fault.LATE_FILL,
    Fault.NEVER_FILLED,
    Fault.UNPRICED,
    Fault.FILL_DURING_CANCEL,
    Fault.CANCEL_IGNORED,
    Fault.CASH_LAG,
    Fault.NO_QUOTE,
    Fault.LEDGER_BEFORE,
    Fault.LEDGER_AFTER,
    Fault.LEDGER_READ,
    Fault.LEDGER_SLOW,
)
# How much rarer than others: where such a fault is frequent, nothing is ever traded.
_RARE: Final = {
    Fault.LEDGER_BEFORE: 0.15,
    Fault.LEDGER_AFTER: 0.15,
    Fault.LEDGER_READ: 0.05,
    Fault.NO_QUOTE: 0.3,
    Fault.GARBLED: 0.5,
    Fault.REJECTED: 0.5,
    Fault.READ_FAILED: 0.5,
}
# What only cancels meet, of which there are few.
_LIKELY: Final = (Fault.NEVER_FILLED, Fault.FILL_DURING_CANCEL, Fault.CANCEL_IGNORED)
_ENABLED: Final = 0.35
# Where the wire is slow and the exchange forgetful, an order is longest in doubt.
_SLOW: Final = (Fault.DELIVERED_LATE, Fault.HIDDEN, Fault.STALE_READ)


class Dice:
    """
    Decides everything; the same seed decides the same.

    Each seed has a weather of its own: a few kinds of faults, each more or less frequent. ``calm`` ends it.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - it must replay
        self.met: Counter[Fault] = Counter()
        self.calm = False
        self._odds: dict[Fault, float] = {}
        if self.chance(0.15):
            self._odds = dict.fromkeys(_SLOW, 0.6)
        elif self.chance(0.93):
            for fault in WEATHER:
                if self.chance(_ENABLED) or fault in _LIKELY:
                    self._odds[fault] = self.pick((0.05, 0.15, 0.4, 0.7)) * _RARE.get(fault, 1)

    def change(self, weather: Mapping[Fault, float]) -> None:
        """Make some faults as frequent as this, whatever the weather was to be."""
        self._odds |= weather

    def happens(self, fault: Fault) -> bool:
        """Tell whether a fault is met here and now."""
        odds = self._odds.get(fault)
        if odds is None or self.calm or self._random.random() >= odds:
            return False
        self.met[fault] += 1
        return True

    def chance(self, odds: float) -> bool:
        """Tell whether something of these odds comes about."""
        return self._random.random() < odds

    def pick(self, choices: Sequence[T]) -> T:
        """Choose one."""
        return self._random.choice(choices)

    def between(self, low: float, high: float) -> float:
        """Choose a number."""
        return self._random.uniform(low, high)

    def up_to(self, most: float) -> float:
        """Choose a number up to ``most``; every other time nearly that, where mistakes show."""
        return self.between(0.85 * most, most) if self.chance(0.5) else self.between(0, most)

    def number(self, low: int, high: int) -> int:
        """Choose a whole number, both ends included."""
        return self._random.randint(low, high)

    def below(self, count: int) -> int:
        """Choose an index."""
        return int(self._random.random() * count)
