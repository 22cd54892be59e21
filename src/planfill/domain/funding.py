"""How much of the money the buys may use, and who goes short when it does not suffice."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Final

from planfill.domain.order import Side
from planfill.domain.state import Phase
from planfill.domain.values import ZERO_USD, Money, worth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from planfill.domain.market import Account
    from planfill.domain.state import OrderState

_BPS: Final = Decimal(10000)
_CENT: Final = Decimal("0.01")
# Proceeds may show a little late, or a fee may have been taken from them.
_SHOWN: Final = Decimal("0.999")
_DOUBTED: Final = frozenset({Phase.DOUBTED, Phase.UNRESOLVED})


def shows(cash: Money, before: Money, proceeds: Money) -> bool:
    """Tell whether today's proceeds have arrived in the cash that the broker shows."""
    return cash >= before + proceeds * _SHOWN


def cash_budget(account: Account, buffer_bps: Decimal) -> Money:
    """Give the dollars that buys may use: cash less what open buys may still take, less the buffer."""
    free = account.cash_usd - account.open_buys_usd
    return Money(max(ZERO_USD, free * (1 - buffer_bps / _BPS)))


def in_doubt(orders: Iterable[OrderState]) -> Money:
    """Add up what buys may cost of which nobody knows whether the account shows them already."""
    doubted = (order for order in orders if order.report is None and order.phase in _DOUBTED)
    costs = (worth(one.sizing.quantity, one.sizing.price) for one in doubted if one.order.side is Side.BUY)
    return Money(sum(costs, ZERO_USD))


def scale(lines: Mapping[str, Money], budget: Money) -> dict[str, Money]:
    """Cut every line by the same share, down to the cent, so that all together fit the budget."""
    wanted = sum(lines.values(), ZERO_USD)
    if wanted <= budget:
        return dict(lines)
    return {
        symbol: Money((amount * budget / wanted).quantize(_CENT, ROUND_DOWN))
        for symbol, amount in lines.items()
    }


def share(planned: Money, granted: Money, cost: Money) -> Money:
    """Give the part of the planned dollars that what was granted pays for; rounded down to the cent."""
    if granted >= cost:
        return planned
    return Money((planned * granted / cost).quantize(_CENT, ROUND_DOWN))


BUDGET: Final[dict[str, Callable[[Account, Decimal], Money]]] = {"cash": cash_budget}
CUT: Final[dict[str, Callable[[Mapping[str, Money], Money], dict[str, Money]]]] = {"scale": scale}
