"""One client's connection: the handshake, then its requests."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol, cast

from ib_gateway.asking import error
from ib_gateway.contracts import NEW_YORK
from ib_gateway.wire import VERSION, Fields, Frames, frame

if TYPE_CHECKING:
    from ib_gateway.market import Market

_START: Final = "71"
_FARMS: Final = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
)


class Host(Protocol):
    """What a connection needs of its gateway."""

    market: Market
    connections: dict[int, Connection]

    def take(self, connection: Connection, fields: list[str]) -> None:
        """Take a request."""


class Connection(asyncio.Protocol):
    """Known by its client id once the client has started."""

    def __init__(self, host: Host, opened: set[Connection]) -> None:
        self.client_id = -1
        self.summaries: set[str] = set()
        self.positions: dict[str, Decimal] | None = None
        self._host = host
        self._opened = opened
        self._frames = Frames()
        self._kept: list[Fields] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._opened.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection."""
        self._transport = None
        self._opened.discard(self)
        if self._host.connections.get(self.client_id) is self:
            del self._host.connections[self.client_id]

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        for fields in self._frames.take(data):
            if fields[0].startswith("v"):
                now = self._host.market.clock.now().astimezone(NEW_YORK)
                self.say((VERSION, f"{now:%Y%m%d %H:%M:%S} EST"))
            elif fields[0] == _START:
                self._start(int(fields[2]))
            elif self.client_id >= 0:
                self._host.take(self, fields)

    def say(self, fields: Fields) -> None:
        """Send a message, if anybody is there."""
        if self._kept is not None:
            self._kept.append(fields)
        elif self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(fields))

    def pause(self, for_s: float) -> None:
        """Say nothing for some seconds, and then what was kept, in its order."""

        def go_on() -> None:
            kept, self._kept = self._kept or [], None
            for fields in kept:
                self.say(fields)

        if self._kept is None:
            self._kept = []
            asyncio.get_running_loop().call_later(for_s, go_on)

    def reset(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _start(self, client_id: int) -> None:
        if client_id in self._host.connections:
            text = "Unable to connect as the client id is already in use. Retry with a unique client id."
            self.say(error(-1, 326, text))
            if self._transport is not None:
                self._transport.close()
            return
        self.client_id = client_id
        self._host.connections[client_id] = self
        self.say((15, 1, self._host.market.number))
        self.say((9, 1, self._host.market.next_id(client_id)))
        for code, text in _FARMS:
            self.say(error(-1, code, text))
