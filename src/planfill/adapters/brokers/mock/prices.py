"""The prices that the exchange knows, and what a marketable order pays."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.values import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

_BPS: Final = Decimal(10_000)
_TOO_DEAR: Final = Decimal(10**12)
# Venues print trades to 4 decimals, below a dollar to more.
_PRINT: Final = Decimal("0.0001")
_SUB_DOLLAR_PRINT: Final = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Spread:
    """The last price of one symbol, bid and ask, and what a market order pays, in dollars a share."""

    last: Price
    bid: Price
    ask: Price
    pays: Price
    gets: Price


@dataclass(frozen=True, slots=True)
class NoPrice:
    """Why a symbol has no price."""

    reason: Reason
    detail: str


class Prices:
    """Last prices by symbol; a price of 0 or below, or no number, is known as the nonsense that it is."""

    def __init__(
        self, last: Mapping[str, object], *, spread_bps: Decimal, slippage_bps: Decimal, origin: str
    ) -> None:
        self._half_spread = spread_bps / _BPS / 2
        self._slippage = slippage_bps / _BPS
        self.origin = origin
        self._known: dict[str, Spread | NoPrice] = {}
        for symbol, price in last.items():
            self.change(symbol, price)

    def known(self) -> Mapping[str, Spread | NoPrice]:
        """Give what there is of every symbol."""
        return self._known

    def knows(self, symbol: str) -> bool:
        """Tell whether there is a price of a symbol, be it nonsense."""
        return symbol in self._known

    def change(self, symbol: str, price: object) -> None:
        """Set the last price of a symbol, as it stood in the source."""
        self._known[symbol.strip().upper()] = self._spread(price)

    def of(self, symbol: str) -> Spread | NoPrice:
        """Give the prices of a symbol, or why there are none."""
        known = self._known.get(symbol)
        return known or NoPrice(Reason.NO_PRICE, f"no price of {symbol} in {self.origin}")

    def fill(self, symbol: str, side: Side, step: int = 1) -> Price | None:
        """Tell at what price the market would fill an order now; its second step pays the slippage twice."""
        spread = self._known.get(symbol)
        if not isinstance(spread, Spread):
            return None
        if step == 1:
            return spread.pays if side is Side.BUY else spread.gets
        return self._slipped(spread.bid, spread.ask, side, step)

    def _spread(self, price: object) -> Spread | NoPrice:
        last = _number(price)
        if last is None:
            return NoPrice(Reason.BAD_PRICE, f"{self.origin} says {price!r}")
        bid = _printed(last * (1 - self._half_spread), ROUND_FLOOR)
        ask = _printed(last * (1 + self._half_spread), ROUND_CEILING)
        if bid <= 0:
            return NoPrice(Reason.BAD_PRICE, f"{self.origin} says {price!r}: nobody bids that little")
        return Spread(
            last=Price(last),
            bid=bid,
            ask=ask,
            pays=self._slipped(bid, ask, Side.BUY, 1),
            gets=self._slipped(bid, ask, Side.SELL, 1),
        )

    def _slipped(self, bid: Price, ask: Price, side: Side, step: int) -> Price:
        if side is Side.BUY:
            return _printed(ask * (1 + step * self._slippage), ROUND_CEILING)
        return _printed(bid * (1 - step * self._slippage), ROUND_FLOOR) or bid


def _number(price: object) -> Decimal | None:
    """Take a price as it is written, with however many decimals; None for what can be none."""
    if isinstance(price, bool) or not isinstance(price, str | int | float | Decimal):
        return None
    try:
        number = Decimal(str(price).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 < number < _TOO_DEAR else None


def _printed(price: Decimal, rounding: str) -> Price:
    return Price(price.quantize(_PRINT if price >= 1 else _SUB_DOLLAR_PRINT, rounding))
