"""What IB says of prices: live quotes, or none."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.ib.asked import Lost, Refused, Ticking
from planfill.adapters.brokers.ib.numbers import number
from planfill.application.ports.market import MarketData
from planfill.domain.market import NoQuote, Quote
from planfill.domain.outcome import Reason
from planfill.domain.values import Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from planfill.adapters.brokers.ib.connection import Connection
    from planfill.adapters.brokers.ib.contracts import Contracts, Listing
    from planfill.adapters.brokers.ib.gateway import Gateway
    from planfill.application.ports.clock import Clock

# The kinds of ticks: size at the bid, bid, ask, size at the ask.
_BID_SIZE, _BID, _ASK, _ASK_SIZE = 0, 1, 2, 3
_LIVE: Final = 1
_KINDS: Final = {2: "frozen", 3: "delayed", 4: "delayed and frozen"}
# IB gives an account a hundred lines of quotes, of which its own screen takes some.
_LINES: Final = 40


class Watch(Ticking):
    """The ticks of one symbol, until there is a bid, and an ask that is not below it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.done = asyncio.Event()
        self.prices: dict[int, float] = {}
        self.sizes: dict[int, float] = {}
        self.told: dict[str, float] = {}
        self.error: Exception | None = None
        self.at: datetime | None = None

    def price(self, kind: int, price: float, size: float) -> None:
        """Take a price; IB's quotes bear no time but that of their arrival."""
        if kind not in {_BID, _ASK}:
            return
        self.prices[kind], self.at = price, self._clock.now()
        if size:
            self.size(_BID_SIZE if kind == _BID else _ASK_SIZE, size)
        # The first ticks may say that nobody is there, or be of two moments: the next ones are awaited.
        if 0 < self.prices.get(_BID, 0) <= self.prices.get(_ASK, 0):
            self.done.set()

    def size(self, kind: int, size: float) -> None:
        """Take how many shares are shown."""
        self.sizes[kind] = size

    def tell(self, name: str, value: float) -> None:
        """Take of which kind the quotes are, and whether trading is halted."""
        self.told[name] = value
        if name == "kind" and value != _LIVE:
            self.done.set()

    def fail(self, error: Exception) -> None:
        """Take that there will be no quote."""
        self.error = error
        self.done.set()

    @property
    def is_answered(self) -> bool:
        """Whether IB has said anything at all about the symbol."""
        return bool(self.prices or self.told or self.error)


class IbMarketData(MarketData):
    """Subscribes to each symbol until its first quote; what is delayed is none."""

    def __init__(self, gateway: Gateway, contracts: Contracts, clock: Clock) -> None:
        self._gateway = gateway
        self._contracts = contracts
        self._clock = clock

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        """Quote the symbols, several at once."""
        listings = await self._contracts.find(symbols)
        turns = asyncio.Semaphore(_LINES)
        watches: dict[str, Watch] = {}

        async def watch(connection: Connection, symbol: str, listing: Listing) -> None:
            async with turns:
                watches[symbol] = await self._watch(connection, listing)

        async def ask(connection: Connection) -> None:
            watches.clear()
            await asyncio.gather(*(watch(connection, *one) for one in listings.items()))
            lost = [one.error for one in watches.values() if isinstance(one.error, Lost)]
            if lost or not any(one.is_answered for one in watches.values()):
                raise lost[0] if lost else Lost("no answer in time")

        if listings:
            await self._gateway.ask("quotes", ask)
        return {symbol: _quote(symbol, one) for symbol, one in watches.items()}

    async def _watch(self, connection: Connection, listing: Listing) -> Watch:
        """Subscribe, wait for a bid and an ask, and end the subscription; raises ``Lost``."""
        watch, client = Watch(self._clock), connection.client
        try:
            await connection.pace.turn()
            number_ = connection.number()
            connection.inbox.watches[number_] = watch
            try:
                client.reqMktData(number_, listing.contract, "", False, False, [])  # noqa: FBT003 - ib_async's
                async with asyncio.timeout(self._gateway.settings.quote_timeout_s):
                    await watch.done.wait()
            except TimeoutError:
                pass  # what has been said by now is all that is said
            finally:
                del connection.inbox.watches[number_]
            if watch.error is None:
                await connection.pace.turn()
                client.cancelMktData(number_)
        except ConnectionError as e:
            raise Lost("the connection was lost") from e
        return watch


def _why_none(watch: Watch) -> str:
    """Say why nothing that was told may be used, if so."""
    if isinstance(watch.error, Refused):
        return str(watch.error)
    kind = int(watch.told.get("kind", _LIVE))
    if kind != _LIVE:
        what = _KINDS.get(kind, "other")
        return f"IB has only {what} quotes of it for this account: subscribe to live ones"
    if watch.told.get("halted", 0) > 0:
        return "IB says that trading is halted"
    return ""


def _quote(symbol: str, watch: Watch) -> Quote | NoQuote:
    """Make the quote of what was told; -1 and 0 are IB's words for a side on which nobody is."""
    if why := _why_none(watch):
        return NoQuote(symbol=symbol, detail=why)
    if watch.at is None or len(watch.prices) < len((_BID, _ASK)):
        return NoQuote(symbol=symbol, detail="IB says no bid or no ask")
    bid, ask = (number(watch.prices[side]) or Decimal(0) for side in (_BID, _ASK))
    detail = f"IB says bid {bid}, ask {ask}"
    if bid <= 0 or ask <= 0:
        return NoQuote(symbol=symbol, reason=Reason.BAD_PRICE, detail=detail)
    if bid > ask:
        return NoQuote(symbol=symbol, reason=Reason.CROSSED_PRICE, detail=detail)
    return Quote(
        symbol=symbol,
        bid=Price(bid),
        ask=Price(ask),
        at=watch.at,
        source="ib",
        bid_size=_size(watch, _BID_SIZE),
        ask_size=_size(watch, _ASK_SIZE),
    )


def _size(watch: Watch, kind: int) -> Quantity | None:
    size = number(watch.sizes.get(kind, ""))
    return None if size is None or size < 0 else Quantity(size)
