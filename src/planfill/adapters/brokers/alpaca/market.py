"""What Alpaca says of prices, instruments and hours."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from planfill.adapters.brokers.alpaca.reading import ask, readable
from planfill.adapters.brokers.alpaca.wire import Unreadable, amount, list_of, moment
from planfill.application.ports.market import InstrumentCatalog, MarketData, MarketHours
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.market import Instrument, MarketSession, NoQuote, Quote
from planfill.domain.outcome import Reason
from planfill.domain.values import Money, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from datetime import date

    from planfill.adapters.brokers.alpaca.transport import Transport
    from planfill.application.ports.clock import Clock

# Alpaca says that an order's cost basis must be at least "minimal amount of order 1".
_LEAST: Final = Money(Decimal(1))


class AlpacaMarketData(MarketData):
    """The latest quotes, all in one request."""

    def __init__(
        self, data: Transport, feed: str, meanwhile: Callable[[int], Awaitable[None]] | None = None
    ) -> None:
        self._data = data
        self._feed = feed
        self._meanwhile = meanwhile

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        """Quote the symbols; ``meanwhile``, what sending will need is made ready."""
        if not symbols:
            return {}
        if self._meanwhile is not None:
            await self._meanwhile(len(symbols))
        answer = await ask(
            self._data, "/stocks/quotes/latest", symbols=",".join(sorted(symbols)), feed=self._feed
        )
        if not isinstance(answer, dict) or "quotes" not in answer:
            msg = f"Alpaca's quotes cannot be read: {str(answer)[:100]}"
            raise BrokerConnectionError(msg)
        known = answer["quotes"] if isinstance(answer["quotes"], dict) else {}
        return {symbol: _quote(symbol, known[symbol], self._feed) for symbol in symbols if symbol in known}


class AlpacaInstruments(InstrumentCatalog):
    """The list of all assets, which has no filter by symbol: read once a day."""

    def __init__(self, trading: Transport, clock: Clock) -> None:
        self._trading = trading
        self._clock = clock
        self._read_on: date | None = None
        self._known: dict[str, Instrument] = {}

    async def get_instruments(self, symbols: Collection[str]) -> Mapping[str, Instrument]:
        """Describe those of the symbols that are active."""
        today = self._clock.now().date()
        if self._read_on != today:
            answer = await ask(self._trading, "/assets", status="active", asset_class="us_equity")
            with readable("assets"):
                self._known = {
                    one.symbol: one for one in map(_instrument, list_of(answer)) if one is not None
                }
            if not self._known:
                msg = "Alpaca's list of assets is empty"
                raise BrokerConnectionError(msg)
            self._read_on = today
        return {symbol: self._known[symbol] for symbol in symbols if symbol in self._known}


class AlpacaHours(MarketHours):
    """The market clock; where it cannot be read, the market counts as closed."""

    def __init__(self, trading: Transport) -> None:
        self._trading = trading

    async def get_session(self) -> MarketSession:
        """Describe the session."""
        answer = await ask(self._trading, "/clock")
        with readable("clock"):
            return MarketSession(
                is_open=answer["is_open"],
                opens_at=moment(answer, "next_open"),
                closes_at=moment(answer, "next_close") if answer["is_open"] else None,
            )


def _quote(symbol: str, told: Any, feed: str) -> Quote | NoQuote:
    """Read a quote; 0 is Alpaca's word for a side on which nobody is."""
    try:
        bid, ask_ = (amount(told, name) or Decimal(0) for name in ("bp", "ap"))
        at = moment(told, "t")
    except (Unreadable, AttributeError):
        return NoQuote(symbol=symbol, reason=Reason.BAD_PRICE, detail=f"Alpaca's quote is {told}")
    detail = f"Alpaca ({feed}) says bid {bid}, ask {ask_}"
    if bid <= 0 or ask_ <= 0:
        return NoQuote(symbol=symbol, reason=Reason.BAD_PRICE, detail=detail)
    if bid > ask_:
        return NoQuote(symbol=symbol, reason=Reason.CROSSED_PRICE, detail=detail)
    return Quote(
        symbol=symbol,
        bid=Price(bid),
        ask=Price(ask_),
        at=at,
        source=f"alpaca-{feed.replace('_', '-')}",
        bid_size=_size(told, "bs"),
        ask_size=_size(told, "as"),
    )


def _size(told: Any, name: str) -> Quantity | None:
    """Read how many shares are shown; what cannot be read is not known, and spoils no price."""
    try:
        size = amount(told, name)
    except Unreadable:
        return None
    return None if size is None or size < 0 else Quantity(size)


def _instrument(asset: Any) -> Instrument | None:
    try:
        return Instrument(
            symbol=asset["symbol"],
            tradable=asset["tradable"] is True,
            fractionable=asset.get("fractionable") is True,
            min_order_usd=_LEAST,
        )
    except (ValidationError, KeyError, TypeError, AttributeError):
        return None
