"""Several sources of prices as one: the next is asked for what the former has no usable quote for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.ports.market import MarketData
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.market import Quote

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from planfill.application.ports.clock import Clock
    from planfill.domain.market import NoQuote


class PriceChain(MarketData):
    """
    Asks sources one after the other; each quote says by its ``source`` whose it is.

    A quote older than ``max_age_s`` is not usable. Where no source has a usable one, the first answer stands:
    its reason is the one to be told. A source that cannot be asked is passed over, unless all are.
    """

    def __init__(self, sources: Sequence[MarketData], clock: Clock, max_age_s: float) -> None:
        self._sources = sources
        self._clock = clock
        self._max_age_s = max_age_s

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        """Quote the symbols."""
        found: dict[str, Quote | NoQuote] = {}
        failures: list[BrokerConnectionError] = []
        missing = set(symbols)
        for source in self._sources:
            try:
                asked = [symbol for symbol in symbols if symbol in missing]
                answer = await source.get_current_prices(asked) if asked else {}
            except BrokerConnectionError as e:
                failures.append(e)
                continue
            usable = {symbol: quote for symbol, quote in answer.items() if self._is_usable(quote)}
            found = {**answer, **found, **usable}
            missing -= usable.keys()
        if len(failures) == len(self._sources):
            raise failures[0]
        return found

    def _is_usable(self, quote: Quote | NoQuote) -> bool:
        if not isinstance(quote, Quote):
            return False
        return abs((self._clock.now() - quote.at).total_seconds()) <= self._max_age_s
