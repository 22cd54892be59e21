"""News that never end do not use up what the broker takes of requests."""

from __future__ import annotations

import pytest

from planfill.application.asking import Pace
from planfill.testing.clock import VirtualClock


@pytest.mark.parametrize("rate", [20, 180, 1000])
async def test_looks_take_half_of_the_requests_and_the_first_ones_do_not_wait(rate: int) -> None:
    clock = VirtualClock()
    pace, looks = Pace(clock, rate), list[float]()
    while clock.monotonic() < 120:
        await pace.turn()
        looks.append(clock.monotonic())
    assert looks[: rate // 12] == [0.0] * (rate // 12)
    second = [at for at in looks if 60 <= at < 120]
    assert abs(2 * len(second) - rate / 2) <= 2


async def test_where_nothing_is_counted_nobody_waits() -> None:
    clock = VirtualClock()
    pace = Pace(clock, None)
    for _ in range(1000):
        await pace.turn()
    assert clock.monotonic() == 0
