"""A request, and what can be read from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from alpaca_server.errors import INVALID, Refused
from alpaca_server.moments import nanoseconds


class Request(NamedTuple):
    """A request as it was read."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def terms(self) -> Mapping[str, Any]:
        """Read the body; raises ``Refused`` where it is no object."""
        try:
            body = json.loads(self.body or b"null")
        except ValueError as e:
            raise Refused(400, 40010000, "request body format is invalid") from e
        if not isinstance(body, dict):
            raise Refused(400, 40010000, "request body format is invalid")
        return body

    def moment(self, name: str) -> int | None:
        """Read a time of the query, in nanoseconds."""
        try:
            return nanoseconds(self.query[name]) if self.query.get(name) else None
        except ValueError as e:
            raise Refused(422, INVALID, f"invalid {name}: {self.query[name]}") from e

    def number(self, name: str, default: int, *, most: int) -> int:
        """Read a count of the query, of which there is a most."""
        try:
            return min(int(self.query.get(name, default)), most)
        except ValueError as e:
            raise Refused(422, INVALID, f"invalid {name}: {self.query[name]}") from e

    def symbols(self) -> list[str]:
        """Read the symbols of the query."""
        return list(filter(None, self.query.get("symbols", "").split(",")))
