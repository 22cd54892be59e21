"""How much of the money the buys may use, and who goes short when it does not suffice."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Final

from planfill.domain.order import Side
from planfill.domain.plan import Action
from planfill.domain.state import Phase
from planfill.domain.values import ZERO_USD, Money, worth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from planfill.domain.market import Account
    from planfill.domain.state import LineState, OrderState

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
    return _free(account.cash_usd, account, buffer_bps)


def settled_budget(account: Account, buffer_bps: Decimal) -> Money:
    """Give the same of the cash that has settled: a cash account may not trade on today's proceeds."""
    return _free(account.settled_usd, account, buffer_bps)


def margin_budget(account: Account, buffer_bps: Decimal) -> Money:
    """Give the same of Reg T buying power: what goes beyond the cash is borrowed."""
    return _free(account.buying_power_usd, account, buffer_bps)


def _free(money: Money, account: Account, buffer_bps: Decimal) -> Money:
    return Money(max(ZERO_USD, (money - account.open_buys_usd) * (1 - buffer_bps / _BPS)))


def in_doubt(orders: Iterable[OrderState]) -> Money:
    """Add up what buys may cost of which nobody knows whether the account shows them already."""
    doubted = (order for order in orders if order.report is None and order.phase in _DOUBTED)
    costs = (worth(one.sizing.quantity, one.sizing.price) for one in doubted if one.order.side is Side.BUY)
    return Money(sum(costs, ZERO_USD))


def promised(lines: Iterable[LineState]) -> Money:
    """
    Add up what buys that have their money may still take, beyond what the account shows as open.

    An order that works below the price at which its line was sized may be followed by one at that price.
    """
    return Money(sum((_promised(line) for line in lines if line.item.action is Action.BUY), ZERO_USD))


def _promised(line: LineState) -> Money:
    if line.is_pending and not line.orders:
        return line.allotted or ZERO_USD
    if not (line.has_next and (line.is_pending or line.is_open)):
        return ZERO_USD
    last = line.orders[-1]
    whole = worth(line.rest, last.sizing.price)
    if line.is_pending:
        return whole
    return Money(max(ZERO_USD, whole - worth(line.rest, last.order.limit_price or last.sizing.price)))


def scale(lines: Mapping[str, Money], budget: Money) -> dict[str, Money]:
    """Cut every line by the same share, down to the cent, so that all together fit the budget."""
    wanted = sum(lines.values(), ZERO_USD)
    if wanted <= budget:
        return dict(lines)
    return {
        symbol: Money((amount * budget / wanted).quantize(_CENT, ROUND_DOWN))
        for symbol, amount in lines.items()
    }


def priority(lines: Mapping[str, Money], budget: Money) -> dict[str, Money]:
    """Leave the lines whole that fit the budget, one after the other; one that does not fit gets nothing."""
    granted, left = {}, budget
    for symbol, amount in lines.items():
        granted[symbol] = amount if amount <= left else ZERO_USD
        left = Money(left - granted[symbol])
    return granted


def block(lines: Mapping[str, Money], budget: Money) -> dict[str, Money]:
    """Leave every line whole where all together fit the budget; else none gets anything."""
    return dict(lines) if sum(lines.values()) <= budget else dict.fromkeys(lines, ZERO_USD)


def covered(lines: Mapping[str, Money], budget: Money) -> dict[str, Money]:
    """Give the first lines that fit the budget whole; none overtakes one that has to wait for money."""
    granted, left = {}, budget
    for symbol, amount in lines.items():
        if amount > left:
            break
        granted[symbol], left = amount, Money(left - amount)
    return granted


def share(planned: Money, granted: Money, cost: Money) -> Money:
    """Give the part of the planned dollars that what was granted pays for; rounded down to the cent."""
    if granted >= cost:
        return planned
    return Money((planned * granted / cost).quantize(_CENT, ROUND_DOWN))


def scale_buys(planned: Money, missing: Money) -> Money:
    """Want as much less as the sells have failed to bring."""
    return max(ZERO_USD, Money(planned - missing))


def block_buys(planned: Money, missing: Money) -> Money:
    """Want nothing once a sell has failed."""
    return ZERO_USD if missing else planned


def ignore(planned: Money, _missing: Money) -> Money:
    """Want what the plan wants; the money alone decides."""
    return planned


BUDGET: Final[dict[str, Callable[[Account, Decimal], Money]]] = {
    "cash": cash_budget,
    "settled": settled_budget,
    "margin": margin_budget,
}
# The lines come in the order in which they are served.
CUT: Final[dict[str, Callable[[Mapping[str, Money], Money], dict[str, Money]]]] = {
    "scale": scale,
    "priority": priority,
    "block": block,
}
# Of the planned dollars of all buys, and those that sells have failed to bring: what may be bought.
WANTED: Final[dict[str, Callable[[Money, Money], Money]]] = {
    "scale_buys": scale_buys,
    "block_buys": block_buys,
    "ignore": ignore,
}
