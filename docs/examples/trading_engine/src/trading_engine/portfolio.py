"""What is held, what is to be traded to hold something else, and what is held after that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from planfill.domain.plan import Action
from planfill.domain.result import ExecutionResult

_CENT: Final = Decimal("0.01")
_WRITTEN: Final = Decimal("0.000001")
_CASH: Final = Decimal(0)
# What moves less than a tenth of a percent of the portfolio is not worth its spread.
_WORTH_TRADING: Final = Decimal("0.001")
_BEFORE_THE_CLOSE: Final = time(20, 55, tzinfo=UTC)
_SALES_FIRST, _BUYS, _HOLDS = 1, 3, 5


@dataclass(frozen=True)
class Portfolio:
    """Dollars of cash, and shares by symbol, each above 0."""

    cash: Decimal
    shares: dict[str, Decimal]

    def value(self, prices: dict[str, Decimal]) -> Decimal:
        """Value it at these prices, in dollars."""
        return self.cash + sum((held * prices[symbol] for symbol, held in self.shares.items()), _CASH)

    def after(self, result: ExecutionResult) -> Portfolio:
        """Book what was traded, as Planfill reports it; what was not filled has changed nothing."""
        cash, shares = self.cash - result.fees_usd, dict(self.shares)
        for order in result.orders:
            if order.average_price is None:
                continue
            traded = -order.filled_quantity if order.action is Action.SELL else order.filled_quantity
            cash -= traded * order.average_price
            shares[order.symbol] = shares.get(order.symbol, Decimal(0)) + traded
        return Portfolio(cash, {symbol: held for symbol, held in shares.items() if held})


def write_plan(
    portfolio: Portfolio, weights: dict[str, Decimal], prices: dict[str, Decimal], day: date
) -> dict[str, Any]:
    """
    Write the plan that leads from what is held to the weights: a line a symbol that is held or wanted.

    The names in it depend on the day alone, so an engine that is started again asks for the same plan,
    and Planfill sends nothing twice.
    """
    value = portfolio.value(prices)
    symbols = sorted(portfolio.shares.keys() | weights.keys())
    lines = [_line(portfolio, symbol, weights.get(symbol), prices[symbol], value) for symbol in symbols]
    traded = sum((abs(Decimal(line["trade_amount"])) for line in lines), _CASH)
    return {
        "plan_id": f"momentum-hrp-{day}",
        "correlation_id": f"run-{day:%Y%m%d}",
        "timestamp": datetime.combine(day, _BEFORE_THE_CLOSE).isoformat(),
        "total_portfolio_value": _dollars(value),
        "total_trade_value": _dollars(traded),
        "items": lines,
    }


def _line(
    portfolio: Portfolio, symbol: str, weight: Decimal | None, price: Decimal, value: Decimal
) -> dict[str, Any]:
    current = (portfolio.shares.get(symbol, Decimal(0)) * price).quantize(_CENT)
    target = ((weight or _CASH) * value).quantize(_CENT)
    amount, action, priority = target - current, "BUY", _BUYS
    if amount < 0:
        action, priority = "SELL", _SALES_FIRST
    # What is not wanted any more is sold however little it is.
    if weight is not None and abs(amount) < value * _WORTH_TRADING:
        amount, action, priority = _CASH, "HOLD", _HOLDS
    current_weight = (current / value).quantize(_WRITTEN)
    target_weight = weight or _CASH
    return {
        "symbol": symbol,
        "action": action,
        "trade_amount": _dollars(amount),
        "current_weight": str(current_weight),
        "target_weight": str(target_weight),
        "weight_diff": str(target_weight - current_weight),
        "current_value": _dollars(current),
        "target_value": _dollars(target),
        # Planfill measures from it what execution cost, and sends nothing where the market is far from it.
        "reference_price": str(price),
        "priority": priority,
    }


def _dollars(amount: Decimal) -> str:
    return str(amount.quantize(_CENT))
