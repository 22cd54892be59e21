"""The halt that needs no ledger: whoever is about to send something sees it at once."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from planfill.domain.halting import Halt
    from planfill.domain.identity import AccountKey


class HaltSwitch(Protocol):
    """
    Halts, kept outside the ledger for all who use it. Proven by ``planfill.testing.halt``.

    One for each account and one for all, the account None. Every method answers at once, since one is asked
    before each send; every method raises ``HaltUnavailable`` where it cannot do what it is asked: nothing
    may be sent then.
    """

    @property
    @abstractmethod
    def where(self) -> str:
        """Say for people where halts are kept."""

    @abstractmethod
    def read(self, account: AccountKey | None) -> Halt | None:
        """Give the halt that an account has to obey, its own or that of all: the strictest."""

    @abstractmethod
    def set(self, halt: Halt) -> None:
        """Halt what ``halt.account`` says, in the place of an earlier halt of it; durable on return."""

    @abstractmethod
    def clear(self, account: AccountKey | None) -> None:
        """Lift the halt of an account, or that of all; durable on return. Nothing happens without one."""
