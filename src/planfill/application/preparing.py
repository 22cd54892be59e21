"""A wave: quote, size and check lines, so that their orders can be recorded in one commit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.application.run import ask
from planfill.domain.checks import Objection, check_session
from planfill.domain.drafting import draft
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.events import (
    Alerted,
    LineClosed,
    OrderRecorded,
    RulesBroken,
    Severity,
    StopRequested,
)
from planfill.domain.facts import Facts
from planfill.domain.funding import BUDGET, in_doubt, promised
from planfill.domain.linting import lint
from planfill.domain.order_checks import check_size_shown, is_at_work
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.styles import works_s
from planfill.domain.values import ZERO_USD, Money, worth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planfill.application.ports.brokerage import Brokerage
    from planfill.application.ports.clock import Clock
    from planfill.application.run import Run
    from planfill.domain.drafting import Draft
    from planfill.domain.events import Event
    from planfill.domain.plan import PlanItem
    from planfill.domain.report import ExecutionReport
    from planfill.domain.state import LineState

# After that the account's open orders are read anew: a person may have placed or canceled some.
_LONG_AGO: Final = timedelta(minutes=1)


async def look(run: Run, lines: Sequence[LineState]) -> Facts:
    """
    Ask once for all that must be known of these lines.

    The account's open orders are those of before the first order, or if that is long ago, as they are now.

    Raises:
        BrokerConnectionError: Somebody could not be asked.

    """
    now, orders = run.clock.now(), run.state.open_orders
    if now - (run.state.started_at or now) > _LONG_AGO:
        orders = await open_orders(run.brokerage, run.clock)
    return await facts_of(run.brokerage, run.clock, [line.item for line in lines], orders)


async def open_orders(brokerage: Brokerage, clock: Clock) -> tuple[ExecutionReport, ...]:
    """List the orders of the account that may trade; raises as ``look``."""
    reports = await ask(brokerage.records.list_orders, clock.now())
    return tuple(one for one in reports if is_at_work(one))


async def facts_of(
    brokerage: Brokerage, clock: Clock, items: Sequence[PlanItem], orders: Sequence[ExecutionReport]
) -> Facts:
    """Ask for the rest, the quotes last, so that they are fresh; raises as ``look``."""
    symbols = [item.symbol for item in items]
    sold = [item.symbol for item in items if item.action is Action.SELL]
    session = await ask(brokerage.hours.get_session)
    instruments = await ask(brokerage.instruments.get_instruments, symbols)
    sellable = await ask(brokerage.account.get_sellable, sold) if sold else {}
    other = brokerage.second_prices
    second = None if other is None else await ask(other.get_current_prices, symbols)
    quotes = await ask(brokerage.market_data.get_current_prices, symbols)
    taken = {symbol: one.within(brokerage.capabilities) for symbol, one in instruments.items()}
    return Facts(session, quotes, taken, sellable, orders, clock.now(), second)


async def prepare(run: Run, lines: Sequence[LineState]) -> list[Event]:
    """
    Give what becomes of these lines: an order each, complete, or the reason why there is none.

    The first time in a run all lines of the plan are looked at, so that every rule that would be broken is
    told before the first order.
    """
    first = not run.linted
    everything = [line for line in run.state.lines.values() if line.is_pending] if first else lines
    try:
        spare = await _spare(run, lines)
        facts = await look(run, everything)
    except BrokerConnectionError as e:
        return close(lines, Reason.BROKER_UNAVAILABLE, str(e))
    if objection := check_session(facts.session, facts.at, run.policy.execution):
        # Before the first order it stops the run, and the plan can be executed later as it is.
        if not run.state.orders:
            return [StopRequested(reason=objection.reason, detail=objection.detail)]
        return close(lines, objection.reason, objection.detail)
    broken = lint(everything, facts, run.policy) if first else ()
    run.linted = True
    events: list[Event] = [RulesBroken(broken=broken)] if broken else []
    ids = {n: run.state.client_order_ids(n) for n in {len(line.orders) + 1 for line in lines}}
    for line in lines:
        purse = Money(spare + promised([line]))
        drafted = draft(line, facts, run.policy, ids[len(line.orders) + 1][line.item.symbol], purse)
        cost = ZERO_USD
        if isinstance(drafted, Objection):
            events += close([line], drafted.reason, drafted.detail)
        else:
            cost = worth(drafted.sizing.quantity, drafted.sizing.price)
            events += [_recorded(line, drafted, facts), *_warnings(run, line, drafted)]
        if _is_rest_of_a_buy(line):
            spare = Money(purse - cost)
    return events


async def _spare(run: Run, lines: Sequence[LineState]) -> Money:
    """
    Give what there is beyond the money that buys have: what is left of one may cost more than it did.

    The buffer counts: it is there for this. Nothing is bought with the money of others.
    """
    if not any(_is_rest_of_a_buy(line) for line in lines):
        return ZERO_USD
    account = await run.ask(run.brokerage.account.get_account)
    taken = in_doubt(run.state.orders.values()) + promised(run.state.lines.values())
    return Money(BUDGET[run.policy.execution.funding](account, Decimal(0)) - taken)


def _is_rest_of_a_buy(line: LineState) -> bool:
    return bool(line.orders) and line.item.action is Action.BUY


def close(lines: Sequence[LineState], reason: Reason, detail: str) -> list[Event]:
    """End lines with one reason for all."""
    return [LineClosed(symbol=line.item.symbol, reason=reason, detail=detail) for line in lines]


def _recorded(line: LineState, drafted: Draft, facts: Facts) -> Event:
    attempt = len(line.orders) + 1
    deadline = facts.deadline(works_s(line.style, line.execution, attempt))
    return OrderRecorded(order=drafted.order, attempt=attempt, sizing=drafted.sizing, deadline=deadline)


def _warnings(run: Run, line: LineState, drafted: Draft) -> Iterator[Event]:
    item, sizing = line.item, drafted.sizing
    if sizing.reason is Reason.MORE_HELD_THAN_PLANNED and not line.orders:
        detail = f"more is held than the plan's ${item.planned_usd}: only that much is sold"
        yield Alerted(severity=Severity.WARNING, reason=sizing.reason, symbol=item.symbol, detail=detail)
    if thin := check_size_shown(sizing, item.side, drafted.facts.quote, run.policy.execution):
        yield Alerted(severity=Severity.WARNING, reason=thin.reason, symbol=item.symbol, detail=thin.detail)
