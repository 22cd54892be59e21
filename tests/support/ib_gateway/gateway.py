"""The gateway: IB's messages, over one market."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from local_broker import LocalBroker

from ib_gateway.asking import error
from ib_gateway.connection import Connection
from ib_gateway.counter import Counter
from ib_gateway.faults import Faults
from ib_gateway.news import News, commissions_told
from ib_gateway.of_account import moved
from ib_gateway.teller import Teller

if TYPE_CHECKING:
    from ib_gateway.market import Market
    from ib_gateway.papers import Paper

_LOST: Final = "Connectivity between IBKR and Trader Workstation has been lost."
_RESTORED: Final = "Connectivity between IBKR and Trader Workstation has been restored - data maintained."
# Less than the patience of who asks.
_OUTAGE_S: Final = 0.15
_PATIENCE_S: Final = 60


class IbGateway(LocalBroker):
    """A gateway of one account."""

    def __init__(self, market: Market, *, port: int = 0) -> None:
        super().__init__(market, port=port)
        self.market = market
        self.faults = Faults()
        self.connections: dict[int, Connection] = {}
        self._opened: set[Connection] = set()
        self._counter = Counter(
            market, self.faults, self._loop, after=self._tell,
            outage=lambda: self._lose_interactive_brokers(_OUTAGE_S),
        )  # fmt: skip
        self._teller = Teller(self.faults, self.connections)
        self._news = News(market, self._teller.say)
        self._timer: asyncio.TimerHandle | None = None
        self._stirred = asyncio.Event()

    def environment(self) -> dict[str, str]:
        """Give the variables that make Planfill use this gateway."""
        return {"PLANFILL_BROKER__ADAPTER": "ib", "PLANFILL_IB__PORT": str(self.port)}

    def lose_interactive_brokers(self, *, for_s: float | None = None) -> None:
        """Say 1100, and hold all requests back, for some seconds or until told otherwise."""
        self._at(lambda: self._lose_interactive_brokers(for_s))

    def find_interactive_brokers(self) -> None:
        """Say 1102, and take what was held back."""
        self._at(self._find_interactive_brokers)

    def count(self, kind: str) -> int:
        """Tell how many requests of a kind came."""
        return self._counter.requests.count(kind)

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

    @property
    def opened(self) -> Collection[Connection]:
        """What is connected."""
        return self._opened

    def _connection(self) -> Connection:
        return Connection(self, self._opened)
