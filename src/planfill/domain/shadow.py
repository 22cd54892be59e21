"""A shadow run: what became of a plan here, beside what somebody else made of the same plan."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome
from planfill.domain.values import Money, Price, Quantity, Symbol, Value


class ShadowField(StrEnum):
    """What of a line is compared."""

    LINE = "line"
    """Whether it was traded at all."""
    SIDE = "side"
    QUANTITY = "quantity"
    DOLLARS = "dollars"
    PRICE = "price"
    TIME = "time"
    OUTCOME = "outcome"


class ShadowOrder(Value, frozen=True):
    """
    What became of one line, here or there; None where it is not told, which is not zero.

    ``quantity`` (shares), ``dollars`` and the average ``price`` are of what was filled; ``time`` is when the
    broker said so last.
    """

    symbol: Symbol
    side: Side | None = None
    quantity: Annotated[Quantity, Field(ge=0)] | None = None
    price: Annotated[Price, Field(gt=0)] | None = None
    dollars: Annotated[Money, Field(ge=0)] | None = None
    time: AwareDatetime | None = None
    outcome: LineOutcome | None = None

    @property
    def traded(self) -> bool:
        """Whether anything was filled; what does not say is taken for an order that was."""
        if self.quantity is not None or self.dollars is not None:
            return bool(self.quantity or self.dollars)
        return self.outcome in {None, LineOutcome.FILLED, LineOutcome.PARTIALLY_FILLED}


_Tolerance = Annotated[Decimal, Field(ge=0, le=10_000)]


class Tolerances(Value, frozen=True):
    """By how much the two sides of a line may differ; percent and basis points of the larger of the two."""

    quantity_pct: _Tolerance = Decimal("0.5")
    dollars_pct: _Tolerance = Decimal("0.5")
    price_bps: _Tolerance = Decimal(25)
    time_s: Annotated[float, Field(ge=0)] = 300


class ShadowDifference(Value, frozen=True):
    """One difference beyond its tolerance; both sides as texts, with their units."""

    symbol: str
    field: ShadowField
    ours: str
    theirs: str

    def __str__(self) -> str:
        """Tell what differs in one line."""
        return f"{self.symbol} {self.field}: ours {self.ours}, theirs {self.theirs}"


class ShadowVerdict(Value, frozen=True):
    """
    What came of comparing the lines of a plan.

    ``compared_fields`` are those that both sides tell of every line that both have; differences may be of
    others too. ``lines`` counts the lines that at least one of the two traded.
    """

    differences: tuple[ShadowDifference, ...] = ()
    compared_fields: tuple[ShadowField, ...] = ()
    lines: int = 0
