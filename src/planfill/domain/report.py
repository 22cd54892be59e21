"""The broker's word on an order, and how two of its words become one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field, StringConstraints

from planfill.domain.order import Side
from planfill.domain.values import (
    BrokerOrderId,
    ClientOrderId,
    Money,
    Price,
    Quantity,
    Symbol,
    Value,
)


class OrderStatus(StrEnum):
    """FIX tag 39, and UNKNOWN for what a broker says that nobody recognises: it counts as working."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    DONE_FOR_DAY = "DONE_FOR_DAY"
    REPLACED = "REPLACED"
    PENDING_CANCEL = "PENDING_CANCEL"
    PENDING_REPLACE = "PENDING_REPLACE"
    SUSPENDED = "SUSPENDED"
    UNKNOWN = "UNKNOWN"


# DONE_FOR_DAY ends a DAY order, the only kind we send. REPLACED does not end ours: somebody else's
# replacement works on, and is followed.
TERMINAL: Final = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
        OrderStatus.DONE_FOR_DAY,
    }
)


class ExecutionReport(Value, frozen=True):
    """What the broker says of one order now; quantities are cumulative."""

    client_order_id: ClientOrderId
    broker_order_id: Annotated[BrokerOrderId, StringConstraints(min_length=1)]
    symbol: Symbol
    side: Side
    status: OrderStatus
    filled_quantity: Annotated[Quantity, Field(ge=0)]
    average_price: Annotated[Price, Field(gt=0)] | None = None
    fees_usd: Money | None = None
    replaced_by: BrokerOrderId | None = None
    reported_at: AwareDatetime
    raw: str = ""

    @property
    def is_terminal(self) -> bool:
        """Whether the broker is done with the order."""
        return self.status in TERMINAL

    @property
    def is_adopted(self) -> bool:
        """Whether somebody replaced the order, and this is what it and its replacement amount to."""
        return self.replaced_by is not None and self.status is not OrderStatus.REPLACED

    @property
    def is_priced(self) -> bool:
        """Whether the price of what was filled is known: a fill without one is never worth 0."""
        return self.average_price is not None or self.filled_quantity == 0


class Fill(Value, frozen=True):
    """One execution as the broker's own record has it: the independent read."""

    fill_id: Annotated[str, StringConstraints(min_length=1)]
    broker_order_id: BrokerOrderId
    symbol: Symbol
    side: Side
    quantity: Annotated[Quantity, Field(gt=0)]
    price: Annotated[Price, Field(gt=0)]
    fees_usd: Money | None = None
    filled_at: AwareDatetime


# What one report of a quantity may leave out and another tell.
_TOLD_ONCE: Final = ("average_price", "fees_usd")


def merge(known: ExecutionReport | None, new: ExecutionReport) -> ExecutionReport:
    """
    Give the report that knows more, whatever the order in which they came.

    More filled wins; then FILLED over another end over working; then what tells of a replacement, and what
    adds it; then a priced over an unpriced one. Price
    and fees travel with the quantity that they belong to: at the same quantity, either report may tell
    them. A report that knows no more changes nothing.
    """
    if known is None:
        return new
    more, less = (new, known) if _knowledge(new) > _knowledge(known) else (known, new)
    if more.filled_quantity != less.filled_quantity:
        return more
    told = {name: getattr(less, name) for name in _TOLD_ONCE if getattr(more, name) is None}
    if all(value is None for value in told.values()):
        return more
    return ExecutionReport.model_validate({**dict(more), **told})


def _knowledge(report: ExecutionReport) -> tuple[Quantity, int, int, bool, bool]:
    standing = report.is_terminal + (report.status is OrderStatus.FILLED)
    replaced = (report.status is OrderStatus.REPLACED) + 2 * report.is_adopted
    return report.filled_quantity, standing, replaced, report.is_priced, report.fees_usd is not None
