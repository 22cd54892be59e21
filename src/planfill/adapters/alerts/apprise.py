"""Alerts over Apprise: mail, chat, telephone and over a hundred services more, each named by a URL."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from planfill.application.ports.alerter import Alerter
from planfill.domain.errors import AlertNotDelivered
from planfill.domain.events import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

    from planfill.application.ports.clock import Clock
    from planfill.domain.alert_message import AlertMessage

_ATTEMPTS: Final = 2
_PAUSE_S: Final = 0.5
# A shorter part of an address stands in too much that is harmless.
_SHORTEST: Final = 5


class AppriseAlerter(Alerter):
    """Sends to the service at ``url``, which is a secret; Apprise is imported with the first message."""

    def __init__(self, name: str, url: SecretStr, clock: Clock) -> None:
        self._name = name
        self._url = url
        self._clock = clock

    async def send(self, message: AlertMessage) -> None:
        """See the port."""
        attempts = AsyncRetrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_fixed(_PAUSE_S),
            retry=retry_if_exception_type(_NotTaken),
            sleep=self._clock.sleep,
            reraise=True,
        )
        # Whoever waits for it may leave: the thread ends with the time-outs of the service.
        await attempts(partial(to_thread.run_sync, self._send, message, abandon_on_cancel=True))

    def _send(self, message: AlertMessage) -> None:
        apprise = self._apprise()
        services = apprise.Apprise()
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
            if not services.add(self._url.get_secret_value()):
                msg = (
                    f"alert target {self._name!r}: its address is none that Apprise knows; "
                    f"set PLANFILL_ALERTS__TARGETS__{self._name.upper()}__URL"
                )
                raise AlertNotDelivered(msg)
            is_html = any(_shown(one.notify_format) == apprise.NotifyFormat.HTML for one in services)
            taken = services.notify(
                title=message.title,
                body=message.html if is_html else message.plain,
                body_format=apprise.NotifyFormat.HTML if is_html else apprise.NotifyFormat.TEXT,
                notify_type=apprise.NotifyType.FAILURE
                if message.severity is Severity.CRITICAL
                else apprise.NotifyType.WARNING,
            )
            why = self._redacted(said.getvalue())
        if not taken:
            msg = f"alert target {self._name!r} has not taken it: {why or 'Apprise does not say why'}"
            raise _NotTaken(msg)

    def _apprise(self) -> Any:  # noqa: ANN401 - a module that need not be there
        try:
            import apprise
        except ImportError as e:
            msg = f"alert target {self._name!r} needs Apprise: pip install 'planfill[alerts]'"
            raise AlertNotDelivered(msg) from e
        return apprise

    def _redacted(self, text: str) -> str:
        """Hide all parts of the address: which of them is the token, only the service knows."""
        parts = (part for part in re.split(r"[/:@?&=]+", self._url.get_secret_value()))
        for part in sorted({one for one in parts if len(one) >= _SHORTEST}, key=len, reverse=True):
            text = text.replace(part, "***")
        return " ".join(text.split())


def _shown(formats: str | Sequence[str]) -> str:
    """Give what a service shows best: Apprise names one format, or since 2.3 all of them, the best first."""
    return formats if isinstance(formats, str) else formats[0]


class _NotTaken(AlertNotDelivered):
    """The service did not take it this time."""
