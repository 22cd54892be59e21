"""The thread in which a ledger's blocking work is done."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakSet

import anyio
from anyio.to_thread import current_default_thread_limiter

from planfill.domain.errors import LedgerUnavailable, ProcessForked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Result = TypeVar("_Result")

_working: Final[WeakSet[Lock]] = WeakSet()
_forking: Final = Lock()
_held: Final[list[Lock]] = []


class Worker:
    """
    One thread, one job at a time, in the order in which they were asked for.

    A fork waits for the job at hand: in the child nobody would ever end it, and SQLite there would take the
    file for locked, whoever opens it.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._working = Lock()
        _working.add(self._working)
        self._closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="planfill-ledger")

    async def run(self, job: Callable[[], _Result]) -> _Result:
        """
        Do a job in the thread, and give its result.

        A job that was begun is waited for, even by a task that is canceled meanwhile: the task learns the
        result first, and of its cancellation at its next ``await``.
        """
        if os.getpid() != self._pid:
            msg = "this ledger was opened before a fork: open one in the child process"
            raise ProcessForked(msg)
        if self._closed:
            msg = "the ledger is closed: open it anew"
            raise LedgerUnavailable(msg)
        doing = asyncio.wrap_future(self._thread.submit(self._do, job))
        with _shown_as_busy(doing), anyio.CancelScope(shield=True):
            await _end_of(doing)
        return doing.result()

    def _do(self, job: Callable[[], _Result]) -> _Result:
        with self._working:
            return job()

    async def aclose(self, last: Callable[[], None]) -> None:
        """Do the last job, and end the thread."""
        if not self._closed and os.getpid() == self._pid:
            try:
                await self.run(last)
            finally:
                self._closed = True
                self._thread.shutdown()


def _before_fork() -> None:
    _forking.acquire()
    _held.extend(_working)
    for working in _held:
        working.acquire()


def _after_fork() -> None:
    while _held:
        _held.pop().release()
    _forking.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


@contextmanager
def _shown_as_busy(job: object) -> Iterator[None]:
    """Count among anyio's busy threads, by which a virtual clock sees that something goes on; never wait."""
    threads = current_default_thread_limiter()
    try:
        threads.acquire_on_behalf_of_nowait(job)
    except anyio.WouldBlock:
        yield
        return
    try:
        yield
    finally:
        threads.release_on_behalf_of(job)


async def _end_of(job: asyncio.Future[_Result]) -> None:
    """Wait for a job despite asyncio's own cancellation, which anyio's shield does not stop."""
    task = asyncio.current_task()
    canceled: asyncio.CancelledError | None = None
    while not job.done():
        try:
            await asyncio.wait((job,))
        except asyncio.CancelledError as e:
            canceled = e
            if task is not None:
                task.uncancel()
    if canceled is not None and task is not None:
        task.cancel(*canceled.args)
