"""A job that was begun is waited for, whatever becomes of who asked."""

import asyncio
import os
import threading
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest
from anyio.to_thread import current_default_thread_limiter

from planfill.adapters.ledgers.worker import Worker, _after_fork, _before_fork
from planfill.domain.errors import LedgerUnavailable, ProcessForked


class Job:
    """Work that ends when it is let."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.may_end.wait(timeout=30)
        return "done"


async def until(happened: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not happened():
            await anyio.lowlevel.checkpoint()


async def test_a_task_that_is_canceled_learns_the_outcome_first() -> None:
    worker, job = Worker(), Job()
    known: list[str] = []

    async def ask() -> None:
        known.append(await worker.run(job))
        await anyio.lowlevel.checkpoint()
        known.append("went on")

    task = asyncio.create_task(ask())
    await until(job.begun.is_set)
    task.cancel("first")
    await anyio.lowlevel.checkpoint()
    task.cancel("second")
    await anyio.lowlevel.checkpoint()
    assert not task.done()
    job.may_end.set()
    with pytest.raises(asyncio.CancelledError, match="second"):
        await task
    assert known == ["done"]
    await worker.aclose(lambda: None)


async def test_a_timeout_of_asyncio_is_told_as_one() -> None:
    worker, job = Worker(), Job()
    known: list[str] = []

    async def expire(limit: asyncio.Timeout) -> None:
        await until(job.begun.is_set)
        limit.reschedule(asyncio.get_running_loop().time())
        await until(limit.expired)
        await anyio.lowlevel.checkpoint()
        job.may_end.set()

    async def ask() -> None:
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
            group.create_task(expire(limit))
            known.append(await worker.run(job))
            await anyio.lowlevel.checkpoint()
            known.append("went on")

    with pytest.raises(TimeoutError):
        await ask()
    assert known == ["done"]
    await worker.aclose(lambda: None)


async def test_a_canceled_scope_learns_the_outcome_first() -> None:
    worker, job = Worker(), Job()
    known: list[str] = []
    async with anyio.create_task_group() as group:

        async def cancel() -> None:
            await until(job.begun.is_set)
            group.cancel_scope.cancel()
            job.may_end.set()

        group.start_soon(cancel)
        known.append(await worker.run(job))
        await anyio.lowlevel.checkpoint()
        known.append("went on")
    assert known == ["done"]
    await worker.aclose(lambda: None)


async def test_a_job_that_fails_fails_for_who_asked() -> None:
    worker = Worker()
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 / 0)
    assert await worker.run(lambda: 1) == 1
    await worker.aclose(lambda: None)


async def test_jobs_are_done_one_by_one_in_one_thread_that_anyio_counts() -> None:
    worker = Worker()
    threads: list[str] = []

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(worker.run, lambda: threads.append(threading.current_thread().name))
    blocked = Job()
    async with anyio.create_task_group() as group:
        group.start_soon(worker.run, blocked)
        await until(blocked.begun.is_set)
        assert current_default_thread_limiter().borrowed_tokens == 1
        blocked.may_end.set()
    assert len(threads) == 10
    assert len(set(threads)) == 1
    await worker.aclose(lambda: None)


async def test_busy_threads_of_others_do_not_hold_a_job_up() -> None:
    worker, threads = Worker(), current_default_thread_limiter()
    others = [object() for _ in range(int(threads.available_tokens))]
    for other in others:
        threads.acquire_on_behalf_of_nowait(other)
    assert await worker.run(lambda: "done") == "done"
    for other in others:
        threads.release_on_behalf_of(other)
    await worker.aclose(lambda: None)


async def test_after_the_last_job_there_is_none() -> None:
    worker = Worker()
    done: list[str] = []
    await worker.aclose(lambda: done.append("last"))
    await worker.aclose(lambda: done.append("again"))
    with pytest.raises(LedgerUnavailable, match="closed"):
        await worker.run(lambda: done.append("late"))
    assert done == ["last"]


async def test_the_thread_ends_where_the_last_job_fails() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    worker = Worker()
    with pytest.raises(ZeroDivisionError):
        await worker.aclose(fail)
    with pytest.raises(LedgerUnavailable, match="closed"):
        await worker.run(lambda: None)


async def test_a_fork_comes_between_two_jobs() -> None:
    worker = Worker()
    assert await worker.run(worker._working.locked)
    assert not worker._working.locked()
    _before_fork()
    assert worker._working.locked()
    _after_fork()
    assert not worker._working.locked()
    await worker.aclose(lambda: None)


async def test_a_copy_in_a_forked_process_refuses_to_work() -> None:
    worker = Worker()
    worker._pid = os.getpid() + 1
    with pytest.raises(ProcessForked, match="before a fork"):
        await worker.run(lambda: None)
    await worker.aclose(lambda: None)
