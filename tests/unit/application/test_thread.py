"""Ctrl-C at any moment: what was handed to the loop is waited for, what was not never begins."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import anyio.lowlevel
import pytest

from planfill.application.thread import LoopThread

T = TypeVar("T")


class Pressed(LoopThread):
    """Ctrl-C comes while the first call is handed over: before it is, or after."""

    def __init__(self, *, before: bool) -> None:
        super().__init__()
        self._before = before
        self._pressed = False

    def start(self, function: Callable[..., Awaitable[T]], *args: Any) -> Future[T]:
        pressed, self._pressed = self._pressed, True
        if not pressed and self._before:
            raise KeyboardInterrupt
        future = super().start(function, *args)
        if not pressed:
            raise KeyboardInterrupt
        return future


def test_ctrl_c_after_a_call_was_handed_over_stops_it_and_gives_its_result() -> None:
    thread, stop = Pressed(before=False), threading.Event()

    async def work() -> str:
        while not stop.is_set():
            await anyio.lowlevel.checkpoint()
        return "stopped"

    assert thread.finish(work, interrupted=stop.set) == "stopped"
    thread.close()


def test_ctrl_c_before_a_call_was_handed_over_is_ctrl_c_and_nothing_begins() -> None:
    thread, begun = Pressed(before=True), threading.Event()

    async def work() -> None:
        begun.set()

    with pytest.raises(KeyboardInterrupt):
        thread.finish(work, interrupted=begun.set)
    thread.close()
    assert not begun.is_set()


def test_what_a_call_raises_is_raised_to_its_caller() -> None:
    thread = LoopThread()

    async def fail() -> None:
        msg = "as it must"
        raise LookupError(msg)

    with pytest.raises(LookupError, match="as it must"):
        thread.finish(fail, interrupted=lambda: None)
    thread.close()
