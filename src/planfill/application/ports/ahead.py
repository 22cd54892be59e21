"""Asking a broker before it must be asked."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection


class AsksAhead(Protocol):
    """Asks at once, and together, what executing a plan will ask one after the other."""

    @abstractmethod
    def connect(self) -> None:
        """Begin to connect to the broker, and return at once; nothing is asked."""

    @abstractmethod
    def ask(self, symbols: Collection[str]) -> None:
        """
        Begin to ask, and return at once; whoever asks the same within a second gets that answer.

        A failure is told to whoever asks. What tells of the account and of the session
        is asked anew once an order was sent.
        """

    @abstractmethod
    def forget(self) -> None:
        """Let what was asked of the account so far be told to nobody: somebody else has traded on it."""
