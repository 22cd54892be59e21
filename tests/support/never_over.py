"""A run that has all the time there is, for wrappers under test."""

from __future__ import annotations

from planfill.application.run import Sending
from planfill.domain.order import Order


class NeverOver(Sending):
    """Permits everything; what is not found for ``certainty_s`` is not there."""

    def __init__(self, certainty_s: float, *, may_be_there: bool) -> None:
        self._certainty_s = certainty_s
        self._may_be_there = may_be_there

    @property
    def certainty_s(self) -> float:
        return self._certainty_s

    async def permit(self, order: Order) -> None:
        """Permit it."""

    def is_over(self, order: Order) -> bool:
        return False

    def may_be_there(self, order: Order) -> bool:
        return self._may_be_there

    def heard(self, *, answered: bool) -> None:
        """Count nothing."""
