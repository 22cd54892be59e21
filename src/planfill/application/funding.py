"""Counting the money for the buys, once the sells have brought theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.preparing import close
from planfill.domain.allotting import allot
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.funding import shows
from planfill.domain.market import Quote
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.proceeds import selling, traded
from planfill.domain.values import ZERO_USD, Money, worth

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from planfill.application.run import Run
    from planfill.domain.market import Account
    from planfill.domain.state import LineState


class Funding:
    """Allots the money; ``meanwhile`` is what is done while it does not show yet."""

    def __init__(self, run: Run, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._run = run
        self._meanwhile = meanwhile
        self._until: float | None = None

    async def fund(self, lines: Sequence[LineState], *, in_full: bool) -> None:
        """
        Allot what there is to buys, by their turn; ``in_full`` only to those that it covers.

        Nothing is recorded while the proceeds do not show, or while sells are at work and nobody says
        what there is: then it is to be asked again.
        """
        run = self._run
        try:
            account = await run.ask(run.brokerage.account.get_account)
            if not self._is_ready(account):
                await self._meanwhile()
                return
            costs = await _costs(run, lines)
        except BrokerConnectionError as e:
            if selling(run.state):
                await self._meanwhile()
                return
            detail = f"nobody says what the buys may cost: {e}"
            await run.note(*close(lines, Reason.BROKER_UNAVAILABLE, detail))
            return
        await run.note(*allot(run.state, run.policy.execution, costs, account, in_full=in_full))

    def _is_ready(self, account: Account) -> bool:
        """Tell whether the cash shows the proceeds, or was waited for long enough once no sale worked."""
        state, now = self._run.state, self._run.clock.monotonic()
        proceeds, spent = traded(state, Action.SELL), traded(state, Action.BUY)
        before = Money(state.started.cash_usd - spent) if state.started else ZERO_USD
        if not proceeds or shows(account.cash_usd, before, proceeds):
            return True
        if selling(state):
            return False
        if self._until is None:
            self._until = now + self._run.policy.execution.funding_wait_s
        return now >= self._until


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
