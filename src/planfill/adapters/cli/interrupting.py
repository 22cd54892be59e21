"""Ctrl-C and SIGTERM: the first stops the execution in good order, the second leaves at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
IN_DOUBT: Final = 4


class Interrupts:
    """
    Takes the signals while an execution runs.

    The first raises KeyboardInterrupt, which the façade turns into an orderly stop. The second calls
    ``leaving`` and ends the process: the thread that executes is busy, and nobody waits for it.
    """

    def __init__(self, stopping: Callable[[], None], leaving: Callable[[], None]) -> None:
        self._stopping = stopping
        self._leaving = leaving
        self._count = 0
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        """Take the signals; outside the main thread Python gives them to nobody."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if self._count == 1:
            self._stopping()
            raise KeyboardInterrupt
        self.leave()

    def leave(self) -> None:
        """End the process now, whatever its threads are doing."""
        with suppress(Exception):
            self._leaving()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, RuntimeError):
                stream.flush()
        os._exit(IN_DOUBT)
