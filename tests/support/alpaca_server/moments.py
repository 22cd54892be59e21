"""Times as Alpaca writes them: UTC to the nanosecond, or New York's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
# What Alpaca knows beyond Python's microseconds; never nothing, so that whoever rounds is found out.
_BEYOND: Final = "100"


@lru_cache
def stamp(at: datetime) -> str:
    """Write a time as Alpaca does: UTC, nanoseconds, trailing zeros trimmed."""
    seconds = at.astimezone(UTC).isoformat(timespec="microseconds").partition("+")[0]
    return f"{seconds}{_BEYOND}".rstrip("0") + "Z"


def at_the_exchange(at: datetime) -> str:
    """Write a time with the offset of New York's, summer and winter."""
    there = at.astimezone(NEW_YORK)
    zone = f"{there:%z}"
    return f"{there:%Y-%m-%dT%H:%M:%S.%f}{_BEYOND}{zone[:3]}:{zone[3:]}"


def nanoseconds(text: str) -> int:
    """Read a time, to the nanosecond, which Python would cut off."""
    found = re.search(r"\.(\d{1,9})", text)
    at = datetime.fromisoformat(text).replace(microsecond=0)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(at.timestamp()) * 10**9 + int(found[1].ljust(9, "0") if found else 0)
