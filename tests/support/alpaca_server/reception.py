"""What becomes of a request: who may ask, how often, what goes wrong, and what is answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from alpaca_server.answering import NO_ANSWER, shown, undone
from alpaca_server.errors import NGINX_401, Refused
from alpaca_server.faults import NO_EFFECT, Fault, Faults
from alpaca_server.routes import Route, concerned, find

if TYPE_CHECKING:
    from alpaca_server.http import Connection
    from alpaca_server.limits import Rate
    from alpaca_server.market import Market
    from alpaca_server.request import Request

_LATE_S: Final = 0.4


class Seen(NamedTuple):
    """A request that came, and what was answered; 0 where nothing was."""

    method: str
    path: str
    kind: str
    status: int
    at_s: float


class Reception:
    """Takes requests, in the loop's thread; ``requests`` are those that came."""

    def __init__(
        self, market: Market, faults: Faults, loop: asyncio.AbstractEventLoop, *,
        rates: tuple[Rate, Rate], knows: Callable[[str | None, str | None], bool],
    ) -> None:  # fmt: skip
        self.requests: list[Seen] = []
        self._market = market
        self._faults = faults
        self._loop = loop
        # Prices have limits of their own.
        self._rate, self._data_rate = rates
        self._knows = knows
        self._timer: asyncio.TimerHandle | None = None

    def take(self, connection: Connection, request: Request) -> None:
        """Take a request, and answer it."""
        kind, fault, status, body = "", None, 500, b""
        headers: Mapping[str, str] = {}
        try:
            route, name = find(request)
            kind = route.kind
            self._authorize(request)
            self._count(route)
            headers = {"X-Request-Id": uuid4().hex, **self._rate_of(route).headers()}
            if (canned := self._faults.canned(kind)) is not None:
                self.requests.append(Seen(request.method, request.path, kind, canned[0], time.monotonic()))
                self._answer(connection, *canned, headers, None)
                return
            fault = self._faults.throw(kind, concerned(self._market, request, name))
            if fault is Fault.DELIVERED_LATE:
                self._loop.call_later(_LATE_S, self._late, request)
            if fault in {Fault.DELIVERED_LATE, *NO_EFFECT}:
                status, body = undone(fault, is_data=route.is_data)
            else:
                status, body = _written(route.perform(self._market, request, name, fault))
                if fault is Fault.DELIVERED_TWICE:
                    self._late(request)
        except Refused as e:
            status, body = e.status, NGINX_401 if e.status == 401 and not e.body["message"] else e.raw()
            headers = headers or {"X-Request-Id": uuid4().hex, **self._rate.headers()}
        status, body = shown(status, body, fault)
        if fault is Fault.RATE_LIMITED_BARE:
            headers = {}
        self.tell()
        self.requests.append(Seen(request.method, request.path, kind, status, time.monotonic()))
        self._answer(connection, status, body, headers, fault)

    def _answer(
        self,
        connection: Connection,
        status: int,
        body: bytes,
        headers: Mapping[str, str],
        fault: Fault | None,
    ) -> None:
        if fault in NO_ANSWER:
            connection.reset()
        elif fault is not Fault.HANG:
            connection.answer(status, body, headers)

    def _late(self, request: Request) -> None:
        route, name = find(request)
        with suppress(Refused):
            route.perform(self._market, request, name, None)
        self.tell()

    def _count(self, route: Route) -> None:
        if not self._rate_of(route).take():
            status, body = undone(Fault.RATE_LIMITED, is_data=route.is_data)
            told = json.loads(body)
            raise Refused(status, told.get("code"), told["message"])

    def _rate_of(self, route: Route) -> Rate:
        return self._data_rate if route.is_data else self._rate

    def _authorize(self, request: Request) -> None:
        key, secret = (request.headers.get(f"apca-api-{name}") for name in ("key-id", "secret-key"))
        if key is None or secret is None:
            raise Refused(401, None, "")
        if not self._knows(key, secret):
            raise Refused(401, None, "unauthorized.")

    def tell(self) -> None:
        """Tell the stream what happened, and come back when something is due."""
        self._market.tell()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._market.next_due()
        if due is not None:
            wait = max(0.001, (due - self._market.clock.now()).total_seconds())
            self._timer = self._loop.call_later(wait, self.tell)


def _written(answer: Any) -> tuple[int, bytes]:
    """Write an answer: its status, and its body with sorted keys."""
    if answer is None:
        return 204, b""
    status, body = answer if isinstance(answer, tuple) else (200, answer)
    return status, json.dumps(body, sort_keys=True).encode()
