"""The stream of trade updates: one connection an account, binary frames, nothing told twice, unless it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol

from alpaca_server.faults import Fault, Faults


class Socket:
    """One WebSocket, over bytes that somebody else reads and writes."""

    def __init__(self, write: Callable[[bytes], None], end: Callable[[], None], stream: Stream) -> None:
        self._protocol = ServerProtocol()
        self._write = write
        self._end = end
        self._stream = stream
        self.authorized = False
        self.listens = False

    def receive(self, data: bytes) -> None:
        """Take in what came."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Handshake):
                self._shake_hands(event)
            elif isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.BINARY}:
                self._heard(json.loads(bytes(event.data)))
        self._flush()

    def send(self, message: Any) -> None:
        """Say something, in a binary frame."""
        if self._protocol.state.name == "OPEN":
            data = message if isinstance(message, bytes) else json.dumps(message, sort_keys=True).encode()
            self._protocol.send_binary(data)
            self._flush()

    def close(self, code: int) -> None:
        """Close it."""
        if self._protocol.state.name == "OPEN":
            self._protocol.send_close(code)
            self._flush()

    def lost(self) -> None:
        """Take note that it is gone."""
        self._protocol.receive_eof()
        self._stream.forget(self)

    def _shake_hands(self, handshake: Handshake) -> None:
        if self._stream.admits(self):
            self._protocol.send_response(self._protocol.accept(handshake))
        else:
            self._protocol.send_response(self._protocol.reject(429, "connection limit exceeded\n"))

    def _heard(self, message: dict[str, Any]) -> None:
        action, data = message.get("action"), message.get("data") or message
        if action in {"authenticate", "auth"}:
            key, secret = data.get("key_id") or data.get("key"), data.get("secret_key") or data.get("secret")
            self.authorized = self._stream.knows(key, secret)
            status = "authorized" if self.authorized else "unauthorized"
            self.send({"stream": "authorization", "data": {"status": status, "action": "authenticate"}})
        elif action == "listen" and not self.authorized:
            self.send({"stream": "authorization", "data": {"status": "unauthorized", "action": "listen"}})
        elif action == "listen":
            asked = [name for name in data.get("streams", []) if name == "trade_updates"]
            self.listens = bool(asked)
            self._stream.listened(heard=self.listens)
            self.send({"stream": "listening", "data": {"streams": asked}})

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._write(data)
            else:
                self._end()


# A null was seen at Alpaca.
_INSTEAD: Final[Mapping[Fault, Any]] = {
    Fault.FEED_UNREADABLE: b"\xff\xfe not JSON",
    Fault.FEED_NULL: {"stream": "trade_updates", "data": None},
}


class Stream:
    """Who listens, and what they are told."""

    def __init__(self, faults: Faults, knows: Callable[[str | None, str | None], bool]) -> None:
        self._faults = faults
        self._socket: Socket | None = None
        self._kept: dict[str, Any] | None = None
        self.knows = knows
        # For those who wait until somebody listens, or until the connection is free.
        self.heard, self.free = threading.Event(), threading.Event()
        self.free.set()

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return self._socket is not None and self._socket.listens

    def admits(self, socket: Socket) -> bool:
        """Let in the first, and nobody else."""
        if self._socket is not None or self._faults.lasting("stream") is Fault.FEED_REFUSED:
            return False
        self._socket = socket
        self.free.clear()
        return True

    def forget(self, socket: Socket) -> None:
        """Let the next one in."""
        if self._socket is socket:
            self._socket = None
            self.heard.clear()
            self.free.set()

    def listened(self, *, heard: bool) -> None:
        """Take note that somebody listens now, or no longer does."""
        if heard:
            self.heard.set()
        else:
            self.heard.clear()

    def drop(self) -> None:
        """Close the connection, as a server does that restarts."""
        if self._socket is not None:
            self._socket.close(1001)

    def tell(self, message: dict[str, Any]) -> None:
        """Tell whoever listens, as well as the faults allow."""
        fault = self._faults.lasting("stream") or self._faults.throw("event")
        if self._socket is None or not self._socket.listens or fault is Fault.FEED_SILENT:
            return
        if fault is Fault.FEED_LOSES:
            return
        if fault is Fault.FEED_REORDERS and self._kept is None:
            self._kept = message
            return
        self._socket.send(_INSTEAD.get(fault, message) if fault else message)
        if self._kept is not None:
            self._socket.send(self._kept)
            self._kept = None
        if fault is Fault.FEED_REPEATS:
            self._socket.send(message)
        if fault is Fault.FEED_DROPS:
            self._socket.close(1001)
