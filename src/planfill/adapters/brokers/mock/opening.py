"""What an empty book is opened with."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.mock.prices import Spread
from planfill.adapters.brokers.mock.ticket import EXACT, LOT
from planfill.domain.plan import Action
from planfill.domain.values import ZERO_SHARES, ZERO_USD, Money, Quantity, round_down, shares_for

if TYPE_CHECKING:
    from planfill.adapters.brokers.mock.prices import Prices
    from planfill.adapters.brokers.mock.settings import MockSettings
    from planfill.domain.plan import Plan, PlanItem

_CENT: Final = Decimal("0.01")
_SPARE: Final = Decimal("1.02")


def opening(plan: Plan, settings: MockSettings, prices: Prices) -> tuple[dict[str, Quantity], Money]:
    """
    Tell which shares and how much cash the account has before its first plan.

    Shares are the plan's ``current_value`` at the last price, cut to 9 decimals; cash is its
    ``total_portfolio_value`` less the value of what is held. Where the plan does not say, a sold symbol is
    held for its amount, and cash is the sum of the buys and 2 %. What the settings name stands.
    """
    if isinstance(settings.holdings, dict):
        shares = {symbol: Quantity(held) for symbol, held in settings.holdings.items()}
        held_usd = sum((_worth(symbol, held, prices) for symbol, held in shares.items()), ZERO_USD)
    else:
        shares = {item.symbol: _shares(item, prices) for item in plan.items}
        held_usd = sum((_held_usd(item) for item in plan.items), ZERO_USD)
    if settings.cash is not None:
        return shares, Money(settings.cash)
    if plan.total_portfolio_value is not None:
        return shares, max(ZERO_USD, _to_the_cent(plan.total_portfolio_value - held_usd))
    buys = (item.planned_usd for item in plan.items if item.action is Action.BUY)
    return shares, _to_the_cent(sum(buys, ZERO_USD) * _SPARE)


def _held_usd(item: PlanItem) -> Money:
    if item.current_value is not None:
        return max(ZERO_USD, item.current_value)
    return item.planned_usd if item.action is Action.SELL else ZERO_USD


def _shares(item: PlanItem, prices: Prices) -> Quantity:
    if item.current_value is None and item.action is Action.SELL and item.quantity is not None:
        return item.quantity
    spread = prices.of(item.symbol)
    if not isinstance(spread, Spread):
        return ZERO_SHARES
    return Quantity(round_down(shares_for(_held_usd(item), spread.last), LOT))


def _worth(symbol: str, held: Quantity, prices: Prices) -> Money:
    spread = prices.of(symbol)
    return Money(EXACT.multiply(held, spread.last)) if isinstance(spread, Spread) else ZERO_USD


def _to_the_cent(dollars: Decimal) -> Money:
    return Money(dollars.quantize(_CENT, ROUND_FLOOR))
