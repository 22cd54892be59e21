"""What the contract suites of the ledger share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

from planfill.application.ports.ledger import AuditTrail, Cursors, Ledger
from planfill.domain.chain import GENESIS, link
from planfill.domain.events import Recorded, encode


class LedgerUnderTest(Ledger, Cursors, AuditTrail, Protocol):
    """What an adapter for the three ports is."""


Opener = Callable[[], LedgerUnderTest]


class LedgerCards:
    """Tests of a ledger; each gets a storage of its own, which is empty."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    @abstractmethod
    def open_ledger(self) -> Opener:
        """Give what opens the same storage anew at each call, as another process would; close them all."""

    @pytest.fixture
    def ledger(self, open_ledger: Opener) -> LedgerUnderTest:
        """Open the storage once."""
        return open_ledger()


def assert_chained(found: Sequence[Recorded], *, length: int) -> None:
    """Recompute the hash of each event from the first on."""
    assert [one.number for one in found] == list(range(1, length + 1))
    previous = GENESIS
    for one in found:
        at = one.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        previous = link(previous, one.stream, one.number, at, encode(one.event))
        assert one.hash == previous
