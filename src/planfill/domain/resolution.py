"""What an operator says became of an order, and the report that it amounts to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from planfill.domain.errors import OrderNotInDoubt
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.values import ZERO_SHARES, BrokerOrderId, Price, Quantity, Value

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.domain.state import OrderState


class Filled(Value, frozen=True):
    """So many shares were filled, at this average price, and no more will be."""

    quantity: Annotated[Quantity, Field(gt=0)]
    price: Annotated[Price, Field(gt=0)]


class Canceled(Value, frozen=True):
    """It was canceled; what is known to have filled before is all that did."""


class NeverPlaced(Value, frozen=True):
    """The broker never had it, and never will."""


Resolution = Filled | Canceled | NeverPlaced


def resolved(
    order: OrderState | None, client_order_id: str, resolution: Resolution, now: datetime
) -> ExecutionReport | None:
    """
    Give the report that the evidence amounts to; None for an order that was never placed.

    Raises:
        OrderNotInDoubt: There is no such order, its end is known, or the broker has said more than this.

    """
    if order is None or not (order.is_open or order.is_unresolved):
        msg = f"order {client_order_id!r} is not in doubt: planfill show tells what became of it"
        raise OrderNotInDoubt(msg)
    known, quantity, price = order.report, ZERO_SHARES, None
    if known is not None:
        quantity, price = known.filled_quantity, known.average_price
    if isinstance(resolution, NeverPlaced) and known is None:
        return None
    if isinstance(resolution, Filled) and resolution.quantity >= quantity:
        quantity, price = resolution.quantity, resolution.price
    elif not isinstance(resolution, Canceled) or (quantity and price is None):
        at = "a price that it did not tell" if price is None else f"{price}"
        msg = f"the broker has said that {quantity} shares of {client_order_id!r} filled, at {at}"
        raise OrderNotInDoubt(msg)
    whole = order.order.quantity is not None and quantity >= order.order.quantity
    return ExecutionReport(
        client_order_id=order.order.client_order_id,
        broker_order_id=known.broker_order_id if known else BrokerOrderId("told-by-operator"),
        symbol=order.order.symbol,
        side=order.order.side,
        status=OrderStatus.FILLED if whole else OrderStatus.CANCELED,
        filled_quantity=quantity,
        average_price=price,
        reported_at=now,
    )
