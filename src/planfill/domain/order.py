"""An order, complete before it is sent."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from planfill.domain.values import ClientOrderId, Money, Price, Quantity, Symbol, Value


class Side(StrEnum):
    """FIX tag 54."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """FIX tag 40."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"


class TimeInForce(StrEnum):
    """FIX tag 59."""

    DAY = "DAY"


class Order(Value, frozen=True):
    """
    What is sent: quantity in shares or notional in dollars, never both, never neither.

    ``quoted_at`` is when the market was last seen before sending; it is not a term of the order.
    """

    client_order_id: Annotated[ClientOrderId, StringConstraints(min_length=1, max_length=48)]
    symbol: Symbol
    side: Side
    order_type: OrderType
    quantity: Annotated[Quantity, Field(gt=0)] | None = None
    notional: Annotated[Money, Field(gt=0)] | None = None
    limit_price: Annotated[Price, Field(gt=0)] | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    extended_hours: Literal[False] = False
    quoted_at: AwareDatetime

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.quantity is None) == (self.notional is None):
            msg = "an order has a quantity or a notional, and not both"
            raise ValueError(msg)
        if (self.limit_price is None) != (self.order_type is OrderType.MARKET):
            msg = "a limit order has a limit price, a market order has none"
            raise ValueError(msg)
        return self

    def seen_at(self, quoted_at: AwareDatetime) -> Order:
        """Give the same order after another look at the market."""
        return Order.model_validate({**dict(self), "quoted_at": quoted_at})

    def same_terms(self, other: Order) -> bool:
        """Tell whether two orders ask the broker for the same thing."""
        return self._terms() == other._terms()

    def _terms(self) -> tuple[object, ...]:
        return (
            self.client_order_id, self.symbol, self.side, self.order_type,
            self.quantity, self.notional, self.limit_price, self.time_in_force,
        )  # fmt: skip
