"""What is told unasked: executions and statuses, each once, as they happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ib_gateway import papers
from ib_gateway.asking import error
from ib_gateway.of_orders import executions
from planfill.domain.report import OrderStatus

if TYPE_CHECKING:
    from ib_gateway.market import Market
    from ib_gateway.papers import Paper
    from ib_gateway.wire import Fields

_CANCELED: Final = 202


class News:
    """Tells ``say`` what has happened since it told last; what a market already has is no news."""

    def __init__(self, market: Market, say: Callable[[Paper, Fields], None]) -> None:
        self._market = market
        self._say = say
        exchange, _ = market.advanced()
        self._seen = len(exchange.blotter.tickets)
        # Of each order that may still change: how it was told to stand, and how often it had traded.
        self._told: dict[int, tuple[str, int]] = {}
        for ticket in exchange.blotter.all_open():
            traded = len(executions(market, market.papers[ticket.number], -1))
            self._told[ticket.number] = "", traded

    def tell(self) -> bool:
        """Tell what is new, the trades of an order before its status; tell whether there was any."""
        exchange, _ = self._market.advanced()
        tickets, known = exchange.blotter.tickets, self._market.papers
        for ticket in tickets[self._seen :]:
            if ticket.number in known:
                self._told[ticket.number] = "", 0
        self._seen = len(tickets)
        stirred = False
        for number, (status, traded) in tuple(self._told.items()):
            ticket, paper = tickets[number - 1], known[number]
            trades = executions(self._market, paper, -1)
            now = papers.shown(ticket, paper)
            if (now.status, len(trades)) == (status, traded):
                continue
            stirred = True
            self._told[number] = now.status, len(trades)
            for execution, _ in trades[traded:]:
                self._say(paper, execution)
            self._say(paper, papers.open_order(now))
            self._say(paper, papers.order_status(now))
            if ticket.status in {OrderStatus.CANCELED, OrderStatus.EXPIRED}:
                self._say(paper, error(paper.terms.order_id, _CANCELED, "Order Canceled - reason:"))
            for _, commission in trades[traded:]:
                if commission is not None:
                    self._say(paper, commission)
            if not ticket.is_open:
                del self._told[number]
        return stirred


def commissions_told(market: Market, say: Callable[[Paper, Fields], None]) -> None:
    """Tell the commissions that were hidden."""
    for paper in market.papers.values():
        if paper.commission_hidden:
            paper.commission_hidden = False
            for _, commission in executions(market, paper, -1):
                if commission is not None:
                    say(paper, commission)
