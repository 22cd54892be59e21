"""What is being asked over one connection, and how it ends."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from planfill.adapters.brokers.ib import outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ib_async.contract import Contract
    from ib_async.order import Order, OrderState

# What is asked without a number, one at a time.
OPEN: Final = "open orders"
COMPLETED: Final = "completed orders"
POSITIONS: Final = "positions"
TIME: Final = "time"
# The number of what nobody has asked for.
NOBODY: Final = -1


class Lost(Exception):
    """The connection has ended, or what came over it cannot be read: what was asked has no answer."""


class NotAsked(Lost):
    """The connection had ended before it was one's turn to ask."""


class Refused(Exception):
    """The gateway's answer is one of its messages."""

    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(outcomes.said(code, text))


@dataclass(slots=True)
class Told:
    """The gateway's last word on one order, and all its messages about it."""

    status: str = ""
    perm_id: int = 0
    filled: float = 0
    average: float = 0
    why_held: str = ""
    words: int = 0
    """How often it has said how the order stands."""
    messages: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Listed:
    """An order as a list has it."""

    contract: Contract
    order: Order
    state: OrderState


@dataclass(slots=True)
class Question:
    """Something asked, and what has come of it so far."""

    future: asyncio.Future[list[Any]]
    items: list[Any] = field(default_factory=list)


class Ticking(Protocol):
    """Who listens to the ticks of one symbol."""

    def price(self, kind: int, price: float, size: float) -> None:
        """A price, and how many shares are shown at it."""

    def size(self, kind: int, size: float) -> None:
        """A size alone."""

    def tell(self, name: str, value: float) -> None:
        """Something else about the symbol."""

    def fail(self, error: Exception) -> None:
        """There will be no quote."""


class Asked:
    """The questions that are open; ``heard`` is called with whatever is news."""

    def __init__(self, heard: Callable[[], None]) -> None:
        self.heard = heard
        self.closed = asyncio.Event()
        self.questions: dict[int | str, Question] = {}
        self.watches: dict[int, Ticking] = {}
        self.orders: dict[tuple[int, int], Told] = {}
        self.waiting: dict[int, set[asyncio.Event]] = {}

    def told(self, client_id: int, order_id: int, perm_id: int) -> Told:
        """Give what is known of an order; one that was placed by hand has no number of a program's."""
        return self.orders.setdefault((client_id, order_id) if order_id > 0 else (-1, perm_id), Told())

    def fail(self, error: Exception) -> None:
        """Let nothing that is being asked have an answer."""
        for key in tuple(self.questions):
            self.refuse(key, error)
        for watch in self.watches.values():
            watch.fail(error)
        for number in tuple(self.waiting):
            self.wake(number)
        self.heard()

    @contextmanager
    def listening(self, number: int) -> Iterator[asyncio.Event]:
        """Give what is set when something is said of an order, by its number."""
        event = asyncio.Event()
        self.waiting.setdefault(number, set()).add(event)
        try:
            yield event
        finally:
            self.waiting[number].discard(event)

    def wake(self, number: int) -> None:
        """Say that something was said of an order."""
        for event in self.waiting.get(number, ()):
            event.set()

    def refuse(self, key: int | str, error: Exception) -> None:
        """Let one question have no answer."""
        question = self.questions.get(key)
        if question is not None and not question.future.done():
            question.future.set_exception(error)

    def add(self, key: int | str, item: object) -> None:
        """Take a part of an answer, if somebody has asked."""
        if key in self.questions:
            self.questions[key].items.append(item)

    def end(self, key: int | str) -> None:
        """Say that an answer is whole."""
        question = self.questions.get(key)
        if question is not None and not question.future.done():
            question.future.set_result(question.items)
