"""Numbers as people and programs write them, made exact."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

DIGITS_BEFORE: Final = 15
DIGITS_AFTER: Final = 9
_WRITTEN: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,6})?", re.ASCII)


def exact(value: object) -> object:
    """
    Turn a string or a number into the Decimal it shows; what is no number is left for the type to refuse.

    A float becomes the shortest decimal that denotes it, as it would be printed.

    Raises:
        ValueError: Not a number, not finite, or beyond 15 digits before the point and 9 after.

    """
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return value
    if isinstance(value, str) and not _WRITTEN.fullmatch(value):
        msg = f"{value[:40]!r} is not a number such as 1234.56"
        raise ValueError(msg)
    number = Decimal(float.__repr__(value) if isinstance(value, float) else value)
    if not number.is_finite():
        msg = f"{number} is not an amount"
        raise ValueError(msg)
    if number and number.adjusted() >= DIGITS_BEFORE:
        msg = f"more than {DIGITS_BEFORE} digits before the point"
        raise ValueError(msg)
    # The first test keeps a tiny exponent such as 1e-999999 from being written out.
    if number and (number.adjusted() < -DIGITS_AFTER or _decimals(number) > DIGITS_AFTER):
        msg = f"more than {DIGITS_AFTER} digits after the point: round it"
        raise ValueError(msg)
    return Decimal(plain(number))


def plain(number: Decimal) -> str:
    """Write a number in one way only: no exponent, no trailing zeros, no sign on zero."""
    if not number:
        return "0"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimals(number: Decimal) -> int:
    """Count the digits after the point that say something."""
    return len(plain(number).partition(".")[2])
