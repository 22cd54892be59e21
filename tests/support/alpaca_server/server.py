"""The server: Alpaca's requests and its stream, over one market."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Mapping
from typing import Any, Final

from local_broker import LocalBroker

from alpaca_server import bodies
from alpaca_server.distance import Distance
from alpaca_server.faults import Fault, Faults
from alpaca_server.http import Connection
from alpaca_server.limits import Rate
from alpaca_server.market import Market
from alpaca_server.reception import Reception
from alpaca_server.stream import Stream

KEY: Final = "PKLOCALKEY0000000001"
SECRET: Final = "local-secret-of-nobody"  # noqa: S105 - it opens nothing


class AlpacaServer(LocalBroker):
    """
    Alpaca, both hosts and the stream at one port.

    ``rtt_s`` delays every answer, and a new connection twice more.
    """

    def __init__(
        self,
        market: Market,
        *,
        rtt_s: float = 0,
        requests_per_minute: int | None = None,
        data_requests_per_minute: int | None = None,
        bucket: bool = False,
        window_s: float = 60,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(market, port=port, tls=tls)
        self.market = market
        self.faults = Faults()
        self.key, self.secret = KEY, SECRET
        self.connections = 0
        self._rtt_s = rtt_s
        self._open: set[Connection] = set()
        self._stream = Stream(self.faults, self._knows)
        limits = (requests_per_minute, data_requests_per_minute)
        trading, data = (Rate(limit, bucket=bucket, window_s=window_s) for limit in limits)
        self._reception = Reception(market, self.faults, self._loop, rates=(trading, data), knows=self._knows)
        self.requests = self._reception.requests
        market.on_event = self._stream.tell

    @property
    def url(self) -> str:
        """Where trading and data are."""
        return f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        """Where the stream is."""
        return f"ws{self.url.removeprefix('http')}/stream"

    def environment(self) -> dict[str, str]:
        """Give the variables that make Planfill use this server."""
        return {
            "APCA_API_KEY_ID": self.key,
            "APCA_API_SECRET_KEY": self.secret,
            "PLANFILL_BROKER__ADAPTER": "alpaca",
            "PLANFILL_ALPACA__TRADING_URL": self.url,
            "PLANFILL_ALPACA__DATA_URL": self.url,
            "PLANFILL_ALPACA__STREAM_URL": self.stream_url,
        }

    def orders(self) -> list[dict[str, Any]]:
        """List all orders at the server, whoever can see them."""
        now = self.market.clock.now
        return self._at(lambda: [bodies.order(*one, now()) for one in self.market.everything()])

    def place_by_hand(self, terms: Mapping[str, Any]) -> str:
        """Place an order as its owner would, on Alpaca's page; give its id."""
        return self._at(lambda: self.market.papers[self.market.place(terms).number].id)

    def drop_stream(self) -> None:
        """Close the stream's connection."""
        self._at(self._stream.drop)

    def refuse_stream(self, *, for_s: float) -> None:
        """Close the stream's connection, and refuse the next ones for some seconds."""
        self.faults.always("stream", Fault.FEED_REFUSED)
        self.drop_stream()
        self._at(lambda: self._loop.call_later(for_s, self.faults.lift, "stream"))

    @property
    def stream_is_heard(self) -> bool:
        """Whether anybody listens to the stream."""
        return self._at(lambda: self._stream.is_heard)

    async def wait_for_listener(self) -> None:
        """Wait until somebody listens to the stream."""
        await asyncio.to_thread(self._stream.heard.wait, 10)

    async def wait_for_free_stream(self) -> None:
        """Wait until the stream's one connection can be had."""
        await asyncio.to_thread(self._stream.free.wait, 10)

    def count(self, kind: str) -> int:
        """Tell how many requests of a kind there were."""
        return sum(seen.kind == kind for seen in tuple(self.requests))

    @property
    def opened(self) -> Collection[Connection]:
        """What is connected."""
        return self._open

    def _tell(self) -> None:
        self._reception.tell()

    def _knows(self, key: str | None, secret: str | None) -> bool:
        return (key, secret) == (self.key, self.secret)

    def _connection(self) -> Connection:
        self.connections += 1
        return Connection(self._reception.take, self._stream, self._open, Distance(self._loop, self._rtt_s))
