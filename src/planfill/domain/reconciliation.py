"""The broker's own record beside ours: plan and fills are what the broker has, or it is said what is not."""

from __future__ import annotations

from enum import StrEnum

from planfill.domain.values import ClientOrderId, Value


class Discrepancy(StrEnum):
    """What kind of difference there is between the ledger and the broker."""

    ORDER_MISSING = "ORDER_MISSING"
    """The ledger has a filled order that the broker does not list."""
    ORDER_UNKNOWN = "ORDER_UNKNOWN"
    """The broker lists an order of ours that the ledger does not have, or says was never placed."""
    ORDER_OPEN = "ORDER_OPEN"
    """An order has ended for the ledger, and works on at the broker."""
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

    @property
    def is_foreign(self) -> bool:
        """Whether it is somebody else's doing, and our own record is whole."""
        return self.kind is Discrepancy.FOREIGN_ORDER

    def __str__(self) -> str:
        """Tell what differs in one line."""
        what = " ".join(part for part in (self.kind, self.symbol, self.client_order_id) if part)
        return f"{what}: ours {self.ours}, theirs {self.theirs}"


class Reconciliation(Value, frozen=True):
    """
    What came of comparing an execution with the broker's own record.

    ``orders`` counts our orders that were compared, ``positions`` the symbols: None where it is not known
    what was held before. ``trouble`` says why nothing was compared, or is empty.
    """

    plan_id: str
    account: str
    orders: int = 0
    positions: int | None = None
    differences: tuple[Difference, ...] = ()
    trouble: str = ""

    @property
    def exit_code(self) -> int:
        """What a command ends with: 0 in order, 1 with differences, 3 where nothing could be compared."""
        if self.trouble:
            return 3
        return 1 if self.differences else 0

    def __str__(self) -> str:
        """Tell what came of it in one line."""
        if self.trouble:
            return f"not reconciled: {self.trouble}"
        if not self.differences:
            return "reconciled: the broker's record is what ours is"
        found = "; ".join(str(one) for one in self.differences)
        return f"reconciled: the broker's record differs from ours: {found}"
