"""Counting what a broker is asked, until it is recorded with the end of a run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from planfill.application.ports.limiter import Waits
from planfill.domain.calls import CallCount
from planfill.domain.errors import ExecutionError
from planfill.domain.events import CallsCounted

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from planfill.application.ports.limiter import RequestLimiter
    from planfill.domain.order import Order
    from planfill.domain.values import ClientOrderId

_T = TypeVar("_T")


class Tally:
    """What this process has asked of one broker since it was recorded last; all in one event loop."""

    def __init__(self, limiter: RequestLimiter | None = None) -> None:
        self._limiter = limiter
        self._calls: Counter[tuple[str, str]] = Counter()
        self._sent: set[ClientOrderId] = set()
        self._resent = 0
        self._waited = self._waits()

    def sending(self, order: Order) -> None:
        """Note that an order is about to be sent, for the first time or again."""
        self._resent += order.client_order_id in self._sent
        self._sent.add(order.client_order_id)

    async def of(self, call: str, answer: Awaitable[_T]) -> _T:
        """Wait for an answer, and count how that ended."""
        status = "abandoned"
        try:
            found = await answer
            status = "ok"
        except Exception as e:
            status = _name(e)
            raise
        finally:
            self._calls[call, status] += 1
        return found

    def take(self, commits: int) -> CallsCounted:
        """Give all that was counted, with the commits of who records it, and count anew."""
        waited = self._waits()
        since = Waits(waited.times - self._waited.times, waited.seconds - self._waited.seconds)
        calls = sorted(self._calls.items())
        counted = CallsCounted(
            calls=tuple(CallCount(call=call, status=status, calls=n) for (call, status), n in calls),
            resent=self._resent,
            waits=since.times,
            waited_s=since.seconds,
            commits=commits,
        )
        self._calls.clear()
        self._sent.clear()
        self._resent, self._waited = 0, waited
        return counted

    def _waits(self) -> Waits:
        return Waits() if self._limiter is None else self._limiter.waited()


def _name(error: Exception) -> str:
    if not isinstance(error, ExecutionError):
        return "unforeseen"
    # An adapter's own class says no more than the one of the tree that it is.
    known = (kind for kind in type(error).__mro__ if kind.__module__ == ExecutionError.__module__)
    return next(known).__name__
