"""Numbers and times: the floats of ib_async as what they were on the wire."""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal
from typing import Final

from ib_async.util import UNSET_DOUBLE, parseIBDatetime

_UNSET: Final = Decimal(repr(UNSET_DOUBLE))
_IN_UTC: Final = re.compile(r"\d{8}-\d\d:\d\d:\d\d")


def number(told: object) -> Decimal | None:
    """
    Read a number; None where IB says that there is none.

    A float that was read from a decimal is written shortest as that decimal again.

    Raises:
        ValueError: It is no number.

    """
    if isinstance(told, bool) or not isinstance(told, float | int | Decimal | str):
        msg = f"{told!r} is no number"
        raise ValueError(msg)  # noqa: TRY004 - as for a text that is none
    if told == "":
        return None
    try:
        read = Decimal(repr(told)) if isinstance(told, float) else Decimal(told)
    except ArithmeticError as e:
        msg = f"{told!r} is no number"
        raise ValueError(msg) from e
    if math.isnan(read) or read == _UNSET:
        return None
    if not read.is_finite():
        msg = f"{told!r} is no number"
        raise ValueError(msg)
    return read


def zoned(told: str) -> str:
    """Name the zone of ``20261127-14:31:04``, which is how the gateway writes UTC."""
    return f"{told.replace('-', ' ')} UTC" if _IN_UTC.fullmatch(told) else told


def moment(told: str) -> datetime | None:
    """Read a time such as ``20261127 09:31:04 US/Eastern``; None where it names no zone, or is none."""
    try:
        at = parseIBDatetime(zoned(told))
    except (ValueError, KeyError):
        return None
    return at if isinstance(at, datetime) and at.tzinfo is not None else None
