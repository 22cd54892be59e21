"""What the simulated exchange says of prices, instruments and hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.mock.desk import AtDesk
from planfill.adapters.brokers.mock.prices import NoPrice
from planfill.application.ports.market import InstrumentCatalog, MarketData, MarketHours
from planfill.domain.market import Instrument, MarketSession, NoQuote, Quote
from planfill.domain.values import Quantity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from planfill.adapters.brokers.mock.exchange import Exchange

SOURCE: Final = "mock"


class MockMarket(AtDesk, MarketData, InstrumentCatalog, MarketHours):
    """
    Quotes around the last prices, stamped with the clock of the exchange; its instruments and hours.

    Every symbol exists that has a price, be it nonsense, or is held. The market is open unless the
    settings say otherwise.
    """

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        """Quote the symbols."""
        return await self.desk.call(
            "get_current_prices",
            symbols,
            lambda exchange, now, _handling: {s: _quote(s, exchange, now) for s in symbols},
        )

    async def get_instruments(self, symbols: Collection[str]) -> Mapping[str, Instrument]:
        """Describe those of the symbols that exist."""
        return await self.desk.call(
            "get_instruments",
            symbols,
            lambda exchange, _now, _handling: exchange.instruments(symbols),
        )

    async def get_session(self) -> MarketSession:
        """Describe the session."""
        return await self.desk.call("get_session", (), lambda exchange, now, _handling: exchange.session(now))


def _quote(symbol: str, exchange: Exchange, now: datetime) -> Quote | NoQuote:
    known = exchange.prices.of(symbol)
    if isinstance(known, NoPrice):
        return NoQuote(symbol=symbol, reason=known.reason, detail=known.detail)
    shown = None if exchange.shown is None else Quantity(exchange.shown)
    return Quote(
        symbol=symbol,
        bid=known.bid,
        ask=known.ask,
        at=now,
        source=SOURCE,
        bid_size=shown,
        ask_size=shown,
    )
