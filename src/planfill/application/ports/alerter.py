"""Those who reach a person, and those who notice that nothing is heard any more."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from planfill.domain.alert_message import AlertMessage

Beat = Literal["start", "success", "fail"]


class Alerter(Protocol):
    """Sends messages to one target. Proven by ``planfill.testing.alerter``."""

    @abstractmethod
    async def send(self, message: AlertMessage) -> None:
        """
        Send a message, once; return when the target has taken it.

        It may take as long as it takes: nobody who trades waits for it. No secret stands in what it says.

        Raises:
            AlertNotDelivered: The target has not taken it, as far as is known. It may be sent again later.

        """


class Heartbeat(Protocol):
    """Tells a service that expects to hear from every run; its silence is what raises the alarm."""

    @abstractmethod
    async def beat(self, beat: Beat) -> None:
        """
        Say that a run has begun, or how it ended.

        Raises:
            AlertNotDelivered: Nobody has heard it.

        """
