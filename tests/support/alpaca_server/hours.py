"""When the market is open, and what its opening and its close do to orders that work."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from local_broker import Sessions

from alpaca_server.moments import NEW_YORK
from planfill.adapters.brokers.mock import MockSettings
from planfill.domain.report import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alpaca_server.bodies import Paper
    from planfill.adapters.brokers.mock.exchange import Exchange

_BELL: Final = time(16)
_SATURDAY: Final = 5
_LONGEST: Final = timedelta(days=90)


class Hours(Sessions):
    """The session, and when others are."""

    def next_open(self, now: datetime) -> datetime:
        """Tell when it opens next, as far as is known."""
        return self._settings.opens_at or now + timedelta(hours=17)

    def next_close(self, now: datetime) -> datetime:
        """Tell when it closes next, as far as is known."""
        return self._settings.closes_at or now + timedelta(hours=6)

    def expires_at(self, now: datetime, time_in_force: str) -> datetime:
        """Tell when an order ends that comes now: at the close, or after 90 days."""
        if time_in_force == "gtc":
            return now + _LONGEST
        closes = self._settings.closes_at
        return closes if closes is not None and closes > now else _next_bell(now)


def without_hours(settings: MockSettings) -> MockSettings:
    """Let the exchange be open always: it refuses when closed, where Alpaca lets orders wait."""
    always = {"market_open": True, "opens_at": None, "closes_at": None}
    return MockSettings.model_validate(dict(settings) | always)


def opened(exchange: Exchange, papers: Mapping[int, Paper], now: datetime, fill_delay_s: float) -> None:
    """Route the orders that waited; they are stamped anew."""
    for ticket in tuple(exchange.blotter.all_open()):
        paper = papers[ticket.number]
        if paper.waits:
            paper.waits = False
            if not paper.routed:
                paper.routed, paper.submitted_at = True, now
            if not exchange.holding_fills:
                ticket.rests = False
                exchange._matching.schedule(ticket, now + timedelta(seconds=fill_delay_s))
    exchange.advance(now)


def closed(exchange: Exchange, papers: Mapping[int, Paper], now: datetime) -> None:
    """End the day's orders; others wait for the next opening."""
    for ticket in tuple(exchange.blotter.all_open()):
        paper = papers[ticket.number]
        if paper.time_in_force != "gtc":
            exchange._matching.end(ticket, OrderStatus.EXPIRED, now)
        elif not ticket.rests:
            paper.waits = ticket.rests = True
            exchange._matching.schedule(ticket, None)


def _next_bell(now: datetime) -> datetime:
    there = now.astimezone(NEW_YORK)
    bell = datetime.combine(there.date(), _BELL, NEW_YORK)
    while bell <= there or bell.weekday() >= _SATURDAY:
        bell = datetime.combine(bell.date() + timedelta(days=1), _BELL, NEW_YORK)
    return bell
