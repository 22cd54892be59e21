"""The base of all values, and the units they are measured in."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import Annotated, Final, NewType

from pydantic import BaseModel, StringConstraints


class Value(BaseModel, frozen=True, strict=True, extra="forbid"):
    """A frozen, strict value: nonsense is refused at construction, nothing is coerced."""


# Three things that are all Decimals and must never be mistaken for each other.
Money = NewType("Money", Decimal)
"""US dollars; signed where a sign means something."""
Quantity = NewType("Quantity", Decimal)
"""Shares."""
Price = NewType("Price", Decimal)
"""US dollars a share."""

ClientOrderId = NewType("ClientOrderId", str)
"""Our name for an order, derived from the plan; see ``domain.identity``."""
BrokerOrderId = NewType("BrokerOrderId", str)
"""The broker's name for an order."""


Symbol = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[A-Z0-9./-]+$")]
"""An upper-case ticker."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A name that is not empty."""

ZERO_USD: Final = Money(Decimal(0))
ZERO_SHARES: Final = Quantity(Decimal(0))
_NANO: Final = Decimal("0.000000001")
_CENT: Final = Decimal("0.01")
# Wide enough for every amount times every quantity; divisions never round up into a share too many.
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)
_DOWN: Final = Context(prec=80, rounding=ROUND_DOWN)


def cents(amount: Decimal) -> Money:
    """Round an amount of dollars to the cent, half to even."""
    return Money(amount.quantize(_CENT, context=_EXACT))


def worth(quantity: Quantity, price: Price) -> Money:
    """Value ``quantity`` shares at ``price``, to the cent."""
    # An average price need not terminate: without the first rounding, half a cent might become none.
    return cents(_EXACT.multiply(quantity, price).quantize(_NANO, context=_EXACT))


def shares_for(amount: Money, price: Price) -> Quantity:
    """Divide dollars by a price; what does not divide evenly is cut off, never rounded up."""
    return Quantity(_DOWN.divide(amount, price))


def round_down(number: Decimal, increment: Decimal) -> Decimal:
    """Round a positive number down to a multiple of ``increment``."""
    return _EXACT.multiply(_DOWN.divide_int(number, increment), increment)


def scale_down(quantity: Quantity, part: Money, whole: Money) -> Quantity:
    """Take the share ``part / whole`` of a quantity; what does not divide evenly is cut off."""
    return Quantity(_DOWN.divide(_EXACT.multiply(quantity, part), whole))
