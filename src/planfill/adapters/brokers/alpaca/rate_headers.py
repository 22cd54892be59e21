"""What the headers of Alpaca's answers say of its rate."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planfill.application.ports.clock import Clock

MINUTE_S: Final = 60.0


class Told(NamedTuple):
    """What the headers of an answer say of the window, where they do: requests, and seconds to its end."""

    limit: int | None
    remaining: int | None
    ends_in_s: float | None


def told(headers: Mapping[str, str], clock: Clock) -> Told:
    """Read the rate headers; the end is counted from the broker's own clock where it shows that."""
    limit, remaining, reset = (
        _number(headers.get(f"X-RateLimit-{name}")) for name in ("Limit", "Remaining", "Reset")
    )
    if reset is None:
        return Told(limit, remaining, None)
    try:
        then = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        then = clock.now().timestamp()
    ends_in_s = reset - then
    return Told(limit, remaining, ends_in_s if 0 <= ends_in_s <= MINUTE_S + 1 else None)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None
