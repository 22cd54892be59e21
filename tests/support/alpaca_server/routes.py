"""Alpaca's endpoints: what each does at the market, and what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from alpaca_server import bodies
from alpaca_server.bodies import Paper, named
from alpaca_server.errors import NOT_FOUND, Refused
from alpaca_server.faults import Fault
from alpaca_server.market import Market
from planfill.adapters.brokers.mock.ticket import Ticket

_PAGE: Final = 50
_LONGEST_PAGE: Final = 500
_OPEN: Final = {"open": True, "closed": False}


class Request(NamedTuple):
    """A request as it was read."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


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


def _place(market: Market, request: Request, _: str, fault: Fault | None) -> Any:
    now = market.clock.now()
    ticket = market.place(_json(request), fault)
    return bodies.accepted(ticket, market.papers[ticket.number], now)


def _orders(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    query, now = request.query, market.clock.now()
    status = query.get("status", "open")
    after, until = _moment(query.get("after")), _moment(query.get("until"))
    symbols = set(filter(None, query.get("symbols", "").split(",")))
    side = query.get("side")

    def fits(ticket: Ticket, paper: Paper) -> bool:
        return (
            (status == "all" or ticket.is_open is _OPEN[status])
            and (after is None or paper.submitted_at > after)
            and (until is None or paper.submitted_at < until)
            and (not symbols or ticket.order.symbol in symbols)
            and (side is None or ticket.order.side.lower() == side)
        )

    limit = min(int(query.get("limit", _PAGE)), _LONGEST_PAGE)
    found = [(ticket, paper) for ticket, paper in market.listed() if fits(ticket, paper)]
    if query.get("direction", "desc") == "desc":
        found.reverse()
    return [bodies.order(ticket, paper, now) for ticket, paper in found[:limit]]


def _by_id(market: Market, _r: Request, order_id: str, _fault: Fault | None) -> Any:
    return bodies.order(*market.find(order_id=order_id), market.clock.now())


def _by_name(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    found = market.find(name=request.query.get("client_order_id", ""))
    return bodies.order(*found, market.clock.now())


def _cancel(market: Market, _r: Request, order_id: str, fault: Fault | None) -> Any:
    market.cancel(order_id, fault)


def _cancel_all(market: Market, _r: Request, _: str, _fault: Fault | None) -> Any:
    done = []
    for ticket, paper in market.listed():
        if ticket.is_open:
            market.cancel(paper.id)
            done.append({"id": paper.id, "status": 200})
    return 207, done


def _replace(market: Market, request: Request, order_id: str, _fault: Fault | None) -> Any:
    ticket = market.replace(order_id, _json(request))
    return bodies.accepted(ticket, market.papers[ticket.number], market.clock.now())


def _position(market: Market, _r: Request, symbol: str, _fault: Fault | None) -> Any:
    for position in market.positions():
        if position["symbol"] == symbol:
            return position
    raise Refused(404, NOT_FOUND, "position does not exist")


def _close_position(market: Market, request: Request, symbol: str, _fault: Fault | None) -> Any:
    held = _position(market, request, symbol, None)
    terms = {
        "symbol": symbol, "side": "sell", "type": "market", "time_in_force": "day",
        "qty": request.query.get("qty", held["qty"]),
    }  # fmt: skip
    ticket = market.place(terms)
    return bodies.accepted(ticket, market.papers[ticket.number], market.clock.now())


def _asset(market: Market, _r: Request, symbol: str, _fault: Fault | None) -> Any:
    for asset in market.assets():
        if asset["symbol"] == symbol:
            return asset
    raise Refused(404, NOT_FOUND, f"asset not found for {symbol}")


def _calendar(market: Market, _r: Request, _: str, _fault: Fault | None) -> Any:
    today = market.clock.now().date()
    return [
        {
            "date": str(today), "open": "09:30", "close": "16:00", "session_open": "0400",
            "session_close": "2000", "settlement_date": str(today + timedelta(days=1)),
        }
    ]  # fmt: skip


def _fills(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    query = request.query
    after, until = _moment(query.get("after")), _moment(query.get("until"))
    found = [
        fill
        for fill in market.fills()
        if (after is None or _time(fill) > after) and (until is None or _time(fill) < until)
    ]
    if query.get("direction", "desc") == "desc":
        found.reverse()
    if token := query.get("page_token"):
        ids = [fill["id"] for fill in found]
        found = found[ids.index(token) + 1 :] if token in ids else []
    return found[: min(int(query.get("page_size", 100)), 100)]


def _quotes(market: Market, request: Request, _: str, fault: Fault | None) -> Any:
    if fault is Fault.NULL_QUOTES:
        return {"quotes": None}
    return market.quotes(request.query.get("symbols", "").split(","))


def _trades(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    quotes = market.quotes(request.query.get("symbols", "").split(","))["quotes"]
    return {
        "trades": {
            s: {"c": ["@"], "i": 1, "p": q["bp"], "s": 100, "t": q["t"], "x": "Q", "z": "C"}
            for s, q in quotes.items()
        }
    }


def _snapshots(market: Market, request: Request, _: str, fault: Fault | None) -> Any:
    quotes = _quotes(market, request, "", None)["quotes"]
    trades = _trades(market, request, "", fault)["trades"]
    return {s: {"latestQuote": quotes[s], "latestTrade": trades[s]} for s in quotes}


def _route(method: str, path: str, kind: str, perform: Callable[..., Any]) -> Route:
    return Route(method, re.compile(path + "$"), kind, perform)


ROUTES: Final = (
    _route("POST", "/v2/orders", "place", _place),
    _route("GET", "/v2/orders", "orders", _orders),
    _route("DELETE", "/v2/orders", "cancel all", _cancel_all),
    _route("GET", "/v2/orders:by_client_order_id", "ask", _by_name),
    _route("GET", "/v2/orders/([^/]+)", "ask", _by_id),
    _route("DELETE", "/v2/orders/([^/]+)", "cancel", _cancel),
    _route("PATCH", "/v2/orders/([^/]+)", "replace", _replace),
    _route("GET", "/v2/positions", "positions", lambda market, *_: market.positions()),
    _route("GET", "/v2/positions/([^/]+)", "positions", _position),
    _route("DELETE", "/v2/positions/([^/]+)", "close", _close_position),
    _route("GET", "/v2/account", "account", lambda market, *_: market.account()),
    _route("GET", "/v2/assets", "assets", lambda market, *_: market.assets()),
    _route("GET", "/v2/assets/([^/]+)", "assets", _asset),
    _route("GET", "/v2/clock", "clock", lambda market, *_: market.session()),
    _route("GET", "/v2/calendar", "calendar", _calendar),
    _route("GET", "/v2/account/activities(?:/FILL)?", "fills", _fills),
    _route("GET", "/v2/stocks/quotes/latest", "quotes", _quotes),
    _route("GET", "/v2/stocks/trades/latest", "trades", _trades),
    _route("GET", "/v2/stocks/snapshots", "snapshots", _snapshots),
)


def find(request: Request) -> tuple[Route, str]:
    """Find the endpoint, and what its path names; raises ``Refused`` where there is none."""
    for route in ROUTES:
        if route.method == request.method and (match := route.path.match(request.path)):
            return route, (match.groups() or ("",))[0]
    raise Refused(404, NOT_FOUND, "endpoint not found")


def request_id() -> str:
    """Give an id for an answer."""
    return named("request", str(datetime.now().timestamp())).replace("-", "")  # noqa: DTZ005


def _json(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(request.body or b"null")
    except ValueError as e:
        raise Refused(400, 40010000, "request body format is invalid") from e
    if not isinstance(body, dict):
        raise Refused(400, 40010000, "request body format is invalid")
    return body


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _time(fill: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(fill["transaction_time"])
