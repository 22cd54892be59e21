"""What a line's orders have left, as the size of its next one: in shares, never again from dollars."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.domain.checks import Objection
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.sizing import Sizing
from planfill.domain.values import Money, Quantity, round_down, worth

if TYPE_CHECKING:
    from planfill.domain.sizing import SizingFacts
    from planfill.domain.state import LineState

_LEAST_USD: Final = Decimal(1)


def remainder(line: LineState, facts: SizingFacts, purse: Money | None) -> Sizing | Objection:
    """
    Give what is left of a line's first order, in whole steps of the broker, at the market's price of now.

    Objects where that is less than the broker's smallest order: a step, or a dollar where it is no full exit;
    where less can be sold than is left; and where a buy costs more than the dollars in the ``purse``, if any.
    """
    price = facts.quote.near(line.item.side)
    quantity = Quantity(round_down(line.rest, facts.instrument.lot))
    value = worth(quantity, price)
    if not quantity or (value < _LEAST_USD and not line.item.is_full_exit):
        detail = f"{line.rest} shares are left, worth ${worth(line.rest, price)}: too little for an order"
        return Objection(Reason.REMAINDER_TOO_SMALL, detail)
    if line.item.side is Side.SELL and quantity > facts.sellable:
        detail = f"{facts.sellable} shares can be sold, not {quantity}"
        return Objection(Reason.HELD_LESS_THAN_PLANNED, detail)
    if line.item.side is Side.BUY and purse is not None and value > purse:
        return Objection(Reason.NO_FUNDS, f"what is left costs ${value}, ${purse:.2f} may be spent")
    changed = {
        "price": price,
        "mid_price": facts.quote.mid,
        "price_source": facts.quote.source,
        "quantity": quantity,
    }
    return Sizing.model_validate({**dict(line.orders[0].sizing), **changed})
