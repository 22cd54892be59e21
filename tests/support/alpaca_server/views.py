"""What Alpaca shows beside orders: the account, positions, assets, fills, prices, hours."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from alpaca_server import bodies
from alpaca_server.moments import at_the_exchange, stamp
from planfill.adapters.brokers.mock.prices import Spread

if TYPE_CHECKING:
    from alpaca_server.market import Market
    from planfill.adapters.brokers.mock.exchange import Exchange

_SATURDAY: Final = 5


def fills(market: Market) -> list[dict[str, Any]]:
    """List all fills as activities, the oldest first."""
    exchange, _ = market.advanced()
    done = defaultdict[str, Decimal](Decimal)
    found = []
    by_order = {ticket.broker_order_id: ticket for ticket in exchange.blotter.tickets}
    for trade in exchange.blotter.trades:
        ticket = by_order[trade.broker_order_id]
        done[ticket.broker_order_id] += trade.quantity
        paper = market.papers[ticket.number]
        found.append(bodies.fill(trade, ticket, paper, done[ticket.broker_order_id]))
    return found


def account(market: Market) -> dict[str, Any]:
    """Describe the account."""
    exchange, now = market.advanced()
    balances = exchange.balances
    worth = sum((held * last(exchange, s) for s, held in balances.shares.items()), Decimal(0))
    return bodies.account(
        market.number, balances.cash_usd, balances.free_usd(), balances.settled_usd(now),
        balances.cash_usd + worth, blocked=bool(market.settings.blocked),
    )  # fmt: skip


def positions(market: Market) -> list[dict[str, Any]]:
    """List what is held."""
    exchange, _ = market.advanced()
    return [
        bodies.position(symbol, held, exchange.balances.sellable(symbol), last(exchange, symbol))
        for symbol, held in sorted(exchange.balances.shares.items())
    ]


def assets(market: Market) -> list[dict[str, Any]]:
    """List what can be traded, or once could."""
    exchange, _ = market.advanced()
    known = {*exchange.prices._known, *exchange.balances.shares}
    settings = market.settings
    return [
        bodies.asset(
            s, tradable=s not in settings.not_tradable, fractionable=s not in settings.not_fractionable
        )
        for s in sorted(known)
    ]


def quotes(market: Market, symbols: list[str]) -> dict[str, Any]:
    """
    Quote the symbols, those of them that there are; the age of a quote is none, and 0 is no price.

    ``market.quoted`` says what a test wants to be said of a symbol: other fields, or None for nothing.
    """
    exchange, now = market.advanced()
    found: dict[str, Any] = {}
    for symbol in filter(exchange.prices.knows, symbols):
        spread = exchange.prices.of(symbol)
        bid, ask = (spread.bid, spread.ask) if isinstance(spread, Spread) else (Decimal(0), Decimal(0))
        quote = {
            "ap": float(ask), "as": 100, "ax": "Q", "bp": float(bid), "bs": 100, "bx": "Q", "c": ["R"],
            "t": stamp(now), "z": "C",
        }  # fmt: skip
        said = market.quoted.get(symbol, {})
        if said is not None:
            found[symbol] = quote | said
    return found


def trades(market: Market, symbols: list[str]) -> dict[str, Any]:
    """Tell the last trades in the symbols that have one."""
    exchange, now = market.advanced()
    return {
        symbol: {
            "c": ["@"], "i": 1, "p": float(last(exchange, symbol)), "s": 100, "t": stamp(now), "x": "Q",
            "z": "C",
        }
        for symbol in symbols
        if last(exchange, symbol)
    }  # fmt: skip


def session(market: Market) -> dict[str, Any]:
    """Describe the session, in New York's time."""
    now, hours = market.clock.now(), market.hours
    times = {"timestamp": now, "next_open": hours.next_open(now), "next_close": hours.next_close(now)}
    return {"is_open": hours.is_open(now), **{name: at_the_exchange(at) for name, at in times.items()}}


def calendar(first: date, final: date) -> list[dict[str, Any]]:
    """List the days of trading; holidays there are none."""
    days = [first + timedelta(days=n) for n in range((final - first).days + 1)]
    return [
        {
            "date": str(day), "open": "09:30", "close": "16:00", "session_open": "0400",
            "session_close": "2000", "settlement_date": str(_next_weekday(day)),
        }
        for day in days
        if day.weekday() < _SATURDAY
    ]  # fmt: skip


def last(exchange: Exchange, symbol: str) -> Decimal:
    """Give the last price; 0 where there is none."""
    spread = exchange.prices.of(symbol)
    return spread.last if isinstance(spread, Spread) else Decimal(0)


def _next_weekday(day: date) -> date:
    following = day + timedelta(days=1)
    return following if following.weekday() < _SATURDAY else _next_weekday(following)
