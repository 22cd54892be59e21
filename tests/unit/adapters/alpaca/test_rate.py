"""Never too many requests in a window of the broker's, and as many as there may be."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planfill.adapters.brokers.alpaca.rate import Bucket, FixedWindows, Limiter
from planfill.adapters.brokers.alpaca.rate_headers import told
from planfill.application.ports.limiter import Waits
from planfill.testing.clock import START, VirtualClock

LIMIT = 200


class Server:
    """A broker that counts in windows of a minute, as its clock has them."""

    def __init__(self, clock: VirtualClock, *, headers: bool = True, drift_s: float = 0) -> None:
        self._clock = clock
        self._headers = headers
        self._drift = timedelta(seconds=drift_s)
        self.counts = Counter[int]()
        self.order = list[str]()

    async def request(self, limiter: Limiter, name: str, delay_s: float, *, urgent: bool = False) -> int:
        await limiter.turn(urgent=urgent)
        await self._clock.sleep(delay_s)
        now = self._clock.now() + self._drift
        window = int(now.timestamp() // 60)
        self.counts[window] += 1
        self.order.append(name)
        status = 200 if self.counts[window] <= LIMIT else 429
        said = self._said(window, format_datetime(now, usegmt=True)) if self._headers else {}
        await self._clock.sleep(delay_s)
        limiter.answered(status, said)
        return status

    def _said(self, window: int, date: str) -> Mapping[str, str]:
        left = max(0, LIMIT - self.counts[window])
        return {
            "X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str((window + 1) * 60), "Date": date,
        }  # fmt: skip


async def send(
    limiter: Limiter, server: Server, clock: VirtualClock, orders: int, seed: int
) -> tuple[float, set[int]]:
    """Ask once, then place so many orders, 64 at a time; give how long that took and the statuses."""
    dice, statuses = random.Random(seed), set[int]()  # noqa: S311 - which world, not a secret
    queue = iter(range(orders))
    await server.request(limiter, "account", dice.uniform(0.001, 0.1), urgent=True)
    began = clock.monotonic()

    async def work() -> None:
        for number in queue:
            statuses.add(await server.request(limiter, f"order {number}", dice.uniform(0.001, 0.1)))

    async with anyio.create_task_group() as group:
        for _ in range(64):
            group.start_soon(work)
    return clock.monotonic() - began, statuses


@settings(max_examples=30, deadline=None)
@given(phase_s=st.floats(0, 59.9), drift_s=st.floats(-300, 300), seed=st.integers(0, 1000))
def test_no_window_of_the_brokers_gets_more_than_its_limit(phase_s: float, drift_s: float, seed: int) -> None:
    async def run() -> None:
        clock = VirtualClock(START + timedelta(seconds=phase_s))
        server = Server(clock, drift_s=drift_s)
        took_s, statuses = await send(FixedWindows(clock, LIMIT), server, clock, 500, seed)
        assert statuses == {200}
        assert max(server.counts.values()) <= LIMIT
        # 500 orders need three windows; what began in the middle of one ends no later than 120 s on.
        assert took_s <= 120 * 1.03

    anyio.run(run)


@settings(max_examples=10, deadline=None)
@given(phase_s=st.floats(0, 59.9), seed=st.integers(0, 1000))
def test_without_headers_any_minute_counts_as_a_window(phase_s: float, seed: int) -> None:
    async def run() -> None:
        clock = VirtualClock(START + timedelta(seconds=phase_s))
        server = Server(clock, headers=False)
        _, statuses = await send(FixedWindows(clock, LIMIT), server, clock, 500, seed)
        assert statuses == {200}

    anyio.run(run)


async def test_looking_up_and_cancelling_have_turns_of_their_own_and_go_first() -> None:
    clock = VirtualClock()
    limiter, server = FixedWindows(clock, LIMIT), Server(clock)
    async with anyio.create_task_group() as group:
        for number in range(190):
            group.start_soon(server.request, limiter, f"order {number}", 0.01)
        await clock.sleep(1)
        assert len(server.order) == 180
        group.start_soon(lambda: server.request(limiter, "cancel", 0.01, urgent=True))
        await clock.sleep(1)
        assert server.order[180:] == ["cancel"]
    assert len(server.order) == 191


async def test_what_others_send_with_the_same_account_counts() -> None:
    clock = VirtualClock()
    limiter = FixedWindows(clock, LIMIT)
    server = Server(clock)
    server.counts[int(clock.now().timestamp() // 60)] = 150
    _, statuses = await send(limiter, server, clock, 100, 1)
    assert statuses == {200}


async def test_a_429_with_a_reset_waits_for_it() -> None:
    clock = VirtualClock()
    limiter = FixedWindows(clock, LIMIT)
    reset = int(clock.now().timestamp()) + 20
    limiter.answered(429, {"X-RateLimit-Reset": str(reset)})
    await limiter.turn(urgent=True)
    assert clock.monotonic() == pytest.approx(20, abs=0.01)


async def test_a_429_without_a_reset_waits_a_second_then_twice_as_long_up_to_15() -> None:
    clock = VirtualClock()
    limiter, waits = FixedWindows(clock, LIMIT), []
    for _ in range(6):
        before = clock.monotonic()
        limiter.answered(429, {})
        await limiter.turn()
        waits.append(clock.monotonic() - before)
    assert [
        least <= wait <= least * 1.26 for least, wait in zip((1, 2, 4, 8, 15, 15), waits, strict=True)
    ] == [True] * 6
    limiter.answered(200, {})
    before = clock.monotonic()
    limiter.answered(429, {})
    await limiter.turn()
    assert 1 <= clock.monotonic() - before <= 1.26


async def test_the_headers_lower_the_limit_and_never_raise_it() -> None:
    clock = VirtualClock()
    limiter = FixedWindows(clock, LIMIT)
    limiter.answered(200, {"X-RateLimit-Limit": "10"})
    limiter.answered(200, {"X-RateLimit-Limit": "1000"})
    for _ in range(10):
        await limiter.turn(urgent=True)
    assert clock.monotonic() == 0
    await limiter.turn(urgent=True)
    assert clock.monotonic() > 59


async def test_a_bucket_gives_what_it_holds_and_then_evenly() -> None:
    clock = VirtualClock()
    limiter = Bucket(clock, 60)
    limiter.answered(200, {"X-RateLimit-Limit": "60"})
    for _ in range(60):
        await limiter.turn(urgent=True)
    assert clock.monotonic() == pytest.approx(0, abs=0.01)
    for _ in range(10):
        await limiter.turn(urgent=True)
    assert clock.monotonic() == pytest.approx(10, abs=0.2)


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"X-RateLimit-Reset": "soon"}, {"X-RateLimit-Reset": "-5"}, {"X-RateLimit-Reset": "9999999999"},
        {"X-RateLimit-Reset": "1", "Date": "yesterday"},
    ],
    ids=str,
)  # fmt: skip
def test_headers_that_say_nothing_useful_say_nothing(headers: Mapping[str, str]) -> None:
    assert told(headers, VirtualClock()).ends_in_s is None


async def test_how_long_was_waited_for_a_turn_is_counted_also_where_somebody_gave_up() -> None:
    clock = VirtualClock()
    limiter = FixedWindows(clock, 10)
    for _ in range(9):
        await limiter.turn()
    assert limiter.waited() == Waits()
    began = clock.monotonic()
    await limiter.turn()
    took = clock.monotonic() - began
    assert took > 0
    assert limiter.waited() == Waits(1, took)
    for _ in range(8):
        await limiter.turn()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await limiter.ready()
    assert limiter.waited() == Waits(2, took)
