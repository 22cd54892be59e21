"""How far away a server is: bytes take their time, both ways, and keep their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

Take = Callable[[bytes], None]


class Timers(Protocol):
    """What is used of an event loop."""

    def time(self) -> float:
        """Tell the time, in seconds."""

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> object:
        """Call back at that time."""


class Distance:
    """The way of one connection, ``rtt_s`` there and back; for two round trips it is not open yet."""

    def __init__(self, loop: Timers, rtt_s: float) -> None:
        self._loop = loop
        self._rtt_s = rtt_s
        self._opens_at = 0.0
        self._coming, self._going = deque[tuple[bytes, Take]](), deque[tuple[bytes, Take]]()

    def connected(self) -> None:
        """Take note that the client begins to connect: handshakes of TCP and of TLS are ahead of it."""
        self._opens_at = self._loop.time() + 2 * self._rtt_s

    def come(self, data: bytes, take: Take) -> None:
        """Let what the client has sent arrive."""
        self._pass(self._coming, data, take)

    def go(self, data: bytes, take: Take) -> None:
        """Let what is sent to the client arrive."""
        self._pass(self._going, data, take)

    def _pass(self, under_way: deque[tuple[bytes, Take]], data: bytes, take: Take) -> None:
        if not self._rtt_s:
            take(data)
            return
        under_way.append((data, take))
        self._loop.call_at(max(self._loop.time(), self._opens_at) + self._rtt_s / 2, self._arrive, under_way)

    def _arrive(self, under_way: deque[tuple[bytes, Take]]) -> None:
        """Hand over what left first: of timers for one moment, any may be the first."""
        data, take = under_way.popleft()
        take(data)
