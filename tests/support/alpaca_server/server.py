"""The server: a thread with an event loop, on loopback, on a free port."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Self, TypeVar

from alpaca_server import bodies
from alpaca_server.distance import Distance
from alpaca_server.faults import Fault, Faults
from alpaca_server.http import Connection
from alpaca_server.limits import Rate
from alpaca_server.market import Market
from alpaca_server.reception import Reception
from alpaca_server.stream import Stream
from planfill.domain.values import Money, Quantity

KEY: Final = "PKLOCALKEY0000000001"
SECRET: Final = "local-secret-of-nobody"  # noqa: S105 - it opens nothing
# From an accepted connection to its first call: two; one more, so that what is broken off is gone.
_TURNS: Final = 20
_T = TypeVar("_T")


class AlpacaServer:
    """
    Alpaca, both hosts and the stream at one port. A context: stops by itself at its end.

    ``rtt_s`` delays every answer, and a new connection twice more. All methods can be called from any
    thread.
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
        self.market = market
        self.faults = Faults()
        self.key, self.secret = KEY, SECRET
        self.connections = 0
        self.port = port
        self._tls = tls
        self._rtt_s = rtt_s
        self._open: set[Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._stream = Stream(self.faults, self._knows)
        limits = (requests_per_minute, data_requests_per_minute)
        trading, data = (Rate(limit, bucket=bucket, window_s=window_s) for limit in limits)
        self._reception = Reception(market, self.faults, self._loop, rates=(trading, data), knows=self._knows)
        self.requests = self._reception.requests
        self._listening: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
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

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        self.accept_connections()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.refuse_connections()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def accept_connections(self) -> None:
        """Listen at the port."""

        self._wait(self._listen())

    def refuse_connections(self, *, for_s: float | None = None) -> None:
        """Close the port, for some seconds or until told otherwise, and break off what is connected."""

        async def close() -> None:
            if self._listening is not None:
                self._listening.close()
                self._listening = None
            # What was accepted just before is a connection two turns of the loop later, and broken off too.
            for _ in range(_TURNS):
                for connection in tuple(self._open):
                    connection.reset()
                await asyncio.sleep(0)
            if for_s is not None:
                self._loop.call_later(for_s, lambda: self._loop.create_task(self._listen()))

        self._wait(close())

    async def _listen(self) -> None:
        if self._listening is None:
            self._listening = await self._loop.create_server(
                self._connection, "127.0.0.1", self.port, ssl=self._tls, backlog=1024
            )
            self.port = self._listening.sockets[0].getsockname()[1]

    def orders(self) -> list[dict[str, Any]]:
        """List all orders at the server, whoever can see them."""
        now = self.market.clock.now
        return self._at(lambda: [bodies.order(*one, now()) for one in self.market.everything()])

    def positions(self) -> dict[str, Quantity]:
        """Tell the shares that are held."""
        return dict(self._at(self.market.desk.positions))

    def cash(self) -> Money:
        """Tell the cash, to its last digit."""
        return self._at(self.market.desk.cash)

    def move(self, symbol: str, price: Decimal) -> None:
        """Set the last price of a symbol; resting limit orders that it reaches are filled."""
        self._at(lambda: self.market.desk.move(symbol, price))

    def close_market(self) -> None:
        """Close the market: the day's orders expire, new ones wait."""
        self._at(lambda: setattr(self.market.hours, "said", False))

    def open_market(self) -> None:
        """Open the market: what waited is routed."""
        self._at(lambda: setattr(self.market.hours, "said", True))

    def hold_fills(self, *, on: bool = True) -> None:
        """Let new orders rest."""
        self._at(lambda: self.market.desk.hold_fills(on=on))

    def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        """Fill the open orders of a symbol, or so many shares of each."""
        self._at(lambda: self.market.desk.let_fill(symbol, shares))

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

    def _at(self, do: Callable[[], _T]) -> _T:
        """Do something in the server's thread, and tell the stream what came of it."""

        async def there() -> _T:
            result = do()
            self._reception.tell()
            return result

        result: _T = self._wait(there())
        return result

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def _knows(self, key: str | None, secret: str | None) -> bool:
        return (key, secret) == (self.key, self.secret)

    def _connection(self) -> Connection:
        self.connections += 1
        return Connection(self._reception.take, self._stream, self._open, Distance(self._loop, self._rtt_s))
