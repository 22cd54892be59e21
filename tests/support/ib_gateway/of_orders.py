"""What is answered about orders, what has ended of them, and their executions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ib_gateway import papers, terms
from ib_gateway.asking import Answer, Asked, error
from ib_gateway.contracts import NEW_YORK
from ib_gateway.faults import Fault
from ib_gateway.papers import Paper
from ib_gateway.terms import Refused
from ib_gateway.wire import Fields

if TYPE_CHECKING:
    from ib_gateway.market import Market

_REJECTED: Final = 201


def place(asked: Asked) -> Answer:
    """Acknowledge an order: first as it came, then as it works; what becomes of it is told later."""
    wanted = terms.read(asked.fields)
    try:
        ticket, paper = asked.market.place(asked.client.client_id, wanted, asked.fault)
    except Refused as e:
        refusal = error(wanted.order_id, e.code, e.text)
        return (
            (refusal, papers.inactive(wanted, asked.client.client_id)) if e.code == _REJECTED else (refusal,)
        )
    if asked.fault in {Fault.NOT_TOLD, Fault.NO_ID, Fault.FUTURE_STATUS}:
        paper.muted = True
    came = papers.shown(ticket, paper, asked.fault, status="PreSubmitted")
    # It may have filled already; that is said when it is told.
    came = came._replace(filled=Decimal(0), average=Decimal(0), last=Decimal(0))
    return papers.open_order(came), papers.order_status(came)


def cancel(asked: Asked) -> Answer:
    """Acknowledge a cancel; whether the order has ended by it is told later."""
    ticket, paper = asked.market.cancel(asked.client.client_id, int(asked.fields[2]), asked.fault)
    return (papers.order_status(papers.shown(ticket, paper, status="PendingCancel")),)


def open_orders(asked: Asked) -> Answer:
    """List the client's open orders."""
    return _open_orders(asked, asked.client.client_id)


def all_open_orders(asked: Asked) -> Answer:
    """List the open orders of all clients."""
    return _open_orders(asked, None)


def _open_orders(asked: Asked, client_id: int | None) -> Answer:
    said: list[Fields] = []
    for ticket, paper in asked.market.orders(is_open=True):
        if client_id is None or paper.client_id == client_id:
            order = papers.shown(ticket, paper, asked.fault)
            said += [papers.open_order(order), papers.order_status(order)]
    return *said, (53, 1)


def completed_orders(asked: Asked) -> Answer:
    """List the orders that have ended."""
    ended = asked.market.orders(is_open=False)
    said = [papers.completed_order(papers.shown(t, p, asked.fault), t.changed_at) for t, p in ended]
    return *said, (102,)


def all_executions(asked: Asked) -> Answer:
    """List executions, each with its commission."""
    req_id, client, account, since, symbol = asked.fields[2:7]
    said: list[Fields] = []
    if asked.fault not in {Fault.LATE_FILL, Fault.UNPRICED} and account in {"", asked.market.number}:
        exchange, now = asked.market.advanced()
        places = {ticket.broker_order_id: ticket.number for ticket in exchange.blotter.tickets}
        for index, trade in enumerate(exchange.blotter.trades):
            paper = asked.market.papers[places[trade.broker_order_id]]
            if (
                paper.is_visible(now)
                and client in {"", "0", str(paper.client_id)}
                and symbol in {"", paper.stock.name}
                and (not since or trade.filled_at >= _moment(since))
            ):
                said += _executed(asked.market, paper, index, req_id)
    return *said, (55, 1, req_id)


def executions(market: Market, paper: Paper, req_id: object) -> list[tuple[Fields, Fields | None]]:
    """Give the executions of one order, each with its commission, where that is told."""
    ticket = market.desk.book.exchange.blotter.tickets[paper.number - 1]
    said = []
    for index, trade in enumerate(market.desk.book.exchange.blotter.trades):
        if trade.broker_order_id == ticket.broker_order_id:
            execution, *commission = _executed(market, paper, index, req_id)
            said.append((execution, commission[0] if commission else None))
    return said


def _executed(market: Market, paper: Paper, index: int, req_id: object) -> list[Fields]:
    trades = market.desk.book.exchange.blotter.trades
    trade = trades[index]
    so_far = [one for one in trades[: index + 1] if one.broker_order_id == trade.broker_order_id]
    done = sum((one.quantity for one in so_far), Decimal(0))
    average = sum((one.quantity * one.price for one in so_far), Decimal(0)) / done
    execution = papers.execution(req_id, trade, paper, done, average)
    return [execution] if paper.commission_hidden else [execution, papers.commission(trade)]


def _moment(text: str) -> datetime:
    """Read the time of a filter: in UTC with a dash, else in New York time."""
    if "-" in text:
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    return datetime.strptime(" ".join(text.split()[:2]), "%Y%m%d %H:%M:%S").replace(tzinfo=NEW_YORK)
