"""What executing a plan will ask of Alpaca, asked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from planfill.application.ports.ahead import AsksAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from planfill.adapters.brokers.alpaca.market import AlpacaMarketData
    from planfill.adapters.brokers.alpaca.moment import Moment


class _Asked(Protocol):
    def ask_ahead(self) -> None: ...


class Ahead(AsksAhead):
    """Has each port ask, and makes ready what sending needs, all at the same time."""

    def __init__(
        self,
        moment: Moment,
        ports: Collection[_Asked],
        market_data: AlpacaMarketData,
        connect: Callable[[], None],
        make_ready: Callable[[int], None],
    ) -> None:
        self._connect = connect
        self._moment = moment
        self._ports = ports
        self._market_data = market_data
        self._make_ready = make_ready

    def connect(self) -> None:
        """See the port."""
        self._connect()

    def ask(self, symbols: Collection[str]) -> None:
        """See the port."""
        self._moment.begin()
        for port in self._ports:
            port.ask_ahead()
        self._market_data.ask_ahead(symbols)
        self._make_ready(len(symbols))

    def forget(self) -> None:
        """See the port."""
        self._moment.forget()
