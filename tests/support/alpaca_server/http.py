"""HTTP/1.1 on a connection that stays: requests in, answers out, each in one write."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from alpaca_server.distance import Distance
from alpaca_server.request import Request
from alpaca_server.stream import Socket, Stream

_END: Final = b"\r\n\r\n"
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """One client's connection; becomes a WebSocket where it asks for that."""

    def __init__(
        self,
        handle: Callable[[Connection, Request], None],
        stream: Stream,
        opened: set[Connection],
        distance: Distance,
    ) -> None:
        self._handle = handle
        self._distance = distance
        self._stream = stream
        self._opened = opened
        self._buffer = b""
        self._socket: Socket | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._opened.add(self)
        self._distance.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        self._opened.discard(self)
        if self._socket is not None:
            self._socket.lost()

    def data_received(self, data: bytes) -> None:
        self._distance.come(data, self._arrived)

    def _arrived(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.receive(data)
            return
        self._buffer += data
        while (request := self._next()) is not None:
            self._handle(self, request)

    def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Write an answer."""
        if self._transport.is_closing():
            return
        kind = "text/html" if body.startswith(b"<") else "application/json; charset=UTF-8"
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Date: {formatdate(usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if status != HTTPStatus.NO_CONTENT:
            lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        self._write("\r\n".join(lines).encode() + _END + body)

    def reset(self) -> None:
        """Break the connection off."""
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()

    def _write(self, data: bytes) -> None:
        self._distance.go(data, self._transport.write)

    def _end(self) -> None:
        self._distance.go(b"", lambda _: self._transport.close())

    def _next(self) -> Request | None:
        head, found, rest = self._buffer.partition(_END)
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        if headers.get("upgrade", "").lower() == "websocket":
            self._socket = Socket(self._write, self._end, self._stream)
            self._socket.receive(self._buffer)
            return None
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        parts = urlsplit(target)
        return Request(method, unquote(parts.path), dict(parse_qsl(parts.query)), headers, rest[:length])
