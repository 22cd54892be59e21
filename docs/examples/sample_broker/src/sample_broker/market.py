"""What the House says before an order is made: prices, instruments, hours, the account."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from planfill.application.ports.market import BrokerAccount, InstrumentCatalog, MarketData, MarketHours
from planfill.domain.identity import AccountKey
from planfill.domain.market import Account, Instrument, MarketSession, NoQuote, Quote
from planfill.domain.values import Money, Price, Quantity, cents
from sample_broker.wire import understood

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from planfill.application.ports.clock import Clock
    from sample_broker.wire import Wire

KEY: Final = AccountKey(broker="sample", environment="paper", number="HOUSE-1")


class SampleMarket(MarketData, InstrumentCatalog, MarketHours, BrokerAccount):
    """Asks the House; it never closes."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        """Quote the symbols at their last prices."""
        last, _ = await self._prices()
        return {symbol: self._quote(symbol, last[symbol]) for symbol in symbols if symbol in last}

    async def get_instruments(self, symbols: Collection[str]) -> Mapping[str, Instrument]:
        """Describe the symbols that have a price: whole shares of each."""
        last, halted = await self._prices()
        return {
            symbol: Instrument(symbol=symbol, tradable=symbol not in halted, fractionable=False)
            for symbol in symbols
            if symbol in last
        }

    async def get_session(self) -> MarketSession:
        """Say that the House is open."""
        return MarketSession(is_open=True)

    async def get_account(self) -> Account:
        """Read the account."""
        cash, _ = await self._account()
        last, _ = await self._prices()
        works = [one for one in await self._open() if one[1] == "buy"]
        reserved = sum((left * Decimal(last[symbol]) for symbol, _, left in works), Decimal(0))
        return Account(
            key=KEY,
            cash_usd=cents(cash),
            settled_usd=cents(cash),
            buying_power_usd=cents(cash - reserved),
            open_buys_usd=cents(reserved),
        )

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what is held and not locked by an open sale."""
        held = dict(await self.get_positions(symbols))
        for symbol, side, left in await self._open():
            if side == "sell" and symbol in held:
                held[symbol] = Quantity(held[symbol] - left)
        return held

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what is held."""
        _, shares = await self._account()
        return {symbol: Quantity(Decimal(shares[symbol])) for symbol in symbols if shares.get(symbol)}

    async def _prices(self) -> tuple[dict[str, str], list[str]]:
        _, answer = await self._wire.ask("GET", "/prices")
        with understood():
            return answer["last"], answer["halted"]

    async def _account(self) -> tuple[Money, dict[str, int]]:
        _, answer = await self._wire.ask("GET", "/account")
        with understood():
            return Money(Decimal(answer["cash"])), answer["shares"]

    async def _open(self) -> list[tuple[str, str, int]]:
        _, answer = await self._wire.ask("GET", "/orders")
        with understood():
            orders = [one for one in answer if one["state"] == "open"]
            return [(one["symbol"], one["side"], one["shares"] - one["filled"]) for one in orders]

    def _quote(self, symbol: str, last: str) -> Quote | NoQuote:
        try:
            price = Price(Decimal(last))
            return Quote(symbol=symbol, bid=price, ask=price, at=self._clock.now(), source="house")
        except (ArithmeticError, ValidationError):
            return NoQuote(symbol=symbol, detail=f"the House says {last!r}")
