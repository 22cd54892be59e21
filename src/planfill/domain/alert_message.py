"""Several alerts as one message, in plain text and in HTML; short, since it is read on a telephone."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from planfill.domain.events import Severity
from planfill.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planfill.domain.alert import Alert, AlertLine
    from planfill.domain.values import Money

_MOST_ALERTS: Final = 10
_MOST_LINES: Final = 20
_LONGEST: Final = 400


class AlertMessage(Value, frozen=True):
    """What is sent: a title of one line, and the same text twice."""

    severity: Severity
    title: str
    plain: str
    html: str


def message(alerts: tuple[Alert, ...]) -> AlertMessage:
    """Write one message of one or more alerts, the gravest first."""
    found = sorted(alerts, key=lambda alert: (alert.severity is not Severity.CRITICAL, alert.at))
    first, shown = found[0], found[:_MOST_ALERTS]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    left = len(found) - len(shown)
    rest = f"{left} more: planfill alerts list" if left else ""
    return AlertMessage(
        severity=first.severity,
        title=_short(f"Planfill {first.severity}: {first.title}{more}"),
        plain="\n\n".join(filter(None, (*(_plain(alert) for alert in shown), rest))),
        html="".join((*(_html(alert) for alert in shown), f"<p>{rest}</p>" if rest else "")),
    )


def _plain(alert: Alert) -> str:
    return "\n".join(
        filter(
            None,
            (
                _short(f"{alert.severity} {alert.at:%Y-%m-%d %H:%M:%S} UTC: {alert.title}"),
                _short(alert.detail),
                f"account {alert.account}" if alert.account else "",
                *(f"  {' | '.join(filter(None, row))}" for row in _rows(alert)),
                f"next: {alert.todo}" if alert.todo else "",
            ),
        )
    )


def _html(alert: Alert) -> str:
    head = f"{alert.severity} {alert.at:%Y-%m-%d %H:%M:%S} UTC: {alert.title}"
    rows = "".join(f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>" for row in _rows(alert))
    names = "".join(f"<th>{name}</th>" for name in ("Line", "What", "Planned", "Filled"))
    parts = (
        f"<h3>{_safe(head)}</h3>",
        f"<p>{_safe(alert.detail)}</p>" if alert.detail else "",
        f"<p>account {_safe(alert.account)}</p>" if alert.account else "",
        f"<table><tr>{names}</tr>{rows}</table>" if rows else "",
        f"<p>next: <code>{_safe(alert.todo)}</code></p>" if alert.todo else "",
    )
    return "".join(parts)


def _rows(alert: Alert) -> Iterator[tuple[str, str, str, str]]:
    for line in alert.lines[:_MOST_LINES]:
        yield _row(line)
    if len(alert.lines) > _MOST_LINES:
        yield f"and {len(alert.lines) - _MOST_LINES} more", "", "", ""


def _row(line: AlertLine) -> tuple[str, str, str, str]:
    return line.symbol, line.what, _usd(line.planned_usd), _usd(line.filled_usd)


def _usd(amount: Money | None) -> str:
    return "" if amount is None else f"${amount:,.2f}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} [...]"


def _safe(text: str) -> str:
    return html.escape(_short(text))
