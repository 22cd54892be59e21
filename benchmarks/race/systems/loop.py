"""The rebuild plan's own loop through alpaca-py: price, order, ask until it is filled; the next line."""

from __future__ import annotations

import time
from typing import Final

from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.enums import OrderStatus
from alpaca.trading.models import Order

from race.measuring import Execute, measure
from race.protocol import Job
from race.systems.sdk import clients, request

_PAUSE_S: Final = 0.02


def prepare(job: Job) -> Execute:
    """Make the clients."""
    trading, data = clients(job)

    def execute() -> int:
        for order in job.orders:
            quotes = data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=order[0]))
            placed = trading.submit_order(request(order, quotes[order[0]]))
            assert isinstance(placed, Order)  # noqa: S101 - for the type checker
            while True:
                found = trading.get_order_by_id(placed.id)
                if isinstance(found, Order) and found.status is OrderStatus.FILLED:
                    break
                time.sleep(_PAUSE_S)  # noqa: TID251 - such loops do
        return len(job.orders)

    return execute


if __name__ == "__main__":
    measure(prepare)
