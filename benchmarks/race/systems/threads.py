"""A thread pool over alpaca-py, and its stream: one request for all prices, 32 orders at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.stream import TradingStream

from race.measuring import Execute, measure
from race.protocol import Job
from race.systems.sdk import clients, request

_WORKERS: Final = 32


class Listening(TradingStream):  # type: ignore[misc, unused-ignore]
    """The stream, which also says when it listens: what fills before that it would not hear of."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.key, job.secret, url_override=job.stream_url)
        self.listens = threading.Event()
        self.all_filled = threading.Event()
        self.filled = set[str]()
        self._expected = len(job.orders)
        self.subscribe_trade_updates(self._heard)

    async def _dispatch(self, message: dict[str, Any]) -> None:
        if message.get("stream") == "listening":
            self.listens.set()
        await super()._dispatch(message)

    async def _heard(self, update: Any) -> None:  # noqa: ANN401 - as the SDK has it
        if update.event == "fill":
            self.filled.add(str(update.order.id))
            if len(self.filled) == self._expected:
                self.all_filled.set()


def prepare(job: Job) -> Execute:
    """Make the clients."""
    trading, data = clients(job)

    def execute() -> int:
        stream = Listening(job)
        threading.Thread(target=stream.run, daemon=True).start()
        quotes = data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=job.symbols))
        stream.listens.wait()
        with ThreadPoolExecutor(_WORKERS) as pool:
            placed = pool.map(
                lambda order: trading.submit_order(request(order, quotes[order[0]])), job.orders
            )
            # A failure is raised where its answer is taken.
            for _ in placed:
                pass
        stream.all_filled.wait()
        return len(stream.filled)

    return execute


if __name__ == "__main__":
    measure(prepare)
