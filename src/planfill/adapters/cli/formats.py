"""Figures as people read them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.domain.numerals import plain
from planfill.domain.outcome import LineOutcome
from planfill.domain.result import ExecutionStatus

if TYPE_CHECKING:
    from datetime import datetime

_CENT: Final = Decimal("0.01")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

ACTION_STYLE: Final = {"BUY": "green", "SELL": "magenta", "HOLD": "dim"}
OUTCOME_STYLE: Final = {
    LineOutcome.HOLD: "dim",
    LineOutcome.FILLED: "green",
    LineOutcome.PARTIALLY_FILLED: "yellow",
    LineOutcome.UNFILLED: "yellow",
    LineOutcome.SKIPPED: "yellow",
    LineOutcome.BLOCKED: "yellow",
    LineOutcome.REJECTED: "red",
    LineOutcome.UNRESOLVED: "bold red",
}
STATUS_STYLE: Final = {
    ExecutionStatus.NOTHING_TO_DO: "bold green",
    ExecutionStatus.SUCCEEDED: "bold green",
    ExecutionStatus.PARTIAL: "bold yellow",
    ExecutionStatus.FAILED: "bold red",
    ExecutionStatus.REFUSED: "bold red",
    ExecutionStatus.HALTED: "bold red",
    ExecutionStatus.IN_DOUBT: "bold red",
}


def dollars(amount: Decimal) -> str:
    """Write an amount with separators and two decimals, for a column that names the unit."""
    return f"{amount:,.2f}"


def usd(amount: Decimal) -> str:
    """Write an amount with its unit."""
    return f"-${dollars(-amount)}" if amount < 0 else f"${dollars(amount)}"


def shares(quantity: Decimal | None) -> str:
    """Write a quantity plainly, whatever its precision; nothing where there is none."""
    return plain(quantity) if quantity else ""


def price(amount: Decimal | None) -> str:
    """Write a price with two to four decimals, as many as it needs."""
    if amount is None:
        return ""
    cents = amount.quantize(_CENT)
    return f"{cents:,.2f}" if cents == amount else f"{amount:,.4f}"


def words(code: str) -> str:
    """Write a code so that a narrow column can break it."""
    return code.replace("_", " ")


def one_line(text: str) -> str:
    """Take out what would break a line or steer a terminal: a text may come from anywhere."""
    return _CONTROL.sub(" ", text).strip()


def minute(at: datetime) -> str:
    """Write a time in UTC to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}"
