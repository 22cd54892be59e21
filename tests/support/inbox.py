"""A target of alerts that keeps what it is sent, and takes nothing while it is down."""

from __future__ import annotations

from planfill.application.ports.alerter import Alerter
from planfill.domain.alert_message import AlertMessage
from planfill.domain.errors import AlertNotDelivered


class Inbox(Alerter):
    """Takes messages while ``is_up``."""

    def __init__(self) -> None:
        self.is_up = True
        self.messages: list[AlertMessage] = []

    async def send(self, message: AlertMessage) -> None:
        if not self.is_up:
            raise AlertNotDelivered("nobody at home")
        self.messages.append(message)

    @property
    def text(self) -> str:
        """All that has arrived."""
        return "\n\n".join(message.plain for message in self.messages)
