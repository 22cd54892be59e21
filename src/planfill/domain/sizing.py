"""How many shares a line is: down, from a known price, never a default."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.values import (
    Money,
    Price,
    Quantity,
    Value,
    round_down,
    scale_down,
    shares_for,
    worth,
)

if TYPE_CHECKING:
    from planfill.domain.market import Instrument, Quote
    from planfill.domain.plan import PlanItem


class Sizing(Value, frozen=True):
    """
    How a line's dollars became shares, rung by rung, each rung in dollars to the cent.

    ``allotted_usd`` is what funding left of the planned dollars, ``intended_usd`` what is meant to trade
    of it at ``price`` (another figure where the plan says the quantity), ``available_usd`` what is left of
    that by what is held. ``quantity`` is ``available_usd`` in whole steps of the broker.
    """

    price: Annotated[Price, Field(gt=0)]
    mid_price: Annotated[Price, Field(gt=0)]
    arrival_price: Annotated[Price, Field(gt=0)]
    price_source: str
    allotted_usd: Money
    intended_usd: Money
    available_usd: Money
    quantity: Annotated[Quantity, Field(ge=0)]
    reason: Reason | None = None


class SizingFacts(NamedTuple):
    """What sizing looks at besides the line: the market, the instrument, what is held and allowed."""

    quote: Quote
    instrument: Instrument
    sellable: Quantity
    exit_tolerance: Decimal


def size(item: PlanItem, allotted: Money, facts: SizingFacts) -> Sizing:
    """
    Turn the dollars allotted to a line into shares; ``quantity`` is 0 where they do not reach for a step.

    A sale is never larger than what is held, and a full exit is all that is held if its value is within
    ``exit_tolerance`` of the line's dollars; else only the planned dollars are sold.
    """
    price = facts.quote.near(item.side)
    intended, cut = shares_for(allotted, price), allotted < item.planned_usd
    if item.quantity is not None:
        intended = scale_down(item.quantity, allotted, item.planned_usd) if cut else item.quantity
    available, reason = intended, Reason.FUNDS_CUT if cut else None
    if item.side is Side.SELL:
        available, held = min(intended, facts.sellable), worth(facts.sellable, price)
        if item.is_full_exit and abs(held - allotted) <= allotted * facts.exit_tolerance:
            available = facts.sellable
        elif item.is_full_exit and held > allotted:
            reason = Reason.MORE_HELD_THAN_PLANNED
        elif intended > facts.sellable:
            reason = Reason.HELD_LESS_THAN_PLANNED
    return Sizing(
        price=price,
        mid_price=facts.quote.mid,
        arrival_price=item.reference_price or facts.quote.mid,
        price_source=facts.quote.source,
        allotted_usd=allotted,
        intended_usd=worth(intended, price),
        available_usd=worth(available, price),
        quantity=Quantity(round_down(available, facts.instrument.lot)),
        reason=reason,
    )
