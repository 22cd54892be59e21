"""What goes wrong, and when: told request by request, or thrown by seeded dice."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from local_broker import GoingWrong


class Fault(StrEnum):
    """One thing that goes wrong with a request, with the order in it, or with the stream."""

    # The request has its effect, and the answer is not what it should be.
    ANSWER_504 = "504, as JSON"
    ANSWER_504_HTML = "504, as HTML"
    ANSWER_500 = "500, as JSON"
    ANSWER_502_HTML = "502, as HTML"
    ANSWER_500_EMPTY = "500, with an empty body"
    RESET = "the connection is reset"
    HANG = "no answer ever comes"
    EMPTY_200 = "200, with an empty body"
    EMPTY_204 = "204, which has no body"
    MOVED = "301, with an empty body"
    MOVED_HTML = "302, as HTML"
    ERROR_200 = "200, with an error's body"
    UNREADABLE = "200, as HTML"
    NO_ID = "200, with the id null"
    MISSING_ID = "200, without an id"
    FUTURE_STATUS = "the order is shown with a status that nobody knows"
    FILLED_BEFORE_ANSWER = "the order may have filled, and is shown as new"
    LATE_FILL = "the order is shown as it ended, without its fills"
    UNPRICED = "the order is shown with a null average price"
    DELIVERED_TWICE = "the request arrives a second time, too"
    # The request has no effect.
    LOST_REQUEST = "the connection is reset before the request is read"
    UNAVAILABLE = "503, and nothing was done"
    UNAVAILABLE_HTML = "503 as HTML, and nothing was done"
    UNAVAILABLE_EMPTY = "503 with an empty body, and nothing was done"
    FORBIDDEN = "403, without a code"
    RATE_LIMITED = "429, with the headers"
    RATE_LIMITED_BARE = "429, without the headers"
    REFUSED_CONNECTION = "nobody listens at the port"
    # The request has its effect later, and is not answered.
    DELIVERED_LATE = "the request arrives after everybody has given up on it"
    # What becomes of the order.
    NOT_VISIBLE = "look-ups miss the order for a while"
    SLOW_FILL = "the order fills late"
    # What becomes of a cancel.
    CANCEL_IGNORED = "the cancel is accepted, and nothing happens"
    PENDING_CANCEL = "the cancel is pending for a while"
    FILL_WHILE_PENDING = "the cancel is pending for a while, and then the order fills"
    FILL_DURING_CANCEL = "the order fills before the cancel"
    PARTIAL_FILL_DURING_CANCEL = "a share fills before the cancel"
    # Prices and the clock.
    NULL_QUOTES = "the quotes are null"
    NO_QUOTES = "no symbol has a quote"
    ZERO_QUOTES = "nobody offers: the ask is 0"
    STALE_QUOTES = "the quotes are an hour old"
    CROSSED_QUOTES = "the bid is above the ask"
    CLOCK_DRIFTS = "the clock is 90 seconds ahead"
    # The stream.
    FEED_SILENT = "the stream says nothing"
    FEED_LOSES = "the stream loses an event"
    FEED_REPEATS = "the stream says everything twice"
    FEED_REORDERS = "the stream says things in the wrong order"
    FEED_DROPS = "the stream is closed after each event"
    FEED_REFUSED = "the stream is refused with 429"
    FEED_NULL = "the stream says null instead of an event"
    FEED_UNREADABLE = "the stream says what nobody can read"


NO_EFFECT: Final = frozenset(
    {
        Fault.LOST_REQUEST,
        Fault.UNAVAILABLE,
        Fault.UNAVAILABLE_HTML,
        Fault.UNAVAILABLE_EMPTY,
        Fault.FORBIDDEN,
        Fault.RATE_LIMITED,
        Fault.RATE_LIMITED_BARE,
    }
)


@dataclass(slots=True)
class _Line:
    """One line of a script: which of the requests that fit goes wrong."""

    kind: str
    fault: Fault
    symbol: str | None
    which: range
    seen: int = 0

    def meets(self, kind: str, symbols: Collection[str]) -> bool:
        """Count a request where it fits; tell whether it is one of those."""
        if kind != self.kind or (self.symbol is not None and self.symbol not in symbols):
            return False
        self.seen += 1
        return self.seen in self.which


class Faults(GoingWrong[Fault, bytes]):
    """
    The faults to come, by the kind of the request: ``place``, ``ask``, ``cancel``, ``orders``, ``fills``, ...

    Those of the stream are in force until they are lifted.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[_Line] = []

    def on(self, kind: str, fault: Fault, *, symbol: str | None = None, nth: int = 1, times: int = 1) -> None:
        """Let the nth request of a kind (that concerns the symbol) go wrong, counted from now on."""
        with self._lock:
            self._lines.append(_Line(kind, fault, symbol, range(nth, nth + times)))

    def clear(self) -> None:
        """End everything that is to come."""
        super().clear()
        with self._lock:
            self._lines.clear()

    def lift(self, kind: str) -> None:
        """End what is in force for a kind of requests."""
        with self._lock:
            self._lasting.pop(kind, None)

    def lasting(self, kind: str) -> Fault | None:
        """Give what is in force until it is lifted."""
        with self._lock:
            return self._lasting.get(kind)

    def throw(self, kind: str, symbols: Collection[str] = ()) -> Fault | None:
        """Decide about one request, which concerns these symbols."""
        with self._lock:
            # Every line counts the request, also where another one decides.
            met = [line.fault for line in self._lines if line.meets(kind, symbols)]
            return self._met(met[0] if met else self._decided(kind))
