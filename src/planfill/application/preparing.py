"""A wave: quote, size and check lines, so that their orders can be recorded in one commit."""

from __future__ import annotations

from datetime import timedelta
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
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.sizing import SizingFacts, size
from planfill.domain.styles import NEXT_ORDER, Intent
from planfill.domain.values import ZERO_SHARES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from planfill.application.run import Run
    from planfill.domain.events import Event
    from planfill.domain.market import Instrument, MarketSession, NoQuote, Quote
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
        facts = await look(run, lines)
    except BrokerConnectionError as e:
        return close(lines, Reason.BROKER_UNAVAILABLE, str(e))
    if objection := check_session(facts.session, facts.now, run.policy.execution):
        # Before the first order it stops the run, and the plan can be executed later as it is.
        if not run.state.orders:
            return [StopRequested(reason=objection.reason, detail=objection.detail)]
        return close(lines, objection.reason, objection.detail)
    ids, lines = run.state.client_order_ids(attempt=1), lines[: run.largest_wave]
    return [event for line in lines for event in _decide(run, line, facts, ids[line.item.symbol])]


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


def _decide(run: Run, line: LineState, facts: Facts, name: ClientOrderId) -> Iterator[Event]:
    item, found = line.item, assess(run, line, facts)
    if isinstance(found, Objection):
        yield LineClosed(symbol=item.symbol, reason=found.reason, detail=found.detail)
        return
    sizing = size(item, item.planned_usd if line.allotted is None else line.allotted, found)
    intent = Intent(name, item.side, sizing.quantity, item.planned_usd, found.instrument, run.policy)
    order = NEXT_ORDER[run.policy.execution.style](intent, None, found.quote)
    if order is None:
        lot = found.instrument.lot
        detail = f"${sizing.available_usd} do not reach for {lot} shares at {sizing.price}"
        yield LineClosed(symbol=item.symbol, reason=Reason.ROUNDS_TO_ZERO, detail=detail)
        return
    deadline = facts.deadline(run.policy.execution.order_deadline_s)
    yield OrderRecorded(order=order, attempt=1, sizing=sizing, deadline=deadline)
    if sizing.reason is Reason.MORE_HELD_THAN_PLANNED:
        yield Alerted(
            severity=Severity.WARNING,
            reason=sizing.reason,
            symbol=item.symbol,
            detail=f"more is held than the plan's ${item.planned_usd}: only that much is sold",
        )
