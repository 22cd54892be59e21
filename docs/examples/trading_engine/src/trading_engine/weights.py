"""Which stocks, and how much of each: momentum chooses, hierarchical risk parity weighs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from skfolio.optimization import HierarchicalRiskParity
from skfolio.preprocessing import prices_to_returns

from trading_engine.market import Market

Weights = dict[str, Decimal]
"""The share of the portfolio that a symbol shall have, above 0; what is missing to 1 is cash."""

_YEAR: Final = 253
"""As many closes as 252 returns need."""
_MONTH: Final = 21
_STOCKS: Final = 10
_INVESTED: Final = Decimal("0.99")
_WRITTEN: Final = Decimal("0.000001")


def target_weights(market: Market, day: date) -> Weights:
    """
    Weigh the ten stocks that rose most in the year up to a month ago; the rest shall be sold.

    The last month is left out of the momentum, since it tends to turn (Jegadeesh, 1990). Weights are
    those of hierarchical risk parity (López de Prado, 2016) on the daily returns of the year.
    """
    year = market.history(day, _YEAR)
    momentum = year.iloc[-_MONTH] / year.iloc[0] - 1
    chosen = sorted(momentum.nlargest(_STOCKS).index)
    model = HierarchicalRiskParity().fit(prices_to_returns(year[chosen]))
    return {
        symbol: (Decimal(repr(float(weight))) * _INVESTED).quantize(_WRITTEN)
        for symbol, weight in zip(chosen, model.weights_, strict=True)
    }
