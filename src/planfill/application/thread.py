"""A thread with an event loop of its own, for callers that have another one, or none."""

from __future__ import annotations

import os
from concurrent.futures import Future
from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from anyio.from_thread import start_blocking_portal

from planfill.domain.errors import AlreadyClosed, ProcessForked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.from_thread import BlockingPortal

_T = TypeVar("_T")


class LoopThread:
    """Starts with the first call; belongs to the process that made it."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._starting = Lock()
        self._closing = ExitStack()
        self._running: BlockingPortal | None = None
        self._closed = False

    @property
    def is_ours(self) -> bool:
        """Whether there is anything to close, in this process."""
        return self._running is not None and os.getpid() == self._process

    def call(self, function: Callable[..., Awaitable[_T]], *args: Any) -> _T:  # noqa: ANN401
        """
        Run a coroutine function there, and wait for what it gives.

        Raises:
            ProcessForked: This is a child of the process that made the object.
            AlreadyClosed: The object was closed.

        """
        return self.start(function, *args).result()

    def finish(
        self,
        function: Callable[..., Awaitable[_T]],
        *args: Any,  # noqa: ANN401
        interrupted: Callable[[], None],
    ) -> _T:
        """
        Do as ``call``; Ctrl-C calls ``interrupted`` there, and what was begun is still waited for.

        A KeyboardInterrupt may come between any two steps here, so what tells whether anything has begun,
        and how it ends, is made before anything can begin.
        """
        done: Future[_T] = Future()

        async def begin() -> None:
            done.set_running_or_notify_cancel()
            try:
                done.set_result(await function(*args))
            except BaseException as e:
                done.set_exception(e)
                raise

        try:
            self.start(begin)
            return done.result()
        except KeyboardInterrupt:
            self.call(_nothing)  # what was handed over before this has begun when it returns
            if not done.running() and not done.done():
                raise
            self.soon(interrupted)
            return done.result()

    def start(self, function: Callable[..., Awaitable[_T]], *args: Any) -> Future[_T]:  # noqa: ANN401
        """Run a coroutine function there; raises as ``call``."""
        return self._portal().start_task_soon(function, *args)

    def soon(self, function: Callable[..., None], *args: Any) -> None:  # noqa: ANN401
        """Call a function there, soon; raises as ``call``."""
        self._portal().start_task_soon(function, *args)

    def close(self) -> None:
        """End the thread, for good; the thread of another process is left alone."""
        if os.getpid() == self._process:
            self._closing.close()
            self._running, self._closed = None, True

    def _portal(self) -> BlockingPortal:
        if os.getpid() != self._process:
            msg = "this object belongs to the process before the fork: make a new one in the child"
            raise ProcessForked(msg)
        if self._closed:
            msg = "this object was closed: make a new one"
            raise AlreadyClosed(msg)
        # Many threads may make the first call at once, and there must be one loop for all of them.
        with self._starting:
            if self._running is None:
                self._running = self._closing.enter_context(start_blocking_portal())
            return self._running


async def _nothing() -> None:
    pass
