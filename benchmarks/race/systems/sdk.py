"""What the systems over alpaca-py share: its clients, and an order."""

from __future__ import annotations

from typing import NamedTuple

from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.models import Quote
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest

from race.protocol import Job, quantity


class Clients(NamedTuple):
    """alpaca-py's clients, as they come."""

    trading: TradingClient
    data: StockHistoricalDataClient


def clients(job: Job) -> Clients:
    """Make them."""
    return Clients(
        TradingClient(job.key, job.secret, url_override=job.url),
        StockHistoricalDataClient(job.key, job.secret, url_override=job.url),
    )


def request(order: list[str], quote: Quote) -> MarketOrderRequest:
    """Size an order at its quote."""
    symbol, side, dollars = order
    price = quote.ask_price if side == "buy" else quote.bid_price
    return MarketOrderRequest(
        symbol=symbol, qty=quantity(dollars, price), side=OrderSide(side), time_in_force=TimeInForce.DAY
    )
