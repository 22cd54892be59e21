"""Heartbeats as healthchecks.io and its like take them: the URL, ``/start`` and ``/fail`` beneath it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from planfill.application.ports.alerter import Heartbeat
from planfill.domain.errors import AlertNotDelivered

if TYPE_CHECKING:
    from pydantic import SecretStr

    from planfill.application.ports.alerter import Beat

_TIMEOUT_S: Final = 5
_BENEATH: Final = {"start": "/start", "success": "", "fail": "/fail"}


class UrlHeartbeat(Heartbeat):
    """Asks for ``url``, which is a secret."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    async def beat(self, beat: Beat) -> None:
        """See the port."""
        await to_thread.run_sync(partial(self._ask, beat), abandon_on_cancel=True)

    def _ask(self, beat: Beat) -> None:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import urlopen

        url = f"{self._url.get_secret_value().rstrip('/')}{_BENEATH[beat]}"
        try:
            # The settings take http and https alone.
            with urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                answer.read()
        except HTTPError as e:
            e.close()
            msg = f"the heartbeat {beat!r} was not taken: {e.code}"
            raise AlertNotDelivered(msg) from e
        except (OSError, HTTPException, ValueError) as e:
            # Its text may hold the address.
            msg = f"the heartbeat {beat!r} was not taken: {type(e).__name__}"
            raise AlertNotDelivered(msg) from e
