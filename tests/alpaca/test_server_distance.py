"""The local Alpaca is as far away as it is told to be: in requests, in answers and in the stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from alpaca_server import AlpacaServer, Market
from alpaca_server.distance import Distance
from websockets.asyncio.client import connect

RTT_S = 1.0


class Calls:
    """A loop whose time passes when told; what is due at one moment is done last come, first served."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> None:
        self._due.insert(0, (when, lambda: callback(*args)))

    def pass_until(self, when: float) -> None:
        self.now = when
        due, self._due = [c for c in self._due if c[0] <= when], [c for c in self._due if c[0] > when]
        for _, callback in sorted(due, key=lambda one: one[0]):
            callback()


@pytest.fixture
def loop() -> Calls:
    return Calls()


@pytest.fixture
def came() -> list[bytes]:
    return []


@pytest.fixture
def distance(loop: Calls) -> Distance:
    distance = Distance(loop, RTT_S)
    distance.connected()
    return distance


def test_what_a_new_connection_brings_waits_for_its_two_handshakes(
    loop: Calls, distance: Distance, came: list[bytes]
) -> None:
    distance.come(b"request", came.append)
    loop.pass_until(2.4)
    assert came == []
    loop.pass_until(2.5)
    assert came == [b"request"]


def test_a_connection_opened_ahead_has_had_its_handshakes(
    loop: Calls, distance: Distance, came: list[bytes]
) -> None:
    loop.pass_until(2)
    distance.come(b"request", came.append)
    loop.pass_until(2.5)
    distance.go(b"answer", came.append)
    assert came == [b"request"]
    loop.pass_until(3)
    assert came == [b"request", b"answer"]


def test_bytes_keep_their_order(loop: Calls, distance: Distance, came: list[bytes]) -> None:
    for part in (b"one", b"two", b"three"):
        distance.come(part, came.append)
    loop.pass_until(3)
    assert came == [b"one", b"two", b"three"]


def test_nothing_waits_where_there_is_no_distance(loop: Calls, came: list[bytes]) -> None:
    Distance(loop, 0).come(b"request", came.append)
    assert came == [b"request"]


async def test_the_stream_is_as_far_away_as_the_rest(market: Market) -> None:
    began = monotonic()
    with AlpacaServer(market, rtt_s=0.05) as server:
        async with connect(server.stream_url) as socket:
            await socket.send('{"action": "auth", "key": "", "secret": ""}')
            assert b"unauthorized" in await asyncio.wait_for(socket.recv(decode=False), 5)
            # Two to connect, one to upgrade, one to be answered.
            assert monotonic() - began >= 0.2
