"""The gateway: a thread with an event loop, on loopback, on a free port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from ib_gateway.asking import error
from ib_gateway.connection import Connection
from ib_gateway.counter import Counter
from ib_gateway.faults import Faults
from ib_gateway.news import News, commissions_told
from ib_gateway.of_account import moved
from ib_gateway.teller import Teller
from planfill.domain.values import Money, Quantity

if TYPE_CHECKING:
    from ib_gateway.market import Market
    from ib_gateway.papers import Paper

# From an accepted connection to its first call: two; one more, so that what is broken off is gone.
_TURNS: Final = 20
_LOST: Final = "Connectivity between IBKR and Trader Workstation has been lost."
_RESTORED: Final = "Connectivity between IBKR and Trader Workstation has been restored - data maintained."
# Less than the patience of who asks.
_OUTAGE_S: Final = 0.15
_PATIENCE_S: Final = 60
_T = TypeVar("_T")


class IbGateway:
    """A gateway of one account. A context: stops by itself at its end. Any thread may call it."""

    def __init__(self, market: Market, *, port: int = 0) -> None:
        self.market = market
        self.faults = Faults()
        self.port = port
        self.connections: dict[int, Connection] = {}
        self._opened: set[Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._counter = Counter(
            market, self.faults, self._loop, after=self._tell,
            outage=lambda: self._lose_interactive_brokers(_OUTAGE_S),
        )  # fmt: skip
        self._teller = Teller(self.faults, self.connections)
        self._news = News(market, self._teller.say)
        self._timer: asyncio.TimerHandle | None = None
        self._stirred = asyncio.Event()
        self._listening: asyncio.Server | None = None
        self._coming_back: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="IB gateway", daemon=True)

    def environment(self) -> dict[str, str]:
        """Give the variables that make Planfill use this gateway."""
        return {"PLANFILL_BROKER__ADAPTER": "ib", "PLANFILL_IB__PORT": str(self.port)}

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
            # What was accepted just before is a connection two turns of the loop later, and broken off too.
            for _ in range(_TURNS):
                if self._listening is not None:
                    self._listening.close()
                    self._listening = None
                self._drop()
                await asyncio.sleep(0)
            if for_s is not None:
                self._coming_back = self._loop.call_later(
                    for_s, lambda: self._loop.create_task(self._listen())
                )

        self._wait(close())

    def drop_connections(self) -> None:
        """Break off what is connected; who comes again is let in."""
        self._at(self._drop)

    def lose_interactive_brokers(self, *, for_s: float | None = None) -> None:
        """Say 1100, and hold all requests back, for some seconds or until told otherwise."""
        self._at(lambda: self._lose_interactive_brokers(for_s))

    def find_interactive_brokers(self) -> None:
        """Say 1102, and take what was held back."""
        self._at(self._find_interactive_brokers)

    def count(self, kind: str) -> int:
        """Tell how many requests of a kind came."""
        return self._counter.requests.count(kind)

    def positions(self) -> dict[str, Quantity]:
        """Tell the shares that are held."""
        return dict(self._at(self.market.desk.positions))

    def cash(self) -> Money:
        """Tell the cash, to its last digit."""
        return self._at(self.market.desk.cash)

    def orders(self) -> list[Paper]:
        """List all orders that were accepted, whoever can see them."""
        return self._at(lambda: list(self.market.papers.values()))

    def wait_for_orders(self, count: int) -> None:
        """Wait until so many were accepted."""

        async def accepted() -> None:
            async with asyncio.timeout(_PATIENCE_S):
                while len(self.market.papers) < count:
                    self._stirred.clear()
                    await self._stirred.wait()

        self._wait(accepted())

    def move(self, symbol: str, price: Decimal) -> None:
        """Set the last price of a symbol; resting limit orders that it reaches are filled."""
        self._at(lambda: self.market.desk.move(symbol, price))

    def close_market(self) -> None:
        """Close the market: the day's orders end, new ones wait."""
        self._at(lambda: setattr(self.market.hours, "said", False))

    def open_market(self) -> None:
        """Open the market: what waited is sent."""
        self._at(lambda: setattr(self.market.hours, "said", True))

    def hold_fills(self, *, on: bool = True) -> None:
        """Let new orders rest."""
        self._at(lambda: self.market.desk.hold_fills(on=on))

    def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        """Fill the open orders of a symbol, or so many shares of each."""
        self._at(lambda: self.market.desk.let_fill(symbol, shares))

    def report_commissions(self) -> None:
        """Tell what executions have cost of which that was not told yet."""
        self._at(lambda: commissions_told(self.market, self._teller.say))

    def take(self, connection: Connection, fields: list[str]) -> None:
        """Take a request of a connection."""
        self._counter.take(connection, fields)

    def _tell(self) -> None:
        """Tell what has happened, and come back when something is due."""
        self._stirred.set()
        if self._counter.is_cut_off:
            return
        if self._news.tell():
            for connection in self.connections.values():
                for message in moved(self.market, connection):
                    connection.say(message)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.market.next_due()
        if due is not None:
            wait = max(0.001, (due - self.market.clock.now()).total_seconds())
            self._timer = self._loop.call_later(wait, self._tell)

    def _lose_interactive_brokers(self, for_s: float | None) -> None:
        self._counter.is_cut_off = True
        self._tell_all(1100, _LOST)
        if for_s is not None:
            self._loop.call_later(for_s, self._find_interactive_brokers)

    def _find_interactive_brokers(self) -> None:
        self._tell_all(1102, _RESTORED)
        self._counter.reconnected()
        self._tell()

    def _tell_all(self, code: int, text: str) -> None:
        for connection in tuple(self.connections.values()):
            connection.say(error(-1, code, text))

    def _drop(self) -> None:
        for connection in tuple(self._opened):
            connection.drop()

    async def _listen(self) -> None:
        if self._listening is None:
            self._listening = await self._loop.create_server(
                lambda: Connection(self, self._opened), "127.0.0.1", self.port
            )
            self.port = self._listening.sockets[0].getsockname()[1]

    def _at(self, do: Callable[[], _T]) -> _T:
        """Do something in the gateway's thread, and tell what came of it."""

        async def there() -> _T:
            result = do()
            self._tell()
            return result

        result: _T = self._wait(there())
        return result

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_PATIENCE_S)
