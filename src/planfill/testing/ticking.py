"""The contract of clocks: a class to subclass, one card a method."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import anyio
import pytest

if TYPE_CHECKING:
    from planfill.application.ports.clock import Clock


class ClockContract:
    """Cards K01 to K04; override ``clock``."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def clock(self) -> Clock:
        """Give the adapter under test."""
        raise NotImplementedError

    def test_the_wall_time_is_in_utc(self, clock: Clock) -> None:
        """K01: no zone is ever to be guessed."""
        assert clock.now().tzinfo is UTC

    async def test_a_sleep_lasts_as_long_as_was_asked_for(self, clock: Clock) -> None:
        """K02: on both of its faces."""
        wall, steady = clock.now(), clock.monotonic()
        await clock.sleep(0.01)
        assert clock.monotonic() - steady >= 0.01
        # The wall clock of a machine may be set meanwhile; by no more than it is set in a test.
        assert clock.now() - wall >= timedelta(seconds=0.005)

    async def test_no_sleep_at_all_returns(self, clock: Clock) -> None:
        """K03: whoever has no time left does not wait."""
        await clock.sleep(0)

    async def test_who_sleeps_less_wakes_first(self, clock: Clock) -> None:
        """K04: whatever the order in which they lay down."""
        woken: list[float] = []

        async def sleep(seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append(seconds)

        async with anyio.create_task_group() as group:
            for seconds in (0.05, 0.01, 0.03):
                group.start_soon(sleep, seconds)
        assert woken == [0.01, 0.03, 0.05]
