"""
What makes a test a card of the broker's contract: its number, its origin, and what it needs.

The docstring of a card begins with its number, and may end with where it comes from: ``B22: a remark. From
LEAN 15.`` Without the latter it is ours. Its name is its sentence.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final, TypeVar

import pytest

from planfill.domain.market import Capabilities
from planfill.testing.venue import Venue

Test = TypeVar("Test", bound=Callable[..., Any])

_WITHOUT: Final = {
    "unique_ids": "unique client order ids",
    "fractions": "fractions of shares",
    "notional": "orders in dollars",
}


def needs(capability: str) -> Callable[[Test], Test]:
    """Skip the card where the broker declares that it lacks ``capability``, a field of ``Capabilities``."""
    if capability not in _WITHOUT:
        raise ValueError(capability)

    def mark(test: Test) -> Test:
        vars(test)["needs"] = capability
        return test

    return mark


class BrokerCards:
    """What the suites of the ports of one broker share."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    @abstractmethod
    def venue(self) -> Venue:
        """Make the market behind the broker."""

    @pytest.fixture
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """Say what the broker declares of itself."""

    @pytest.fixture(autouse=True)
    def _able(self, request: pytest.FixtureRequest, capabilities: Capabilities) -> None:
        needed = getattr(request.function, "needs", None)
        if needed is not None and not getattr(capabilities, needed):
            pytest.skip(f"the broker declares that it has no {_WITHOUT[needed]}")
