"""The market behind the Alpaca adapters: the local Alpaca, and every trouble that it can make."""

from __future__ import annotations

from typing import Final, Self

from alpaca_server import AlpacaServer, Fault, Market
from alpaca_server.distorting import FUTURE_STATUS
from contract_market import ContractMarket
from pydantic import SecretStr

from planfill.adapters.brokers.alpaca import AlpacaSettings, brokerage
from planfill.adapters.clock import SystemClock
from planfill.application.ports.brokerage import Brokerage
from planfill.domain.values import ClientOrderId, Quantity
from planfill.testing.troubled_venue import Request, Trouble

_KINDS: Final = {
    Request.PLACE: "place", Request.ASK: "ask", Request.CANCEL: "cancel", Request.LIST_ORDERS: "orders",
    Request.LIST_FILLS: "fills", Request.PRICES: "quotes", Request.INSTRUMENTS: "assets",
    Request.SESSION: "clock", Request.ACCOUNT: "account", Request.SELLABLE: "positions",
    Request.POSITIONS: "positions",
}  # fmt: skip
# How long nobody listens, or the stream is refused; less than the adapter's patience.
_AWAY_S: Final = 0.3


class AlpacaVenue(ContractMarket):
    troubles = frozenset(Trouble)
    future_status = FUTURE_STATUS

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.server = AlpacaServer(
            Market({**self.account(), "book": ":memory:", "fill_delay_s": 0.02}), window_s=1
        )

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def settings(self) -> AlpacaSettings:
        """Give the settings of adapters at this venue, with little patience."""
        return AlpacaSettings(
            key_id=SecretStr(self.server.key), secret_key=SecretStr(self.server.secret),
            trading_url=self.server.url, data_url=self.server.url, stream_url=self.server.stream_url,
            timeout_s=0.4, connect_timeout_s=0.4, read_lag_s=1, requests_per_minute=10_000,
        )  # fmt: skip

    def family(self) -> Brokerage:
        """Build the adapters under test."""
        return brokerage(self.settings(), self.clock)

    async def hold_fills(self) -> None:
        self.server.hold_fills()

    async def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        self.server.let_fill(symbol, shares)

    async def make(
        self, trouble: Trouble, request: Request = Request.PLACE, *, lasting: bool = False
    ) -> None:
        if trouble.name.startswith("FEED_"):
            self._disturb_stream(trouble)
        elif trouble is Trouble.REFUSED_CONNECTION:
            self.server.refuse_connections(for_s=None if lasting else _AWAY_S)
        elif lasting:
            self.server.faults.always(_KINDS[request], Fault[trouble.name])
        else:
            self.server.faults.once(_KINDS[request], Fault[trouble.name])

    async def recover(self) -> None:
        self.server.faults.clear()
        self.server.accept_connections()

    async def orders_named(self, client_order_id: ClientOrderId) -> int:
        return sum(order["client_order_id"] == client_order_id for order in self.server.orders())

    def _disturb_stream(self, trouble: Trouble) -> None:
        faults = self.server.faults
        match trouble:
            case Trouble.FEED_SILENT:
                faults.always("stream", Fault.FEED_SILENT)
            case Trouble.FEED_DROPS:
                self.server.drop_stream()
            case Trouble.FEED_REFUSED:
                self.server.refuse_stream(for_s=_AWAY_S)
            case _:
                faults.once("event", Fault[trouble.name])
