"""Alpaca's endpoints: what each does at the market, and what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final, NamedTuple

from alpaca_server import bodies, views
from alpaca_server.bodies import Paper, named
from alpaca_server.errors import INVALID, NOT_FOUND, Refused
from alpaca_server.faults import Fault
from alpaca_server.market import Market
from alpaca_server.moments import nanoseconds, stamp
from planfill.adapters.brokers.mock.ticket import Ticket
from planfill.domain.numerals import plain

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
    if status not in {"all", *_OPEN}:
        raise Refused(422, INVALID, f"invalid status: {status}")
    after, until = _moment(query, "after"), _moment(query, "until")
    symbols = set(filter(None, query.get("symbols", "").split(",")))
    side = query.get("side")

    def fits(ticket: Ticket, paper: Paper) -> bool:
        return (
            (status == "all" or ticket.is_open is _OPEN[status])
            and (after is None or nanoseconds(stamp(paper.submitted(now))) > after)
            and (until is None or nanoseconds(stamp(paper.submitted(now))) < until)
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


def _position(market: Market, _r: Request, name: str, _fault: Fault | None) -> Any:
    for position in views.positions(market):
        if name in {position["symbol"], position["asset_id"]}:
            return position
    raise Refused(404, NOT_FOUND, "position does not exist")


def _close_position(market: Market, request: Request, symbol: str, _fault: Fault | None) -> Any:
    held = _position(market, request, symbol, None)
    quantity = request.query.get("qty", held["qty"])
    if "percentage" in request.query:
        share = Decimal(held["qty"]) * Decimal(request.query["percentage"]) / 100
        quantity = plain(share.quantize(bodies.PRICE_DIGITS, ROUND_DOWN))
    return _sell(market, held["symbol"], quantity)


def _close_all(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    if request.query.get("cancel_orders", "").lower() == "true":
        _cancel_all(market, request, _, None)
    done = []
    for held in views.positions(market):
        try:
            status, body = 200, _sell(market, held["symbol"], held["qty"])
        except Refused as e:
            status, body = e.status, e.body
        done.append({"symbol": held["symbol"], "status": status, "body": body})
    return 207, done


def _sell(market: Market, symbol: str, quantity: str) -> Any:
    terms = {"symbol": symbol, "side": "sell", "type": "market", "time_in_force": "day", "qty": quantity}
    ticket = market.place(terms)
    return bodies.accepted(ticket, market.papers[ticket.number], market.clock.now())


def _assets(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    wanted = {key: request.query[key] for key in ("status", "exchange") if key in request.query}
    if "asset_class" in request.query:
        wanted["class"] = request.query["asset_class"]
    return [asset for asset in views.assets(market) if wanted.items() <= asset.items()]


def _asset(market: Market, _r: Request, name: str, _fault: Fault | None) -> Any:
    for asset in views.assets(market):
        if name in {asset["symbol"], asset["id"]}:
            return asset
    raise Refused(404, NOT_FOUND, f"asset not found for {name}")


def _calendar(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    today = market.clock.now().date()
    first, final = (date.fromisoformat(request.query.get(name, str(today))[:10]) for name in ("start", "end"))
    return views.calendar(first, final)


def _fills(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    query = request.query
    after, until = _moment(query, "after"), _moment(query, "until")
    found = [
        fill
        for fill in views.fills(market)
        if (after is None or _time(fill) > after) and (until is None or _time(fill) < until)
    ]
    if query.get("direction", "desc") == "desc":
        found.reverse()
    if token := query.get("page_token"):
        ids = [fill["id"] for fill in found]
        found = found[ids.index(token) + 1 :] if token in ids else []
    return found[: min(int(query.get("page_size", 100)), 100)]


def _symbols(request: Request) -> list[str]:
    return list(filter(None, request.query.get("symbols", "").split(",")))


def _quotes(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    return {"quotes": views.quotes(market, _symbols(request))}


def _trades(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    return {"trades": views.trades(market, _symbols(request))}


def _snapshots(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    trades = views.trades(market, _symbols(request))
    return {
        symbol: {"latestQuote": quote} | ({"latestTrade": trades[symbol]} if symbol in trades else {})
        for symbol, quote in views.quotes(market, _symbols(request)).items()
    }


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
    _route("GET", "/v2/positions", "positions", lambda market, *_: views.positions(market)),
    _route("GET", "/v2/positions/([^/]+)", "positions", _position),
    _route("DELETE", "/v2/positions", "close", _close_all),
    _route("DELETE", "/v2/positions/([^/]+)", "close", _close_position),
    _route("GET", "/v2/account", "account", lambda market, *_: views.account(market)),
    _route("GET", "/v2/assets", "assets", _assets),
    _route("GET", "/v2/assets/([^/]+)", "assets", _asset),
    _route("GET", "/v2/clock", "clock", lambda market, *_: views.session(market)),
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


def concerned(market: Market, request: Request, name: str) -> Collection[str]:
    """Tell which symbols a request concerns, as far as it says."""
    if "symbols" in request.query:
        return _symbols(request)
    if request.method == "POST":
        return [str(_json(request).get("symbol"))]
    try:
        if "client_order_id" in request.query:
            return [market.find(name=request.query["client_order_id"])[0].order.symbol]
        return [market.find(order_id=name)[0].order.symbol] if name else []
    except Refused:
        return [name]


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


def _moment(query: Mapping[str, str], name: str) -> int | None:
    """Read a time, in nanoseconds."""
    try:
        return nanoseconds(query[name]) if query.get(name) else None
    except ValueError as e:
        raise Refused(422, INVALID, f"invalid {name}: {query[name]}") from e


def _time(fill: Mapping[str, Any]) -> int:
    return nanoseconds(fill["transaction_time"])
