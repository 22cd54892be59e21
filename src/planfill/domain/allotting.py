"""Sharing out the money among the buys."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from planfill.domain.events import FundsAllotted, LineClosed
from planfill.domain.funding import BUDGET, CUT, WANTED, covered, in_doubt, promised, scale, share
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.proceeds import lines_of, missing, traded
from planfill.domain.values import ZERO_USD, Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from planfill.domain.events import Event
    from planfill.domain.market import Account
    from planfill.domain.policy import ExecutionPolicy
    from planfill.domain.state import ExecutionState, LineState


def allot(
    state: ExecutionState,
    policy: ExecutionPolicy,
    costs: Mapping[str, Money],
    account: Account,
    *,
    in_full: bool = False,
) -> Iterator[Event]:
    """
    Allot the account's money to buys, and close those for which there is none.

    ``costs`` says by symbol what each may cost, in the order in which they are served. ``in_full`` serves
    only those that it covers whole; the others wait.
    """
    lines = [state.lines[symbol] for symbol in costs]
    whole = BUDGET[policy.funding](account, policy.cash_buffer_bps)
    taken = in_doubt(state.orders.values()) + promised(state.lines.values())
    budget = max(ZERO_USD, Money(whole - taken))
    planned, wanted = _planned(lines), _wanted(state, policy, costs)
    if in_full:
        # What is cut because sells have failed is shared out at the end, among all that are left.
        granted = covered(costs, budget) if wanted == planned else {}
    else:
        needed = sum(costs.values(), ZERO_USD)
        less = scale(costs, Money(needed * wanted / planned)) if wanted < planned else costs
        granted = CUT[policy.on_shortfall](less, budget)
    allotted = {
        symbol: share(state.lines[symbol].item.planned_usd, usd, costs[symbol])
        for symbol, usd in granted.items()
    }
    proceeds = traded(state, Action.SELL)
    yield FundsAllotted(
        cash_usd=account.cash_usd, budget_usd=budget, allotted=allotted, proceeds_usd=proceeds
    )
    reason, detail = Reason.NO_FUNDS, f"${budget:.2f} may be spent, ${sum(costs.values()):.2f} are needed"
    if wanted < planned and not wanted:
        reason, detail = Reason.SELLS_FAILED, f"the sells failed to bring ${missing(state)}"
    for symbol, usd in allotted.items():
        if usd < min(Decimal(1), state.lines[symbol].item.planned_usd):
            yield LineClosed(symbol=symbol, reason=reason, detail=detail)


def _planned(lines: Iterable[LineState]) -> Money:
    return Money(sum((line.item.planned_usd for line in lines), ZERO_USD))


def _wanted(state: ExecutionState, policy: ExecutionPolicy, asking: Mapping[str, Money]) -> Money:
    """Give the dollars that these buys may take of what the plan wants bought, now that sells have failed."""
    buys = lines_of(state, Action.BUY)
    wanted = WANTED[policy.on_failed_sell](_planned(buys), missing(state))
    others = (line for line in buys if line.item.symbol not in asking and not line.closed)
    left = Money(wanted - sum((line.allotted or ZERO_USD for line in others), ZERO_USD))
    return min(_planned(state.lines[symbol] for symbol in asking), max(ZERO_USD, left))
