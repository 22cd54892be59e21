"""All orders and fills of the exchange, and which of them have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.domain.report import Fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from planfill.adapters.brokers.mock.ticket import Ticket, Trade
    from planfill.domain.order import Side
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import ClientOrderId


class Blotter:
    """
    Orders by number, by client order id (the latest that bears it) and by symbol while they are open.

    ``happened`` counts what became of orders after their acceptance; ``on_change`` is called each time.
    """

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []
        self.trades: list[Trade] = []
        self.happened = 0
        self.on_change: Callable[[], None] | None = None
        self._named: dict[ClientOrderId, Ticket] = {}
        self._open: dict[str, dict[int, Ticket]] = {}
        self._reports: dict[int, ExecutionReport] = {}
        self._unsaved: set[int] = set()
        self._saved_trades = 0

    def named(self, client_order_id: ClientOrderId) -> Ticket | None:
        """Find an order by our name for it."""
        return self._named.get(client_order_id)

    def has_open(self, symbol: str, *, other_than: Side) -> bool:
        """Tell whether an order of the other side is open."""
        return symbol in self._open and any(
            ticket.order.side is not other_than for ticket in self._open[symbol].values()
        )

    def open_orders(self, symbol: str) -> Sequence[Ticket]:
        """List the open orders of a symbol, oldest first."""
        return tuple(self._open.get(symbol, {}).values())

    def all_open(self) -> Iterator[Ticket]:
        """Go through every open order."""
        return (ticket for tickets in self._open.values() for ticket in tickets.values())

    def report(self, ticket: Ticket) -> ExecutionReport:
        """Say what an order is; the same object until something becomes of it."""
        report = self._reports.get(ticket.number)
        if report is None:
            report = self._reports[ticket.number] = ticket.report()
        return report

    def reports(self, since: datetime, now: datetime) -> Sequence[ExecutionReport]:
        """Report on the orders accepted at or after ``since`` or still open, if they can be seen."""
        return [
            self.report(ticket)
            for ticket in self.tickets
            if (ticket.accepted_at >= since or ticket.is_open) and ticket.is_visible(now)
        ]

    def fills_since(self, since: datetime) -> Sequence[Fill]:
        """List the fills at or after ``since``, oldest first."""
        return [Fill(**trade._asdict()) for trade in self.trades if trade.filled_at >= since]

    def put(self, ticket: Ticket) -> Ticket | None:
        """Keep an order under its number; give the state of it that was known before."""
        before = None
        if ticket.number <= len(self.tickets):
            before = self.tickets[ticket.number - 1]
            self.tickets[ticket.number - 1] = ticket
            self._forget(before)
        else:
            self.tickets.append(ticket)
        self._reports.pop(ticket.number, None)
        known = self._named.get(ticket.order.client_order_id)
        if known is None or known.number == ticket.number or not ticket.refusal:
            self._named[ticket.order.client_order_id] = ticket
        if ticket.is_open:
            self._open.setdefault(ticket.order.symbol, {})[ticket.number] = ticket
        return before

    def add(self, ticket: Ticket) -> None:
        """Keep a new order."""
        self.put(ticket)
        self._unsaved.add(ticket.number)

    def saw(self, ticket: Ticket) -> None:
        """Take note that something became of an order."""
        self._reports.pop(ticket.number, None)
        self._unsaved.add(ticket.number)
        if not ticket.is_open:
            self._forget(ticket)
        self.stir()

    def rescheduled(self, ticket: Ticket) -> None:
        """Take note that an order is due at another time, which changes nothing that is reported."""
        self._unsaved.add(ticket.number)

    def stir(self) -> None:
        """Say that something happened."""
        self.happened += 1
        if self.on_change is not None:
            self.on_change()

    def unsaved(self) -> tuple[list[Ticket], list[tuple[int, Trade]]]:
        """Give the orders that have changed and the trades, each with its number, since ``all_saved``."""
        tickets = [self.tickets[number - 1] for number in sorted(self._unsaved)]
        return tickets, list(enumerate(self.trades[self._saved_trades :], self._saved_trades + 1))

    def all_saved(self) -> None:
        """Count all as saved."""
        self._unsaved.clear()
        self._saved_trades = len(self.trades)

    def _forget(self, ticket: Ticket) -> None:
        of_symbol = self._open.get(ticket.order.symbol)
        if of_symbol is not None and of_symbol.pop(ticket.number, None) is not None and not of_symbol:
            del self._open[ticket.order.symbol]
