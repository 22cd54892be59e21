"""
What goes wrong, written down before: faults for tests, call by call.

``Script(On("place_order", Fail(BrokerUnavailable("reset")), symbol="SPY", nth=1))`` refuses the
connection to the first order of SPY. Several faults of one call work together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planfill.adapters.brokers.mock.handling import AS_USUAL, Handling

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from planfill.application.ports.clock import Clock


@dataclass(slots=True)
class Call:
    """
    One call of a port, as a fault sees it.

    ``handling`` is what the exchange will make of it; ``again_after`` lets the request arrive (again)
    so many seconds later.
    """

    clock: Clock
    again_after: Callable[[float], None]
    handling: Handling = AS_USUAL


class Fault:
    """Something that goes wrong with a call: before its effect, after it, or with the answer."""

    async def before(self, call: Call) -> None:
        """Do something before the effect; raise, and there is none."""

    async def after(self, call: Call, answer: object) -> object:  # noqa: ARG002 - for those that wait
        """Give what the caller hears instead of ``answer``, or an error; raise, and it hears of neither."""
        return answer


@dataclass(frozen=True, slots=True)
class On:
    """
    Which calls a fault meets.

    ``method`` is the name of a port's method. ``symbol`` narrows it to calls that concern the symbol,
    ``nth`` to the nth of these (from 1), ``times`` to so many of them, from ``nth`` or the first.
    """

    method: str
    fault: Fault
    symbol: str | None = None
    nth: int | None = None
    times: int | None = None

    def meets(self, count: int) -> bool:
        """Tell whether the fault meets the call that is the ``count``-th of its kind."""
        first = self.nth or 1
        times = self.times or (1 if self.nth else None)
        return count >= first and (times is None or count < first + times)


class Script:
    """The faults of a test; more can be added while it runs."""

    def __init__(self, *lines: On) -> None:
        self._lines = list(lines)
        self._met: Counter[int] = Counter()

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, *lines: On) -> None:
        """Add faults; they count calls from now on."""
        self._lines.extend(lines)

    def clear(self) -> None:
        """Let everything go well from now on."""
        self._lines.clear()
        self._met.clear()

    def faults(self, method: str, symbols: Collection[str]) -> Sequence[Fault]:
        """Count a call, and give the faults that it meets."""
        found = []
        for index, line in enumerate(self._lines):
            if line.method == method and (line.symbol is None or line.symbol in symbols):
                self._met[index] += 1
                if line.meets(self._met[index]):
                    found.append(line.fault)
        return found
