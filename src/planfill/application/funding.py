"""Counting the money for the buys, once the sells have brought theirs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from planfill.application.preparing import close
from planfill.domain.accounting import line_result
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.events import FundsAllotted
from planfill.domain.funding import BUDGET, CUT, in_doubt, share, shows
from planfill.domain.market import Quote
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.values import ZERO_USD, Money, worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.application.run import Run
    from planfill.domain.events import Event
    from planfill.domain.market import Account
    from planfill.domain.state import ExecutionState, LineState


async def fund(run: Run, lines: Sequence[LineState]) -> list[Event]:
    """Wait for the proceeds to show, then allot what there is to the buys."""
    policy = run.policy.execution
    try:
        account = await _when_it_shows(run)
        costs = await _costs(run, lines)
    except BrokerConnectionError as e:
        return close(lines, Reason.BROKER_UNAVAILABLE, f"nobody says what the buys may cost: {e}")
    whole = BUDGET[policy.funding](account, policy.cash_buffer_bps)
    budget = max(ZERO_USD, Money(whole - in_doubt(run.state.orders.values())))
    granted = CUT[policy.on_shortfall](costs, budget)
    allotted = {
        line.item.symbol: share(line.item.planned_usd, granted[line.item.symbol], costs[line.item.symbol])
        for line in lines
    }
    funded = FundsAllotted(cash_usd=account.cash_usd, budget_usd=budget, allotted=allotted)
    # Money that was not waited for is no reason to close a line: the stop that ended the wait will.
    patient = run.stop.reason is None
    broke = [line for line in lines if patient and _is_nothing(line, allotted[line.item.symbol])]
    detail = f"${budget:.2f} may be spent, ${sum(costs.values()):.2f} are needed"
    return [funded, *close(broke, Reason.NO_FUNDS, detail)]


def _is_nothing(line: LineState, allotted: Money) -> bool:
    return allotted < min(Decimal(1), line.item.planned_usd)


async def _costs(run: Run, lines: Sequence[LineState]) -> dict[str, Money]:
    """Give what each line costs: its dollars, or what its shares cost now where the plan gives shares."""
    costs = {line.item.symbol: line.item.planned_usd for line in lines}
    counted = {line.item.symbol: line.item.quantity for line in lines if line.item.quantity is not None}
    if counted:
        quotes = await run.ask(run.brokerage.market_data.get_current_prices, counted)
        for symbol, quantity in counted.items():
            quote = quotes.get(symbol)
            if isinstance(quote, Quote):
                costs[symbol] = max(costs[symbol], worth(quantity, quote.ask))
    return costs


async def _when_it_shows(run: Run) -> Account:
    """Read the account until the cash shows the fills, or until the wait is over."""
    until = run.clock.monotonic() + run.policy.execution.funding_wait_s
    proceeds, spent = traded(run.state, Action.SELL), traded(run.state, Action.BUY)
    started = run.state.started
    before = Money(started.cash_usd - spent) if started else ZERO_USD
    while True:
        account = await run.ask(run.brokerage.account.get_account)
        late = run.clock.monotonic() >= until or run.stop.reason is not None
        if not proceeds or late or shows(account.cash_usd, before, proceeds):
            return account
        await run.stop.or_done(run.clock.sleep(run.policy.execution.poll_s))


def traded(state: ExecutionState, action: Action) -> Money:
    """Add up the dollars that the lines of one action have filled so far."""
    lines = (line for line in state.lines.values() if line.item.action is action and line.orders)
    return Money(sum((line_result(line).filled_usd for line in lines), ZERO_USD))
