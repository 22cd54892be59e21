"""The broker's own record beside ours: plan and fills are what the broker has, or it is said what is not."""

from __future__ import annotations

from enum import StrEnum

from planfill.domain.values import ClientOrderId, Value


class Discrepancy(StrEnum):
    """What kind of difference there is between the ledger and the broker."""

    ORDER_MISSING = "ORDER_MISSING"
    """The ledger has a filled order that the broker does not list."""
    ORDER_UNKNOWN = "ORDER_UNKNOWN"
    """The broker lists an order of ours that the ledger does not have."""
    FILLED_QUANTITY = "FILLED_QUANTITY"
    """The fills of an order do not add up to what the ledger has."""
    FILLED_VALUE = "FILLED_VALUE"
    """The fills of an order are not worth what the ledger has."""
    POSITION = "POSITION"
    """A position is not what it was before, and the fills."""
    CASH = "CASH"
    """The cash is not what it was before, and the fills."""
    FOREIGN_ORDER = "FOREIGN_ORDER"
    """Somebody else has orders in a symbol of the plan: reported, never touched."""


class Difference(Value, frozen=True):
    """One difference; ``ours`` and ``theirs`` as texts, with their units."""

    kind: Discrepancy
    symbol: str = ""
    client_order_id: ClientOrderId | None = None
    ours: str
    theirs: str
