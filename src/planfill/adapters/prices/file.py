"""Prices from a file that somebody else keeps: last prices, with the time that they are of."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

import anyio

from planfill.application.ports.market import MarketData
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.market import NoQuote, Quote
from planfill.domain.numerals import plain
from planfill.domain.outcome import Reason
from planfill.domain.price_list import read_price_list
from planfill.domain.values import Price

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

SOURCE: Final = "file"
# Eight digits after the point: what more a program has written is the tail of a float.
_CHEAPEST: Final = Decimal("0.00000001")
_TOO_DEAR: Final = Decimal(10**12)


class FilePrices(MarketData):
    """
    Quotes with bid and ask at the last price, read anew with each call.

    They bear the file's ``as_of``, or where it has none, the time at which the file was written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        """Quote those of the symbols that are in the file."""
        if not symbols:
            return {}
        file = anyio.Path(self._path)
        try:
            text = await file.read_text("utf-8-sig")
            written = datetime.fromtimestamp((await file.stat()).st_mtime, UTC)
            listed = read_price_list(text)
        except (OSError, ValueError) as e:
            msg = f"the file of prices {self._path} cannot be used: {e}"
            raise BrokerConnectionError(msg) from e
        last = {symbol.strip().upper(): price for symbol, price in listed.last.items()}
        at = listed.as_of or written
        return {symbol: _quote(symbol, last[symbol], at) for symbol in symbols if symbol in last}


def _quote(symbol: str, written: object, at: datetime) -> Quote | NoQuote:
    try:
        number = Decimal(str(written))
    except InvalidOperation:
        number = Decimal(0)
    if not (number.is_finite() and _CHEAPEST <= number < _TOO_DEAR):
        detail = f"the file of prices says {written!r}"
        return NoQuote(symbol=symbol, reason=Reason.BAD_PRICE, detail=detail)
    price = Price(Decimal(plain(number.quantize(_CHEAPEST))))
    return Quote(symbol=symbol, bid=price, ask=price, at=at, source=SOURCE)
