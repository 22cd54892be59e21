"""Alerts as lines of the program's log, for whoever watches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.ports.alerter import Alerter
from planfill.domain.errors import AlertNotDelivered

if TYPE_CHECKING:
    from collections.abc import Callable

    from planfill.domain.alert_message import AlertMessage


class LogAlerter(Alerter):
    """Says each message in one line; ``say`` takes its level and the text."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self._say = say

    async def send(self, message: AlertMessage) -> None:
        """See the port."""
        line = " | ".join(filter(None, map(str.strip, message.plain.split("\n"))))
        try:
            self._say(message.severity.value, line)
        except OSError as e:
            msg = f"the log takes no alert: {e}"
            raise AlertNotDelivered(msg) from e
