"""A small market for the tests of the mock broker."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from planfill.adapters.brokers.mock import MockBroker, MockSettings, Script
from planfill.testing.clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def mock(clock: VirtualClock) -> Callable[..., MockBroker]:
    """Make a mock broker with 10 shares of SPY at 100 dollars and 1,000 dollars, unless told otherwise."""

    def make(script: Script | None = None, **settings: object) -> MockBroker:
        usual: dict[str, object] = {
            "prices": {"SPY": "100", "QQQ": "50", "KO": "0.5", "BAD": "0"},
            "book": ":memory:",
            "cash": 1000,
            "holdings": {"SPY": "10"},
            "spread_bps": 0,
            "slippage_bps": 0,
        }
        return MockBroker(MockSettings.model_validate(usual | settings), clock, script)

    return make
