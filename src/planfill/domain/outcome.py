"""How a line can end, why, and where its dollars went."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class LineOutcome(StrEnum):
    """The one end of every line."""

    HOLD = "HOLD"
    FILLED = "FILLED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    UNFILLED = "UNFILLED"
    REJECTED = "REJECTED"
    SKIPPED = "SKIPPED"
    BLOCKED = "BLOCKED"
    UNRESOLVED = "UNRESOLVED"


FAILED: Final = frozenset({LineOutcome.REJECTED, LineOutcome.UNFILLED, LineOutcome.UNRESOLVED})


class Residual(StrEnum):
    """The cause of a difference between planned and filled dollars."""

    ROUNDING = "rounding"
    PRICE = "price"
    HOLDING = "holding"
    UNFILLED = "unfilled"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    FUNDING = "funding"
    DUST = "dust"
    UNRESOLVED = "unresolved"
    ROLLOUT = "rollout"


# What a line may leave over and still count as executed to the letter.
HARMLESS: Final = frozenset({Residual.ROUNDING, Residual.PRICE, Residual.HOLDING, Residual.DUST})


class Reason(StrEnum):
    """Why a line ended as it did, where the outcome alone does not say it."""

    AMOUNT_ZERO = "AMOUNT_ZERO"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    ROUNDS_TO_ZERO = "ROUNDS_TO_ZERO"
    REMAINDER_TOO_SMALL = "REMAINDER_TOO_SMALL"
    NO_PRICE = "NO_PRICE"
    BAD_PRICE = "BAD_PRICE"
    CROSSED_PRICE = "CROSSED_PRICE"
    STALE_PRICE = "STALE_PRICE"
    WIDE_SPREAD = "WIDE_SPREAD"
    PRICE_DEVIATION = "PRICE_DEVIATION"
    SOURCE_DEVIATION = "SOURCE_DEVIATION"
    QUANTITY_MISMATCH = "QUANTITY_MISMATCH"
    NOT_TRADABLE = "NOT_TRADABLE"
    NOT_HELD = "NOT_HELD"
    HELD_LESS_THAN_PLANNED = "HELD_LESS_THAN_PLANNED"
    MORE_HELD_THAN_PLANNED = "MORE_HELD_THAN_PLANNED"
    FUNDS_CUT = "FUNDS_CUT"
    NO_FUNDS = "NO_FUNDS"
    THIN_QUOTE = "THIN_QUOTE"
    SELLS_FAILED = "SELLS_FAILED"
    MARKET_CLOSED = "MARKET_CLOSED"
    CLOSING_SOON = "CLOSING_SOON"
    HALTED = "HALTED"
    CANCELED_BY_USER = "CANCELED_BY_USER"
    INTERRUPTED = "INTERRUPTED"
    BREAKER = "BREAKER"
    LIMIT = "LIMIT"
    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    SHORTFALL = "SHORTFALL"
    ACCOUNT_BLOCKED = "ACCOUNT_BLOCKED"
    ACCOUNT_BUSY = "ACCOUNT_BUSY"
    ACCOUNT_UNFINISHED = "ACCOUNT_UNFINISHED"
    PLAN_TOO_OLD = "PLAN_TOO_OLD"
    BROKER_UNAVAILABLE = "BROKER_UNAVAILABLE"
    DEADLINE = "DEADLINE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    INSUFFICIENT_QUANTITY = "INSUFFICIENT_QUANTITY"
    NOT_FRACTIONABLE = "NOT_FRACTIONABLE"
    TOO_SMALL = "TOO_SMALL"
    PRICE_INCREMENT = "PRICE_INCREMENT"
    WASH_TRADE = "WASH_TRADE"
    SHORT_SALE = "SHORT_SALE"
    NOT_AUTHORIZED = "NOT_AUTHORIZED"
    ORDER_CONFLICT = "ORDER_CONFLICT"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    CANCEL_UNCONFIRMED = "CANCEL_UNCONFIRMED"
    LATE_FILL = "LATE_FILL"
    OVERFILL = "OVERFILL"
    REPLACED = "REPLACED"
    UNPRICED = "UNPRICED"
    RESOLVED = "RESOLVED"
    FOREIGN_ORDER = "FOREIGN_ORDER"
    RECONCILIATION = "RECONCILIATION"
    ROLLOUT = "ROLLOUT"
    STUCK = "STUCK"


# The outcome, and the cause of the missing dollars, of a line that was closed before anything was sent.
_CLOSED_AS: Final[dict[Reason | None, tuple[LineOutcome, Residual]]] = {
    Reason.AMOUNT_ZERO: (LineOutcome.SKIPPED, Residual.SKIPPED),
    Reason.BELOW_MINIMUM: (LineOutcome.SKIPPED, Residual.DUST),
    Reason.ROUNDS_TO_ZERO: (LineOutcome.SKIPPED, Residual.ROUNDING),
    Reason.REMAINDER_TOO_SMALL: (LineOutcome.SKIPPED, Residual.DUST),
    Reason.NO_PRICE: (LineOutcome.SKIPPED, Residual.SKIPPED),
    Reason.BAD_PRICE: (LineOutcome.SKIPPED, Residual.SKIPPED),
    Reason.CROSSED_PRICE: (LineOutcome.SKIPPED, Residual.SKIPPED),
    Reason.STALE_PRICE: (LineOutcome.SKIPPED, Residual.SKIPPED),
    Reason.WIDE_SPREAD: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.PRICE_DEVIATION: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.SOURCE_DEVIATION: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.QUANTITY_MISMATCH: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.NOT_TRADABLE: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.NOT_HELD: (LineOutcome.SKIPPED, Residual.HOLDING),
    Reason.NO_FUNDS: (LineOutcome.BLOCKED, Residual.FUNDING),
    Reason.SELLS_FAILED: (LineOutcome.BLOCKED, Residual.FUNDING),
    Reason.MARKET_CLOSED: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.CLOSING_SOON: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.HALTED: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.CANCELED_BY_USER: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.INTERRUPTED: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.BREAKER: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.LIMIT: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.DUPLICATE_ORDER: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.SHORTFALL: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.ACCOUNT_BLOCKED: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.NOT_AUTHORIZED: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.ACCOUNT_BUSY: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.ACCOUNT_UNFINISHED: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.PLAN_TOO_OLD: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.BROKER_UNAVAILABLE: (LineOutcome.BLOCKED, Residual.BLOCKED),
    Reason.ROLLOUT: (LineOutcome.BLOCKED, Residual.ROLLOUT),
}


def closed_as(reason: Reason | None) -> tuple[LineOutcome, Residual]:
    """Give how a line ends of which nothing was sent; what no row speaks of blocked it."""
    return _CLOSED_AS.get(reason, (LineOutcome.BLOCKED, Residual.BLOCKED))
