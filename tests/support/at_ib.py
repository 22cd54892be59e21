"""What a suite of contracts needs to run over the adapters of Interactive Brokers, at the local gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ib_venue import IbVenue
from of_family import OfFamily


class AtIb(OfFamily):
    """The ports of one family."""

    @pytest.fixture
    def venue(self) -> Iterator[IbVenue]:
        with IbVenue() as venue:
            yield venue
