"""
Lumibot's Alpaca broker, with its stream: its own loop over the orders, after one request for all prices.

Runs in an environment of its own, which has Lumibot: it wants other versions than we do of much.
"""

from __future__ import annotations

import time
from typing import Any, Final

from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.client import TradingClient
from alpaca.trading.stream import TradingStream
from lumibot.brokers import Alpaca  # type: ignore[import-not-found, unused-ignore]
from lumibot.entities import Asset, Order  # type: ignore[import-not-found, unused-ignore]

from race.measuring import Execute, measure
from race.protocol import Job, quantity
from race.systems.sdk import clients

_PAUSE_S: Final = 0.005


class Local(Alpaca):  # type: ignore[misc, unused-ignore]
    """The broker, at the market that is measured; it has no setting for that."""

    def __init__(self, job: Job, data: Any) -> None:  # noqa: ANN401 - whatever it takes
        self._job = job
        keys = {"API_KEY": job.key, "API_SECRET": job.secret, "PAPER": True}
        super().__init__(keys, connect_stream=True, data_source=data)

    def _create_trading_client(self) -> TradingClient:
        return TradingClient(self._job.key, self._job.secret, url_override=self._job.url)

    def _get_stream_object(self) -> TradingStream:
        return TradingStream(self._job.key, self._job.secret, url_override=self._job.stream_url)


def prepare(job: Job) -> Execute:
    """Make the client for prices; its broker connects at its construction, which is a part of the run."""
    _, data = clients(job)

    def execute() -> int:
        broker = Local(job, None)
        quotes = data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=job.symbols))
        orders = []
        for symbol, side, dollars in job.orders:
            quote = quotes[symbol]
            shares = quantity(dollars, quote.ask_price if side == "buy" else quote.bid_price)
            orders.append(Order("bench", asset=Asset(symbol), quantity=shares, side=side))
        broker.submit_orders(orders)
        while not all(order.is_filled() for order in orders):
            time.sleep(_PAUSE_S)  # noqa: TID251 - it tells nobody
        return len(orders)

    return execute


if __name__ == "__main__":
    measure(prepare)
