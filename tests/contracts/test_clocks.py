"""Every clock keeps the contract."""

from __future__ import annotations

import pytest

from planfill.adapters.clock import SystemClock
from planfill.testing.clock import VirtualClock
from planfill.testing.ticking import ClockContract


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()


class TestVirtualClock(ClockContract):
    @pytest.fixture
    def clock(self) -> VirtualClock:
        return VirtualClock()
