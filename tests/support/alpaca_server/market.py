"""What stands behind the server: the simulated exchange, and Alpaca's own rules and papers around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from alpaca_server import bodies, terms
from alpaca_server.bodies import Paper, named
from alpaca_server.errors import UNPROCESSABLE, forbidden, invalid, order_not_found
from alpaca_server.faults import Fault
from planfill.adapters.brokers.mock import MockSettings
from planfill.adapters.brokers.mock.desk import Desk
from planfill.adapters.brokers.mock.handling import Handling
from planfill.adapters.brokers.mock.prices import Spread
from planfill.adapters.clock import SystemClock
from planfill.domain.errors import InsufficientFundsError, OrderRejected
from planfill.domain.numerals import plain
from planfill.domain.order import Order, Side
from planfill.domain.values import ClientOrderId, Quantity

if TYPE_CHECKING:
    from planfill.adapters.brokers.mock.exchange import Exchange
    from planfill.adapters.brokers.mock.ticket import Ticket

_A_WHILE: Final = timedelta(seconds=0.6)
_ONE: Final = Decimal(1)


class Market:
    """
    One account at an Alpaca; outlives the servers that show it.

    Settings are those of the mock exchange. ``on_event`` is told what the stream says.
    """

    def __init__(self, settings: MockSettings | Mapping[str, Any], *, number: str = "PA0000001") -> None:
        chosen = settings if isinstance(settings, MockSettings) else MockSettings.model_validate(settings)
        self.clock = SystemClock()
        self.number = number
        self.settings = chosen
        self.desk = Desk(chosen, self.clock)
        self.papers: dict[int, Paper] = {}
        self.on_event: Callable[[dict[str, Any]], None] = lambda _: None
        self.is_open: bool | None = None
        self.quoted: dict[str, dict[str, Any] | None] = {}
        self._told_trades = 0
        self._by_id: dict[str, int] = {}

    def exchange(self) -> AbstractContextManager[Exchange]:
        """Give the exchange, to be changed."""
        return self.desk.book.change()

    def place(self, body: Mapping[str, Any], fault: Fault | None = None) -> Ticket:
        """Accept an order; raises ``Refused`` as Alpaca does."""
        now = self.clock.now()
        with self.exchange() as exchange:
            exchange.advance(now)
            order = self._order(body, exchange, now)
            handling = Handling(fill_delay_s=1.0 if fault is Fault.SLOW_FILL else None)
            try:
                exchange.place(order, now, handling)
            except InsufficientFundsError as e:
                free = exchange.balances.free_usd()
                cost = (order.quantity or Decimal(0)) * self._price(exchange, order)
                raise forbidden(
                    "insufficient buying power", buying_power=plain(free), cost_basis=plain(cost)
                ) from e
            except OrderRejected as e:
                raise invalid(str(e)) from e
            ticket = exchange.blotter.named(order.client_order_id)
            assert ticket is not None
            paper = Paper(named("order", f"{self.number}/{ticket.number}"), now, now)
            paper.visible_at = now + _A_WHILE if fault is Fault.NOT_VISIBLE else None
            self.papers[ticket.number] = paper
            self._by_id[paper.id] = ticket.number
            return ticket

    def find(self, *, name: str | None = None, order_id: str | None = None) -> tuple[Ticket, Paper]:
        """Find an order by either of its names."""
        exchange, now = self._advanced()
        ticket = exchange.blotter.named(ClientOrderId(name)) if name is not None else None
        if order_id in self._by_id:
            ticket = exchange.blotter.tickets[self._by_id[order_id] - 1]
        paper = self.papers.get(ticket.number) if ticket else None
        if ticket is None or paper is None or (paper.visible_at is not None and now < paper.visible_at):
            raise order_not_found(name or order_id or "")
        return ticket, paper

    def cancel(self, order_id: str, fault: Fault | None = None) -> None:
        """Cancel an order that works; raises ``Refused`` where it does not."""
        ticket, paper = self.find(order_id=order_id)
        now = self.clock.now()
        if not ticket.is_open:
            status = bodies.status_of(ticket, paper, now)
            raise invalid(f'order is already in "{status}" state', UNPROCESSABLE)
        if fault is Fault.CANCEL_IGNORED:
            return
        if fault is Fault.PENDING_CANCEL:
            paper.cancel_due = now + _A_WHILE
            return
        with self.exchange() as exchange:
            first = {Fault.FILL_DURING_CANCEL, Fault.PARTIAL_FILL_DURING_CANCEL}
            at_most = Quantity(_ONE) if fault is Fault.PARTIAL_FILL_DURING_CANCEL else None
            handling = Handling(fill_first=fault in first, at_most=at_most)
            exchange.cancel(ticket.order.client_order_id, now, handling)

    def replace(self, order_id: str, body: Mapping[str, Any]) -> Ticket:
        """Put another order in the place of one that works: a new id, and a name of its own."""
        ticket, paper = self.find(order_id=order_id)
        if not ticket.is_open:
            raise invalid("unable to replace order, order is not open", UNPROCESSABLE)
        left = (ticket.order.quantity or Decimal(0)) - ticket.filled
        asked = {
            "symbol": ticket.order.symbol, "side": ticket.order.side.lower(),
            "type": "limit" if ticket.order.limit_price else "market", "time_in_force": "day",
            "qty": body.get("qty") or plain(left), "client_order_id": body.get("client_order_id"),
        }  # fmt: skip
        limit = body.get("limit_price") or ticket.order.limit_price
        if ticket.order.limit_price:
            asked["limit_price"] = str(limit)
        self.cancel(order_id)
        new = self.place(asked)
        self.papers[new.number].replaces = paper.id
        paper.replaced_by = self.papers[new.number].id
        return new

    def listed(self) -> list[tuple[Ticket, Paper]]:
        """List all orders that can be seen, the oldest first."""
        exchange, now = self._advanced()
        return [
            (ticket, paper)
            for ticket in exchange.blotter.tickets
            if (paper := self.papers.get(ticket.number))
            and (paper.visible_at is None or now >= paper.visible_at)
        ]

    def fills(self) -> list[dict[str, Any]]:
        """List all fills as activities, the oldest first."""
        exchange, _ = self._advanced()
        cumulated: dict[str, Decimal] = {}
        found = []
        by_order = {ticket.broker_order_id: ticket for ticket in exchange.blotter.tickets}
        for trade in exchange.blotter.trades:
            ticket = by_order[trade.broker_order_id]
            cumulated[ticket.broker_order_id] = (
                cumulated.get(ticket.broker_order_id, Decimal(0)) + trade.quantity
            )
            paper = self.papers[ticket.number]
            found.append(bodies.fill(trade, ticket, paper, cumulated[ticket.broker_order_id]))
        return found

    def account(self) -> dict[str, Any]:
        """Describe the account."""
        exchange, now = self._advanced()
        balances = exchange.balances
        worth = sum((held * self._last(exchange, s) for s, held in balances.shares.items()), Decimal(0))
        return bodies.account(
            self.number, balances.cash_usd, balances.free_usd(), balances.settled_usd(now),
            balances.cash_usd + worth, blocked=bool(self.settings.blocked),
        )  # fmt: skip

    def positions(self) -> list[dict[str, Any]]:
        """List what is held."""
        exchange, _ = self._advanced()
        return [
            bodies.position(symbol, held, exchange.balances.sellable(symbol), self._last(exchange, symbol))
            for symbol, held in sorted(exchange.balances.shares.items())
        ]

    def assets(self) -> list[dict[str, Any]]:
        """List what can be traded, or once could."""
        exchange, _ = self._advanced()
        known = {*exchange.prices._known, *exchange.balances.shares}
        settings = self.settings
        return [
            bodies.asset(
                s, tradable=s not in settings.not_tradable, fractionable=s not in settings.not_fractionable
            )
            for s in sorted(known)
        ]

    def quotes(self, symbols: list[str]) -> dict[str, Any]:
        """Quote the symbols; the age of a quote is none."""
        exchange, now = self._advanced()
        found: dict[str, dict[str, Any] | None] = {}
        for symbol in symbols:
            spread = exchange.prices.of(symbol)
            if not exchange.prices.knows(symbol):
                continue
            bid, ask = (spread.bid, spread.ask) if isinstance(spread, Spread) else (Decimal(0), Decimal(0))
            quote = {
                "ap": float(ask), "as": 100, "ax": "Q", "bp": float(bid), "bs": 100, "bx": "Q", "c": ["R"],
                "t": bodies.stamp(now), "z": "C",
            }  # fmt: skip
            # What a test wants to be said of it: other fields, or nothing.
            said = self.quoted.get(symbol, {})
            found[symbol] = None if said is None else {**quote, **said}
        return {"quotes": {symbol: quote for symbol, quote in found.items() if quote is not None}}

    def session(self) -> dict[str, Any]:
        """Describe the session, in New York's time as of winter."""
        exchange, now = self._advanced()
        is_open = exchange.is_open(now) if self.is_open is None else self.is_open
        closes = self.settings.closes_at or now + timedelta(hours=6)
        opens = self.settings.opens_at or now + timedelta(hours=17)
        zone = timedelta(hours=-5)
        shown = {"timestamp": now, "next_open": opens, "next_close": closes}
        written = {
            k: f"{(at.astimezone(UTC) + zone):%Y-%m-%dT%H:%M:%S.%f}100-05:00" for k, at in shown.items()
        }
        return {"is_open": is_open, **written}

    def tell(self) -> None:
        """Do what is due, and tell the stream what happened since it was told last."""
        exchange, now = self._advanced()
        by_order = {t.broker_order_id: t for t in exchange.blotter.tickets if t.number in self.papers}
        for trade in exchange.blotter.trades[self._told_trades :]:
            ticket = by_order.get(trade.broker_order_id)
            if ticket is None:
                return
            self._told_trades += 1
            whole = not ticket.is_open
            self._say(
                ticket,
                "fill" if whole else "partial_fill",
                now,
                qty=plain(trade.quantity),
                price=plain(trade.price),
            )
        for ticket in by_order.values():
            paper = self.papers[ticket.number]
            if not paper.told:
                paper.told.append(("new", Decimal(0)))
                self._say(ticket, "new", now)
            status = bodies.status_of(ticket, paper, now)
            if status in {"canceled", "expired", "rejected", "replaced"} and paper.told[-1][0] != status:
                paper.told.append((status, ticket.filled))
                self._say(ticket, status, now)

    def next_due(self) -> datetime | None:
        """Tell when something is due next."""
        due = [p.cancel_due for p in self.papers.values() if p.cancel_due is not None]
        at = self.desk.book.exchange.next_due()
        return min([*due, *([at] if at else [])], default=None)

    def _say(self, ticket: Ticket, event: str, now: datetime, **more: str) -> None:
        paper = self.papers[ticket.number]
        held = self.desk.book.exchange.balances.shares.get(ticket.order.symbol, Decimal(0))
        fill = {**more, "position_qty": plain(held)} if more else {}
        self.on_event(
            {
                "stream": "trade_updates",
                "data": {
                    "event": event, "execution_id": named("execution", f"{paper.id}/{event}/{ticket.filled}"),
                    "event_id": named("event", f"{paper.id}/{event}/{ticket.filled}"),
                    "at": bodies.stamp(now), "timestamp": bodies.stamp(now),
                    "order": bodies.order(ticket, paper, now), **fill,
                },
            }
        )  # fmt: skip

    def _advanced(self) -> tuple[Exchange, datetime]:
        now = self.clock.now()
        exchange = self.desk.book.exchange
        exchange.advance(now)
        for number, paper in self.papers.items():
            if paper.cancel_due is not None and now >= paper.cancel_due:
                paper.cancel_due = None
                exchange.cancel(exchange.blotter.tickets[number - 1].order.client_order_id, now)
        return exchange, now

    def _order(self, body: Mapping[str, Any], exchange: Exchange, now: datetime) -> Order:
        """Check an order in Alpaca's order."""
        asked = terms.read(body, named("name", f"{self.number}/{len(self.papers)}"))
        terms.check(asked)
        terms.check_asset(asked, self.settings, exists=exchange.lists(asked.symbol))
        if self._is_known(asked.name):
            raise invalid("client_order_id must be unique")
        if self.settings.blocked:
            raise forbidden("account is not authorized to trade")
        order = asked.order(now)
        self._check_opposite(exchange, order)
        if order.side is Side.SELL and order.quantity is not None:
            self._check_held(exchange, order.symbol, order.quantity)
        return order

    def _is_known(self, name: str) -> bool:
        ticket = self.desk.book.exchange.blotter.named(ClientOrderId(name))
        return ticket is not None and ticket.number in self.papers

    def _check_opposite(self, exchange: Exchange, order: Order) -> None:
        for ticket in exchange.blotter.open_orders(order.symbol):
            if ticket.order.side is not order.side:
                kind = "limit" if ticket.order.limit_price else "market/stop"
                raise forbidden(
                    "potential wash trade detected. use complex orders",
                    existing_order_id=self.papers[ticket.number].id,
                    reject_reason=f"opposite side {kind} order exists",
                )

    def _check_held(self, exchange: Exchange, symbol: str, quantity: Decimal) -> None:
        free = exchange.balances.sellable(symbol)
        if quantity <= free:
            return
        held = exchange.balances.shares.get(symbol, Decimal(0))
        holding = [self.papers[t.number].id for t in exchange.blotter.open_orders(symbol)]
        raise forbidden(
            f"insufficient qty available for order (requested: {plain(quantity)}, available: {plain(free)})",
            available=plain(free), existing_qty=plain(held), held_for_orders=plain(held - free),
            symbol=symbol,
            **({"related_orders": holding} if holding else {}),
        )  # fmt: skip

    def _last(self, exchange: Exchange, symbol: str) -> Decimal:
        spread = exchange.prices.of(symbol)
        return spread.last if isinstance(spread, Spread) else Decimal(0)

    def _price(self, exchange: Exchange, order: Order) -> Decimal:
        return order.limit_price or self._last(exchange, order.symbol)
