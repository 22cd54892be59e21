"""
The floor: bare sockets, no SDK, no record, no check.

The prices are one request; while it is on its way a connection for each order is opened. When it is answered
all orders leave together, and the stream tells the fills. Nobody waits for the stream to listen, since a fill
takes longer: a list of all orders makes up for what it might have missed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from race.measuring import Execute, measure
from race.protocol import Job, quantity

_END: Final = b"\r\n\r\n"
_MASKED_TEXT: Final = 0x81
# Lengths of WebSocket frames: what does not fit follows in two bytes, or in eight.
_SHORT, _LONG = 126, 127
_QUIET_S: Final = 0.2


class Client(asyncio.Protocol):
    """One connection; whoever waits for it is called with each answer's body."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Hand over what is whole."""
        self._buffer += data
        while (whole := self.next()) is not None:
            self._heard(whole)

    def next(self) -> bytes | None:
        """Cut the body of the next answer off the buffer."""
        head, found, rest = self._buffer.partition(_END)
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return rest[:length]


class Stream(Client):
    """The connection that becomes a WebSocket; the answer to the upgrade is handed over too, empty."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        super().__init__(heard)
        self._upgraded = False

    def say(self, message: object) -> None:
        """Send one short message; a mask of zeros is a mask."""
        text = json.dumps(message).encode()
        length = bytes([0x80 | len(text)]) if len(text) < _SHORT else b"\xfe" + len(text).to_bytes(2)
        self.send(bytes([_MASKED_TEXT]) + length + bytes(4) + text)

    def next(self) -> bytes | None:
        """Cut the payload of the next frame off the buffer."""
        if not self._upgraded:
            _, found, rest = self._buffer.partition(_END)
            self._upgraded, self._buffer = bool(found), rest if found else self._buffer
            return b"" if found else None
        if len(self._buffer) < 10:  # noqa: PLR2004 - no frame that is heard is shorter
            return None
        length, begin = self._buffer[1], 2
        if length == _SHORT:
            length, begin = int.from_bytes(self._buffer[2:4]), 4
        elif length == _LONG:
            length, begin = int.from_bytes(self._buffer[2:10]), 10
        if len(self._buffer) < begin + length:
            return None
        payload, self._buffer = self._buffer[begin : begin + length], self._buffer[begin + length :]
        return payload


class Floor:
    """One execution."""

    def __init__(self, job: Job) -> None:
        self._job = job
        # Made beforehand: reading the certificates is no part of the wire.
        self._tls = ssl.create_default_context() if job.tls else None
        keys = f"APCA-API-KEY-ID: {job.key}\r\nAPCA-API-SECRET-KEY: {job.secret}\r\n"
        self._head = f" HTTP/1.1\r\nHost: {job.host}\r\n{keys}"
        self._filled = set[str]()

    def __call__(self) -> int:
        """Execute."""
        return asyncio.run(self._execute())

    async def _execute(self) -> int:
        loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        self._prices: asyncio.Future[bytes] = loop.create_future()
        self._stream = await self._open(Stream, self._news)
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        self._stream.send(f"GET /stream{self._head}{upgrade}{key}\r\n".encode())
        data = await self._open(Client, self._answered)
        symbols = ",".join(self._job.symbols)
        data.send(f"GET /v2/stocks/quotes/latest?symbols={symbols}{self._head}\r\n".encode())
        clients = await asyncio.gather(*(self._open(Client, lambda _: None) for _ in self._job.orders))
        quotes = json.loads(await self._prices)["quotes"]
        for order, client in zip(self._job.orders, clients, strict=True):
            client.send(self._order(order, quotes))
        while not self._done.is_set():
            known = len(self._filled)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._done.wait(), _QUIET_S)
            if len(self._filled) == known:
                data.send(f"GET /v2/orders?status=closed&limit=500{self._head}\r\n".encode())
        return len(self._filled)

    async def _open(self, kind: type[Any], heard: Callable[[bytes], None]) -> Any:  # noqa: ANN401
        _, client = await asyncio.get_running_loop().create_connection(
            lambda: kind(heard),
            "127.0.0.1",
            self._job.port,
            ssl=self._tls,
            server_hostname=self._job.host if self._tls else None,
        )
        return client

    def _order(self, order: list[str], quotes: dict[str, Any]) -> bytes:
        symbol, side, dollars = order
        price = quotes[symbol]["ap" if side == "buy" else "bp"]
        shares = quantity(dollars, price)
        body = json.dumps(
            {"symbol": symbol, "side": side, "qty": str(shares), "type": "market", "time_in_force": "day"}
        )
        return f"POST /v2/orders{self._head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def _news(self, payload: bytes) -> None:
        if not payload:
            keys = {"key_id": self._job.key, "secret_key": self._job.secret}
            self._stream.say({"action": "authenticate", "data": keys})
            self._stream.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
            return
        told = json.loads(payload)
        if told["stream"] == "trade_updates" and told["data"]["event"] == "fill":
            self._fill(told["data"]["order"])

    def _answered(self, body: bytes) -> None:
        if not self._prices.done():
            self._prices.set_result(body)
            return
        for order in json.loads(body):
            if order["status"] == "filled":
                self._fill(order)

    def _fill(self, order: dict[str, Any]) -> None:
        self._filled.add(order["id"])
        if len(self._filled) == len(self._job.orders):
            self._done.set()


def prepare(job: Job) -> Execute:
    """Get ready."""
    return Floor(job)


if __name__ == "__main__":
    measure(prepare)
