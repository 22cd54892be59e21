"""Where the exchange is kept: in memory."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from planfill.adapters.brokers.mock.exchange import Exchange


class Book(Protocol):
    """Keeps the exchange; what is done inside a context is kept whole or not at all."""

    exchange: Exchange

    @abstractmethod
    def change(self) -> AbstractContextManager[Exchange]:
        """Give the exchange as it is now, to be changed by nobody else meanwhile."""

    @abstractmethod
    def close(self) -> None:
        """Free what it is kept in."""

    @abstractmethod
    def look(self, now: datetime) -> AbstractContextManager[Exchange]:
        """Give the exchange as it is now, with what is due by ``now`` done."""


class MemoryBook(Book):
    """Keeps the exchange in this object."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._context = nullcontext(exchange)

    def change(self) -> AbstractContextManager[Exchange]:
        """Give the exchange; nobody else has it."""
        return self._context

    def look(self, now: datetime) -> AbstractContextManager[Exchange]:
        """Give the exchange, with what is due done."""
        self.exchange.advance(now)
        return self._context

    def close(self) -> None:
        """Free nothing."""
