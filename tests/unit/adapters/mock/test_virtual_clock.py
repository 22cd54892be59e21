"""Time that passes when everybody waits for it."""

from __future__ import annotations

import asyncio

import anyio
import anyio.to_thread
import pytest

from planfill.testing.clock import START, VirtualClock


async def test_a_sleep_of_an_hour_takes_no_time() -> None:
    clock = VirtualClock()
    with anyio.fail_after(5):
        await clock.sleep(3600)
    assert clock.monotonic() == 3600
    assert (clock.now() - START).total_seconds() == 3600


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = VirtualClock(), []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))
        await clock.sleep(10)
        woken.append((seconds + 10, clock.monotonic()))

    async with anyio.create_task_group() as tasks:
        for seconds in (5, 1, 3):
            tasks.start_soon(sleep, seconds)
    assert woken == [(1, 1), (3, 3), (5, 5), (11, 11), (13, 13), (15, 15)]


async def test_time_stands_still_while_anybody_has_something_to_do() -> None:
    clock, steps = VirtualClock(), 500

    async def work() -> None:
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        assert clock.monotonic() == 0

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 1)
        tasks.start_soon(work)
    assert clock.monotonic() == 1


async def test_time_stands_still_while_a_thread_works() -> None:
    clock, done = VirtualClock(), anyio.Event()

    async def thread() -> None:
        await anyio.to_thread.run_sync(sum, range(3_000_000))
        assert clock.monotonic() == 0
        done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(thread)
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(clock.sleep, 1)
        await done.wait()
    assert clock.monotonic() == 1


async def test_a_sleeper_that_is_canceled_holds_up_nobody() -> None:
    clock = VirtualClock()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 50)
        await clock.sleep(1)
        tasks.cancel_scope.cancel()
    await clock.sleep(1)
    assert clock.monotonic() == 2


def test_one_event_loop_after_another_may_use_it() -> None:
    clock = VirtualClock()

    async def abandon() -> None:
        tasks = [asyncio.create_task(clock.sleep(seconds)) for seconds in (100, 200)]
        await asyncio.wait(tasks, timeout=0)

    asyncio.run(abandon())
    before = clock.monotonic()
    asyncio.run(clock.sleep(1))
    assert clock.monotonic() == before + 1


async def test_the_past_is_now_and_time_can_be_pushed() -> None:
    clock = VirtualClock()
    await clock.sleep(-1)
    assert clock.monotonic() == 0
    clock.advance(2.5)
    assert clock.monotonic() == pytest.approx(2.5)
