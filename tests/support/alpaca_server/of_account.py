"""The endpoints of the account: positions, assets, days, fills."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any, Final

from alpaca_server import bodies, views
from alpaca_server.errors import INVALID, NOT_FOUND, Refused
from alpaca_server.moments import nanoseconds
from alpaca_server.of_orders import cancel_all
from planfill.domain.numerals import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alpaca_server.faults import Fault
    from alpaca_server.market import Market
    from alpaca_server.request import Request

_PAGE: Final = 100


def position(market: Market, _r: Request, name: str, _fault: Fault | None) -> Any:
    """Show what is held of one symbol."""
    for position in views.positions(market):
        if name in {position["symbol"], position["asset_id"]}:
            return position
    raise Refused(404, NOT_FOUND, "position does not exist")


def close_position(market: Market, request: Request, symbol: str, _fault: Fault | None) -> Any:
    """Sell what is held of one symbol, or a part of it."""
    held = position(market, request, symbol, None)
    quantity = request.query.get("qty", held["qty"])
    if "percentage" in request.query:
        share = Decimal(held["qty"]) * Decimal(request.query["percentage"]) / 100
        quantity = plain(share.quantize(bodies.PRICE_DIGITS, ROUND_DOWN))
    return _sell(market, held["symbol"], quantity)


def close_all(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    """Sell everything, with a status each."""
    if request.query.get("cancel_orders", "").lower() == "true":
        cancel_all(market, request, _, None)
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


def assets(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    """List assets."""
    wanted = {key: request.query[key] for key in ("status", "exchange") if key in request.query}
    if "asset_class" in request.query:
        wanted["class"] = request.query["asset_class"]
    return [asset for asset in views.assets(market) if wanted.items() <= asset.items()]


def asset(market: Market, _r: Request, name: str, _fault: Fault | None) -> Any:
    """Show one asset."""
    for asset in views.assets(market):
        if name in {asset["symbol"], asset["id"]}:
            return asset
    raise Refused(404, NOT_FOUND, f"asset not found for {name}")


def calendar(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    """List the days of trading."""
    today = str(market.clock.now().date())
    try:
        first, final = (date.fromisoformat(request.query.get(name, today)[:10]) for name in ("start", "end"))
    except ValueError as e:
        raise Refused(422, INVALID, f"invalid date: {e}") from e
    return views.calendar(first, final)


def fills(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    """List fills as activities, page by page."""
    query = request.query
    if "FILL" not in query.get("activity_types", "FILL").split(","):
        return []
    after, until = request.moment("after"), request.moment("until")
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
    return found[: request.number("page_size", _PAGE, most=_PAGE)]


def _time(fill: Mapping[str, Any]) -> int:
    return nanoseconds(fill["transaction_time"])
