"""Halts in memory: for whoever keeps nothing durable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.ports.halt import HaltSwitch
from planfill.domain.halting import strictest

if TYPE_CHECKING:
    from planfill.domain.halting import Halt
    from planfill.domain.identity import AccountKey


class MemoryHalts(HaltSwitch):
    """Halts that only those see who share this object."""

    def __init__(self) -> None:
        self._halts: dict[AccountKey | None, Halt] = {}

    @property
    def where(self) -> str:
        """See the port."""
        return "the memory of this process alone"

    def read(self, account: AccountKey | None) -> Halt | None:
        """See the port."""
        return strictest(self._halts.get(account), self._halts.get(None))

    def set(self, halt: Halt) -> None:
        """See the port."""
        self._halts[halt.account] = halt

    def clear(self, account: AccountKey | None) -> None:
        """See the port."""
        self._halts.pop(account, None)
