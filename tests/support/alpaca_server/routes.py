"""Alpaca's endpoints, and which of them a request means."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from alpaca_server import of_account, of_data, of_orders, views
from alpaca_server.errors import NOT_FOUND, Refused
from alpaca_server.faults import Fault
from alpaca_server.market import Market
from alpaca_server.request import Request


class Route(NamedTuple):
    """An endpoint: how it is called in a script of faults, and what does its work."""

    method: str
    path: re.Pattern[str]
    kind: str
    perform: Callable[[Market, Request, str, Fault | None], Any]

    @property
    def is_data(self) -> bool:
        """Whether it is of the other host, with limits of its own."""
        return "/stocks/" in self.path.pattern


def _route(method: str, path: str, kind: str, perform: Callable[..., Any]) -> Route:
    return Route(method, re.compile(path + "$"), kind, perform)


ROUTES: Final = (
    _route("POST", "/v2/orders", "place", of_orders.place),
    _route("GET", "/v2/orders", "orders", of_orders.listed),
    _route("DELETE", "/v2/orders", "cancel all", of_orders.cancel_all),
    _route("GET", "/v2/orders:by_client_order_id", "ask", of_orders.by_name),
    _route("GET", "/v2/orders/([^/]+)", "ask", of_orders.by_id),
    _route("DELETE", "/v2/orders/([^/]+)", "cancel", of_orders.cancel),
    _route("PATCH", "/v2/orders/([^/]+)", "replace", of_orders.replace),
    _route("GET", "/v2/positions", "positions", lambda market, *_: views.positions(market)),
    _route("GET", "/v2/positions/([^/]+)", "positions", of_account.position),
    _route("DELETE", "/v2/positions", "close", of_account.close_all),
    _route("DELETE", "/v2/positions/([^/]+)", "close", of_account.close_position),
    _route("GET", "/v2/account", "account", lambda market, *_: views.account(market)),
    _route("GET", "/v2/assets", "assets", of_account.assets),
    _route("GET", "/v2/assets/([^/]+)", "assets", of_account.asset),
    _route("GET", "/v2/clock", "clock", lambda market, *_: views.session(market)),
    _route("GET", "/v2/calendar", "calendar", of_account.calendar),
    _route("GET", "/v2/account/activities(?:/FILL)?", "fills", of_account.fills),
    _route("GET", "/v2/stocks/quotes/latest", "quotes", of_data.quotes),
    _route("GET", "/v2/stocks/trades/latest", "trades", of_data.trades),
    _route("GET", "/v2/stocks/snapshots", "snapshots", of_data.snapshots),
)


def find(request: Request) -> tuple[Route, str]:
    """Find the endpoint, and what its path names; raises ``Refused`` where there is none."""
    for route in ROUTES:
        if route.method == request.method and (match := route.path.match(request.path)):
            return route, (match.groups() or ("",))[0]
    raise Refused(404, NOT_FOUND, "endpoint not found")


def concerned(market: Market, request: Request, name: str) -> Collection[str]:
    """Tell which symbols a request concerns, as far as it says."""
    if "symbols" in request.query:
        return request.symbols()
    if request.method == "POST":
        return [str(request.terms().get("symbol"))]
    try:
        if "client_order_id" in request.query:
            return [market.find(name=request.query["client_order_id"])[0].order.symbol]
        return [market.find(order_id=name)[0].order.symbol] if name else []
    except Refused:
        return [name]
