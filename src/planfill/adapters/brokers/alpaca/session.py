"""alpaca-py's session, straight to urllib3: what is between them takes longer than all that it does there."""

from __future__ import annotations

import json as plain
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from requests import PreparedRequest, Session
from requests import exceptions as http
from urllib3 import exceptions as pool

from planfill.adapters.brokers.alpaca.connections import ELSEWHERE, Redirected, without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3 import BaseHTTPResponse

    from planfill.adapters.brokers.alpaca.connections import Connections

_REFUSED: Final = 400


class Answer:
    """What alpaca-py reads of an answer; numbers are what they say, and no secret is repeated."""

    def __init__(self, reply: BaseHTTPResponse, sent: Mapping[str, str]) -> None:
        self.status_code = reply.status
        self.headers = reply.headers
        self.text = without_secrets(reply.data.decode("utf-8", "replace"), sent)

    def raise_for_status(self) -> None:
        """
        Tell a refusal from a success.

        Raises:
            HTTPError: The status is 400 or above.

        """
        if self.status_code >= _REFUSED:
            msg = f"HTTP {self.status_code}"
            raise http.HTTPError(msg, response=self)

    def json(self) -> Any:
        """Read the body; numbers with a point become ``Decimal``."""
        return plain.loads(self.text, parse_float=Decimal)


class DirectSession(Session):
    """
    Sends what alpaca-py asks for, straight through the connections.

    Measured: cookies, hooks, redirects, proxies and the settings of sessions, none of which there are, take
    half of the time of each request.
    """

    def __init__(self, connections: Connections) -> None:
        super().__init__()
        self._connections = connections
        self.mount("https://", connections)
        self.mount("http://", connections)

    def request(  # type: ignore[override]  # as alpaca-py calls it
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        allow_redirects: bool,  # noqa: ARG002 - never: see below
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Answer:
        """
        Send a request and read the answer, all of it.

        Raises:
            ConnectTimeout: It was never sent: no connection in time.
            ReadTimeout: The answer, or a piece of it, did not come in time.
            ConnectionError: No connection, or it broke; what is beneath says which.
            Redirected: Somebody sends us elsewhere.

        """
        whole = f"{url}?{urlencode(params)}" if params else url
        sent = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", **headers}
        body = None
        if json is not None:
            body = plain.dumps(json).encode()
            sent["Content-Type"] = "application/json"
        reply = self._send(method, whole, body, sent)
        self._connections.note(reply.status, reply.headers)
        if reply.status // 100 == ELSEWHERE:
            raise Redirected(reply.status, reply.headers)
        return Answer(reply, sent)

    def _send(self, method: str, url: str, body: bytes | None, sent: Mapping[str, str]) -> BaseHTTPResponse:
        asked = PreparedRequest()
        asked.url = url
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connections = self._connections
        try:
            return connections.pool(url).urlopen(
                method, target, body, sent, retries=False, redirect=False, timeout=connections.timeout
            )
        except pool.ReadTimeoutError as e:
            raise http.ReadTimeout(e, request=asked) from e
        except (pool.HTTPError, OSError) as e:
            # To urllib3 a connection that is refused, or a name that nobody knows, is a time-out, too.
            late = isinstance(e, pool.ConnectTimeoutError) and not isinstance(e, pool.NewConnectionError)
            raise (http.ConnectTimeout if late else http.ConnectionError)(e, request=asked) from e
