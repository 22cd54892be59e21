"""The endpoints of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alpaca_server import bodies
from alpaca_server.errors import INVALID, Refused
from alpaca_server.moments import nanoseconds, stamp

if TYPE_CHECKING:
    from alpaca_server.bodies import Paper
    from alpaca_server.faults import Fault
    from alpaca_server.market import Market
    from alpaca_server.request import Request
    from planfill.adapters.brokers.mock.ticket import Ticket

_PAGE: Final = 50
_LONGEST_PAGE: Final = 500
_OPEN: Final = {"open": True, "closed": False}


def place(market: Market, request: Request, _: str, fault: Fault | None) -> Any:
    """Accept an order."""
    now = market.clock.now()
    ticket = market.place(request.terms(), fault)
    return bodies.accepted(ticket, market.papers[ticket.number], now)


def listed(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    """List orders."""
    query, now = request.query, market.clock.now()
    status = query.get("status", "open")
    if status not in {"all", *_OPEN}:
        raise Refused(422, INVALID, f"invalid status: {status}")
    after, until = request.moment("after"), request.moment("until")
    symbols = set(request.symbols())
    side = query.get("side")

    def fits(ticket: Ticket, paper: Paper) -> bool:
        return (
            (status == "all" or ticket.is_open is _OPEN[status])
            and (after is None or nanoseconds(stamp(paper.submitted(now))) > after)
            and (until is None or nanoseconds(stamp(paper.submitted(now))) < until)
            and (not symbols or ticket.order.symbol in symbols)
            and (side is None or ticket.order.side.lower() == side)
        )

    limit = request.number("limit", _PAGE, most=_LONGEST_PAGE)
    found = [(ticket, paper) for ticket, paper in _between(market, request) if fits(ticket, paper)]
    if query.get("direction", "desc") == "desc":
        found.reverse()
    return [bodies.order(ticket, paper, now) for ticket, paper in found[:limit]]


def _between(market: Market, request: Request) -> list[tuple[Ticket, Paper]]:
    """List the orders after one and before another, as far as the query names them."""
    found = market.listed()
    place = {paper.id: index for index, (_, paper) in enumerate(found)}
    first = place.get(request.query.get("after_order_id", ""), -1) + 1
    return found[first : place.get(request.query.get("before_order_id", ""), len(found))]


def by_id(market: Market, _r: Request, order_id: str, _fault: Fault | None) -> Any:
    """Find an order by Alpaca's name for it."""
    return bodies.order(*market.find(order_id=order_id), market.clock.now())


def by_name(market: Market, request: Request, _: str, _fault: Fault | None) -> Any:
    """Find an order by its client's name for it."""
    found = market.find(name=request.query.get("client_order_id", ""))
    return bodies.order(*found, market.clock.now())


def cancel(market: Market, _r: Request, order_id: str, fault: Fault | None) -> Any:
    """Cancel an order."""
    market.cancel(order_id, fault)


def cancel_all(market: Market, _r: Request, _: str, _fault: Fault | None) -> Any:
    """Cancel every order that works."""
    done = []
    for ticket, paper in market.listed():
        if ticket.is_open:
            market.cancel(paper.id)
            done.append({"id": paper.id, "status": 200})
    return 207, done


def replace(market: Market, request: Request, order_id: str, _fault: Fault | None) -> Any:
    """Put an order in the place of another."""
    ticket = market.replace(order_id, request.terms())
    return bodies.accepted(ticket, market.papers[ticket.number], market.clock.now())
