"""What only an adapter can check of its broker, for ``planfill doctor``."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.domain.examination import Finding


class BrokerExaminer(Protocol):
    """
    Optional in a ``Brokerage``: the checks that no other port can make.

    Each gives findings, none where there is nothing to check, and never a secret in one. Whatever it raises
    counts as a check that could not be done. It changes nothing at the broker.
    """

    symbol: str
    """What is quoted, and ordered where that is asked for: something that trades all day."""

    @abstractmethod
    async def check_way(self) -> Sequence[Finding]:
        """Check what an answer needs, before one is asked for: keys, URLs, DNS, TLS, files."""

    @abstractmethod
    async def check_flags(self) -> Sequence[Finding]:
        """Name whatever blocks the account, each with its remedy; asked when the account has answered."""

    @abstractmethod
    async def check_clock(self) -> Sequence[Finding]:
        """Compare our clock with the broker's."""

    @abstractmethod
    async def check_rate(self) -> Sequence[Finding]:
        """Tell how many requests are left, as the last answers had it."""
