"""What the stream says of orders: each thing that happens, once, with the order as it then was."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from alpaca_server import bodies
from alpaca_server.bodies import named
from alpaca_server.moments import stamp
from planfill.domain.numerals import plain
from planfill.domain.order import Side

if TYPE_CHECKING:
    from datetime import datetime

    from alpaca_server.bodies import Paper
    from alpaca_server.market import Market
    from planfill.adapters.brokers.mock.ticket import Ticket, Trade

_ENDS = frozenset({"canceled", "expired", "rejected", "replaced"})


class News:
    """Tells ``market.on_event`` what has happened since it told last."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._told_trades = self._seen = 0
        # What each order that may still change was last said to be, by its number.
        self._told: dict[int, str] = {}
        self._number: dict[str, int] = {}
        self._done = defaultdict[int, Decimal](Decimal)
        self._paid = defaultdict[int, Decimal](Decimal)

    def tell(self) -> None:
        """Tell what is new: orders first, then what was traded of them, then their ends."""
        exchange, now = self._market.advanced()
        papers, tickets = self._market.papers, exchange.blotter.tickets
        for ticket in tickets[self._seen :]:
            if ticket.number in papers:
                self._told[ticket.number] = ""
                self._number[ticket.broker_order_id] = ticket.number
        self._seen = len(tickets)
        for number, told in tuple(self._told.items()):
            event = "new" if papers[number].routed else "accepted"
            if event != told:
                self._told[number] = event
                self._say(tickets[number - 1], event, now, "", {"status": event, **bodies.UNFILLED})
        trades = exchange.blotter.trades[self._told_trades :]
        self._told_trades += len(trades)
        for index, trade in enumerate(trades):
            held = exchange.balances.shares.get(trade.symbol, Decimal(0))
            held -= sum(_change(later) for later in trades[index + 1 :] if later.symbol == trade.symbol)
            self._traded(tickets[self._number[trade.broker_order_id] - 1], trade, held, now)
        for number in tuple(self._told):
            ticket = tickets[number - 1]
            if not ticket.is_open:
                del self._told[number]
                status = bodies.status_of(ticket, papers[number], now)
                if status in _ENDS:
                    self._say(ticket, status, now, "", {})

    def _traded(self, ticket: Ticket, trade: Trade, held: Decimal, now: datetime) -> None:
        self._done[ticket.number] += trade.quantity
        self._paid[ticket.number] += trade.quantity * trade.price
        done = self._done[ticket.number]
        event, status = "partial_fill", "partially_filled"
        if done == ticket.filled and ticket.status.name == "FILLED":
            event, status = "fill", "filled"
        average = (self._paid[ticket.number] / done).quantize(bodies.PRICE_DIGITS)
        shown: dict[str, Any] = {
            "status": status,
            "filled_qty": plain(done),
            "filled_avg_price": plain(average),
        }
        # This is the order as of the trade, whatever has become of it since.
        if event == "partial_fill":
            shown |= {"filled_at": None, "canceled_at": None, "expired_at": None}
        more = {"qty": plain(trade.quantity), "price": plain(trade.price), "position_qty": plain(held)}
        self._say(ticket, event, now, trade.fill_id, shown, **more)

    def _say(
        self, ticket: Ticket, event: str, now: datetime, of: str, shown: dict[str, Any], **more: str
    ) -> None:
        paper: Paper = self._market.papers[ticket.number]
        which = f"{paper.id}/{event}/{of}"
        data = {
            "event": event, "execution_id": named("execution", which), "event_id": named("event", which),
            "at": stamp(now), "timestamp": stamp(now), "order": bodies.order(ticket, paper, now) | shown,
        }  # fmt: skip
        self._market.on_event({"stream": "trade_updates", "data": data | more})


def _change(trade: Trade) -> Decimal:
    return trade.quantity if trade.side is Side.BUY else -trade.quantity
