"""The endpoints of the other host: prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alpaca_server import views

if TYPE_CHECKING:
    from alpaca_server.faults import Fault
    from alpaca_server.market import Market
    from alpaca_server.request import Request


def quotes(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    """Quote symbols."""
    return {"quotes": views.quotes(market, request.symbols())}


def trades(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    """Show the last trades."""
    return {"trades": views.trades(market, request.symbols())}


def snapshots(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    """Show quotes and last trades together."""
    trades = views.trades(market, request.symbols())
    return {
        symbol: {"latestQuote": quote} | ({"latestTrade": trades[symbol]} if symbol in trades else {})
        for symbol, quote in views.quotes(market, request.symbols()).items()
    }
