"""A line's order, complete, or what speaks against sending one now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planfill.domain.checks import Objection, check_instrument, check_quote, check_second
from planfill.domain.order_checks import check_opposite, check_order
from planfill.domain.outcome import Reason
from planfill.domain.remainders import remainder
from planfill.domain.sizing import SizingFacts, size
from planfill.domain.styles import NEXT_ORDER, Intent
from planfill.domain.values import ZERO_SHARES

if TYPE_CHECKING:
    from planfill.domain.facts import Facts
    from planfill.domain.market import Instrument, Quote
    from planfill.domain.order import Order
    from planfill.domain.plan import PlanItem
    from planfill.domain.policy import Policy
    from planfill.domain.sizing import Sizing
    from planfill.domain.state import LineState
    from planfill.domain.values import ClientOrderId, Money


class Examined(NamedTuple):
    """What each check of a line against the facts gave, before it is sized."""

    instrument: Instrument | Objection
    opposite: Objection | None
    quote: Quote | Objection


class Draft(NamedTuple):
    """An order that may be sent now, and how its quantity came about."""

    order: Order
    sizing: Sizing
    facts: SizingFacts


def examine(item: PlanItem, facts: Facts, policy: Policy) -> Examined:
    """Make every check of a line that needs no size."""
    held = facts.sellable.get(item.symbol, ZERO_SHARES) > 0
    return Examined(
        check_instrument(item, facts.instruments.get(item.symbol), held=held),
        check_opposite(item, facts.open_orders),
        _confirmed(item, facts, policy),
    )


def _confirmed(item: PlanItem, facts: Facts, policy: Policy) -> Quote | Objection:
    quote = check_quote(item, facts.quotes.get(item.symbol), facts.at, policy.execution)
    if isinstance(quote, Objection):
        return quote
    return check_second(quote, facts.second, policy.execution) or quote


def assess(item: PlanItem, facts: Facts, policy: Policy) -> SizingFacts | Objection:
    """Give what sizing needs to know of a line, or the first thing that speaks against trading it now."""
    instrument, opposite, quote = examine(item, facts, policy)
    if isinstance(instrument, Objection):
        return instrument
    if opposite is not None:
        return opposite
    if isinstance(quote, Objection):
        return quote
    sellable = facts.sellable.get(item.symbol, ZERO_SHARES)
    return SizingFacts(quote, instrument, sellable, policy.execution.exit_tolerance)


def draft(
    line: LineState, facts: Facts, policy: Policy, name: ClientOrderId, purse: Money | None = None
) -> Draft | Objection:
    """
    Size a line and make its next order, or say why there is none; before funding, of its planned dollars.

    The first order is sized from dollars; a later one is what those before it have left, for which a buy
    has the dollars in the ``purse``, as far as there is one.
    """
    item, found = line.item, assess(line.item, facts, policy)
    if isinstance(found, Objection):
        return found
    allotted = item.planned_usd if line.allotted is None else line.allotted
    sizing = remainder(line, found, purse) if line.orders else size(item, allotted, found)
    if isinstance(sizing, Objection):
        return sizing
    intent = Intent(
        name, len(line.orders) + 1, item.side, sizing.quantity, item.planned_usd, found.instrument,
        line.execution, policy.limits,
    )  # fmt: skip
    order = NEXT_ORDER[line.style](intent, line.orders[-1].report if line.orders else None, found.quote)
    if order is None:
        lot = found.instrument.lot
        detail = f"${sizing.available_usd} do not reach for {lot} shares at {sizing.price}"
        return Objection(Reason.ROUNDS_TO_ZERO, detail)
    return check_order(order, sizing, found, policy.limits) or Draft(order, sizing, found)
