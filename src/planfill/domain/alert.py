"""What a person is told: how grave it is, what it is about, and what to do next."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime

from planfill.domain.events import Severity
from planfill.domain.values import Money, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

QUIET: Final = timedelta(hours=1)
"""How long an alert is not repeated."""
_GRAVITY: Final = (Severity.WARNING, Severity.CRITICAL)


class MessageCount(Value, frozen=True):
    """How many messages of alerts a target has taken (``delivered``), or not (``failed``)."""

    target: str
    status: str
    messages: int


class AlertLine(Value, frozen=True):
    """A line of the plan that an alert is about; money in dollars, None where it is not about money."""

    symbol: str
    what: str
    planned_usd: Money | None = None
    filled_usd: Money | None = None


class Alert(Value, frozen=True):
    """
    One thing that somebody should see; ``at`` in UTC.

    Two alerts with one ``key`` say the same. ``todo`` is the command to type next.
    """

    key: str
    severity: Severity
    at: AwareDatetime
    title: str
    detail: str = ""
    plan_id: str = ""
    account: str = ""
    todo: str = ""
    lines: tuple[AlertLine, ...] = ()


def is_for(alert: Alert, least: Severity) -> bool:
    """Tell whether an alert is grave enough for whoever wants to hear of ``least`` and worse."""
    return _GRAVITY.index(alert.severity) >= _GRAVITY.index(least)


def audible(found: Iterable[tuple[int, Alert]]) -> Iterator[tuple[int, Alert]]:
    """
    Leave out what repeats an alert of the same stream within ``QUIET``.

    It needs all alerts of the stream from its beginning: so every process leaves out the same ones.
    """
    said: dict[str, AwareDatetime] = {}
    for number, alert in found:
        before = said.get(alert.key)
        if before is None or alert.at - before >= QUIET:
            said[alert.key] = alert.at
            yield number, alert
