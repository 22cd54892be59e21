"""A wave: quote, size and check lines, so that their orders can be recorded in one commit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from planfill.domain.checks import Objection, check_instrument, check_quote, check_session
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.events import (
    Alerted,
    LineClosed,
    OrderRecorded,
    Severity,
    StopRequested,
)
from planfill.domain.funding import BUDGET, in_doubt, promised
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.remainders import remainder
from planfill.domain.sizing import SizingFacts, size
from planfill.domain.styles import NEXT_ORDER, Intent, works_s
from planfill.domain.values import ZERO_SHARES, ZERO_USD, Money, worth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from planfill.application.run import Run
    from planfill.domain.events import Event
    from planfill.domain.market import Instrument, MarketSession, NoQuote, Quote
    from planfill.domain.sizing import Sizing
    from planfill.domain.state import LineState
    from planfill.domain.values import ClientOrderId, Quantity


class Facts(NamedTuple):
    """What the market and the broker said about some symbols, and when that was."""

    session: MarketSession
    quotes: Mapping[str, Quote | NoQuote]
    instruments: Mapping[str, Instrument]
    sellable: Mapping[str, Quantity]
    now: datetime

    def deadline(self, seconds: float) -> datetime:
        """Give the time until which an order may work: some seconds from now, or the close."""
        until = self.now + timedelta(seconds=seconds)
        return min(until, self.session.closes_at) if self.session.closes_at else until


async def look(run: Run, lines: Sequence[LineState]) -> Facts:
    """
    Ask once for all that must be known of these lines; the quotes last, so that they are fresh.

    Raises:
        BrokerConnectionError: Somebody could not be asked.

    """
    symbols = [line.item.symbol for line in lines]
    sold = [line.item.symbol for line in lines if line.item.action is Action.SELL]
    session = await run.ask(run.brokerage.hours.get_session)
    instruments = await run.ask(run.brokerage.instruments.get_instruments, symbols)
    sellable = await run.ask(run.brokerage.account.get_sellable, sold) if sold else {}
    quotes = await run.ask(run.brokerage.market_data.get_current_prices, symbols)
    return Facts(session, quotes, instruments, sellable, run.clock.now())


async def prepare(run: Run, lines: Sequence[LineState]) -> list[Event]:
    """
    Give what becomes of these lines: an order each, complete, or the reason why there is none.

    Of as many of them as can be sent now: the others' quotes would be old when it is their turn.
    """
    await run.room()
    lines = lines[: run.largest_wave]
    if not lines or run.stop.reason is not None:
        return []
    try:
        spare = await _spare(run, lines)
        facts = await look(run, lines)
    except BrokerConnectionError as e:
        return close(lines, Reason.BROKER_UNAVAILABLE, str(e))
    if objection := check_session(facts.session, facts.now, run.policy.execution):
        # Before the first order it stops the run, and the plan can be executed later as it is.
        if not run.state.orders:
            return [StopRequested(reason=objection.reason, detail=objection.detail)]
        return close(lines, objection.reason, objection.detail)
    lines = lines[: run.largest_wave]
    ids = {n: run.state.client_order_ids(n) for n in {len(line.orders) + 1 for line in lines}}
    events: list[Event] = []
    for line in lines:
        purse = Money(spare + promised([line]))
        planned = _decide(run, line, facts, ids[len(line.orders) + 1][line.item.symbol], purse)
        if isinstance(planned, Objection):
            cost = ZERO_USD
            events += close([line], planned.reason, planned.detail)
        else:
            cost = worth(planned.sizing.quantity, planned.sizing.price)
            events += [planned, *_warning(line, planned.sizing)]
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


def assess(run: Run, line: LineState, facts: Facts) -> SizingFacts | Objection:
    """Give what sizing needs to know of a line, or the first thing that speaks against trading it now."""
    item, held = line.item, facts.sellable.get(line.item.symbol, ZERO_SHARES)
    instrument = check_instrument(item, facts.instruments.get(item.symbol), held=held > 0)
    if isinstance(instrument, Objection):
        return instrument
    quote = check_quote(item, facts.quotes.get(item.symbol), facts.now, run.policy.execution)
    if isinstance(quote, Objection):
        return quote
    return SizingFacts(quote, instrument, held, run.policy.execution.exit_tolerance)


def _decide(
    run: Run, line: LineState, facts: Facts, name: ClientOrderId, purse: Money
) -> OrderRecorded | Objection:
    item, attempt, found = line.item, len(line.orders) + 1, assess(run, line, facts)
    if isinstance(found, Objection):
        return found
    sizing = remainder(line, found, purse) if line.orders else size(item, _allotted(line), found)
    if isinstance(sizing, Objection):
        return sizing
    last = line.orders[-1].report if line.orders else None
    intent = Intent(
        name,
        attempt,
        item.side,
        sizing.quantity,
        item.planned_usd,
        found.instrument,
        line.execution,
        run.policy.limits,
    )
    order = NEXT_ORDER[line.style](intent, last, found.quote)
    if order is None:
        lot = found.instrument.lot
        detail = f"${sizing.available_usd} do not reach for {lot} shares at {sizing.price}"
        return Objection(Reason.ROUNDS_TO_ZERO, detail)
    deadline = facts.deadline(works_s(line.style, line.execution, attempt))
    return OrderRecorded(order=order, attempt=attempt, sizing=sizing, deadline=deadline)


def _allotted(line: LineState) -> Money:
    return line.item.planned_usd if line.allotted is None else line.allotted


def _warning(line: LineState, sizing: Sizing) -> list[Event]:
    if line.orders or sizing.reason is not Reason.MORE_HELD_THAN_PLANNED:
        return []
    detail = f"more is held than the plan's ${line.item.planned_usd}: only that much is sold"
    return [Alerted(severity=Severity.WARNING, reason=sizing.reason, symbol=line.item.symbol, detail=detail)]
