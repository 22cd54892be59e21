"""The shadow: whoever else made something of a plan, asked after we have executed it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planfill.domain.shadow import ShadowOrder, Tolerances
    from planfill.domain.values import Price


class Shadowed(NamedTuple):
    """
    What a shadow is told: the plan as a document, the account that executed it, and at which prices.

    ``quotes`` are the mid prices that the orders were sized with, by symbol; what had no order has none.
    """

    plan: Mapping[str, Any]
    account: str
    quotes: Mapping[str, Price]


class Shadow(Protocol):
    """One ``[shadow.NAME]``."""

    tolerances: Tolerances

    @abstractmethod
    async def orders(self, execution: Shadowed) -> tuple[ShadowOrder, ...]:
        """
        Say what became of the plan there, one order a symbol.

        Raises:
            ShadowFailed: It says nothing that can be compared: it broke, hung, or has no such orders.

        """
