"""A server: a thread with an event loop, on loopback, on a free port."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

from planfill.domain.values import Money, Quantity

if TYPE_CHECKING:
    import ssl

    from local_broker.hours import Sessions
    from planfill.adapters.brokers.mock.desk import Desk

# From an accepted connection to its first call, and from its end to its last: two; and some to spare.
_TURNS: Final = 4
_PATIENCE_S: Final = 60
_T = TypeVar("_T")


class Traded(Protocol):
    """A market, as far as whoever shows it is asked about it: the exchange's desk, and its hours."""

    @property
    def desk(self) -> Desk: ...
    @property
    def hours(self) -> Sessions: ...


class Connected(Protocol):
    """A connection that can be broken off."""

    def reset(self) -> None:
        """Break it off."""


class LocalBroker(ABC):
    """
    One account at a broker, over a market that outlives it. A context: stops by itself at its end.

    All methods can be called from any thread.
    """

    def __init__(self, market: Traded, *, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self._traded = market
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._listening: asyncio.Server | None = None
        self._coming_back: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name=type(self).__name__, daemon=True)

    @property
    @abstractmethod
    def opened(self) -> Collection[Connected]:
        """What is connected."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Give the variables that make Planfill use this broker."""

    @abstractmethod
    def _connection(self) -> asyncio.BaseProtocol:
        """Make what serves a new connection."""

    @abstractmethod
    def _tell(self) -> None:
        """Tell what has happened, unasked."""

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
            if self._coming_back is not None:
                self._coming_back.cancel()
                self._coming_back = None
            listening, self._listening = self._listening, None
            if listening is not None:
                # What was accepted just before becomes a connection some turns later, and must find its
                # server open: asyncio gives it up otherwise, and leaves its socket to the collector.
                for sock in listening.sockets:
                    self._loop.remove_reader(sock.fileno())
                await self._turn()
                listening.close()
            self._drop()
            await self._turn()
            if for_s is not None:
                self._coming_back = self._loop.call_later(
                    for_s, lambda: self._loop.create_task(self._listen())
                )

        self._wait(close())

    def drop_connections(self) -> None:
        """Break off what is connected; who comes again is let in."""
        self._at(self._drop)

    def positions(self) -> dict[str, Quantity]:
        """Tell the shares that are held."""
        return dict(self._at(self._traded.desk.positions))

    def cash(self) -> Money:
        """Tell the cash, to its last digit."""
        return self._at(self._traded.desk.cash)

    def move(self, symbol: str, price: Decimal) -> None:
        """Set the last price of a symbol; resting limit orders that it reaches are filled."""
        self._at(lambda: self._traded.desk.move(symbol, price))

    def close_market(self) -> None:
        """Close the market: the day's orders end, new ones wait."""
        self._at(lambda: setattr(self._traded.hours, "said", False))

    def open_market(self) -> None:
        """Open the market: what waited is routed."""
        self._at(lambda: setattr(self._traded.hours, "said", True))

    def hold_fills(self, *, on: bool = True) -> None:
        """Let new orders rest."""
        self._at(lambda: self._traded.desk.hold_fills(on=on))

    def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        """Fill the open orders of a symbol, or so many shares of each."""
        self._at(lambda: self._traded.desk.let_fill(symbol, shares))

    def _drop(self) -> None:
        for connection in tuple(self.opened):
            connection.reset()

    async def _listen(self) -> None:
        if self._listening is None:
            self._listening = await self._loop.create_server(
                self._connection, "127.0.0.1", self.port, ssl=self._tls, backlog=1024
            )
            self.port = self._listening.sockets[0].getsockname()[1]

    async def _turn(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def _at(self, do: Callable[[], _T]) -> _T:
        """Do something in the broker's thread, and tell what came of it."""

        async def there() -> _T:
            result = do()
            self._tell()
            return result

        result: _T = self._wait(there())
        return result

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_PATIENCE_S)
