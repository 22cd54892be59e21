"""alpaca-py's session without what it never needs."""

from __future__ import annotations

import json as plain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from requests import PreparedRequest, Session
from requests.structures import CaseInsensitiveDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import Response

    from planfill.adapters.brokers.alpaca.connections import Connections


class DirectSession(Session):
    """
    Sends what alpaca-py asks for, straight through the connections.

    Measured: to merge the settings of sessions, proxies, cookies, hooks and redirects, none of which there
    are, takes a third of the time of each request.
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
        allow_redirects: bool,  # noqa: ARG002 - never: the connections refuse it
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Response:
        """Send a request and read the answer."""
        prepared = PreparedRequest()
        prepared.method = method
        prepared.url = f"{url}?{urlencode(params)}" if params else url
        sent = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", **headers}
        if json is not None:
            prepared.body = plain.dumps(json).encode()
            sent |= {"Content-Type": "application/json", "Content-Length": str(len(prepared.body))}
        prepared.headers = CaseInsensitiveDict(sent)
        response = self._connections.send(prepared)
        response.content  # noqa: B018 - read it here, where its failure is this request's
        return response
