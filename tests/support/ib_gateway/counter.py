"""What becomes of a request: what goes wrong with it, what it does, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ib_gateway.asking import Answer, Asked, error
from ib_gateway.faults import UNANSWERED, Fault, Faults
from ib_gateway.kinds import KINDS, Kind
from ib_gateway.terms import Refused

if TYPE_CHECKING:
    from ib_gateway.connection import Connection
    from ib_gateway.market import Market

_SOON_S: Final = 0.1
_LATE_S: Final = 0.4
EMPTY: Final = ("",)
UNREADABLE: Final = ("<html><body>503 Service Temporarily Unavailable</body></html>",)


class Counter:
    """
    Takes the requests of connections, in the loop's thread; ``requests`` are the kinds that came.

    ``after`` is called when a request has had its effect; ``outage`` is told to lose Interactive Brokers.
    """

    def __init__(
        self,
        market: Market,
        faults: Faults,
        loop: asyncio.AbstractEventLoop,
        *,
        after: Callable[[], None],
        outage: Callable[[], None],
    ) -> None:
        self.requests: list[str] = []
        self.is_cut_off = False
        self._market = market
        self._faults = faults
        self._loop = loop
        self._after = after
        self._outage = outage
        self._waiting: list[tuple[Connection, Kind, list[str]]] = []

    def take(self, connection: Connection, fields: list[str]) -> None:
        """Take a request, and answer it."""
        kind = KINDS.get(fields[0])
        if kind is None:
            connection.say(error(-1, 505, "Fatal Error: Unknown message id."))
            return
        self.requests.append(kind.name)
        self._serve(connection, kind, fields)

    def _serve(self, connection: Connection, kind: Kind, fields: list[str]) -> None:
        if self.is_cut_off and kind.name:
            self._waiting.append((connection, kind, fields))
            return
        said = self._faults.canned(kind.name) if kind.name else None
        if said is not None:
            connection.say(error(_id_of(kind, fields), *said))
            return
        self._go_wrong(connection, kind, fields, self._faults.throw(kind.name) if kind.name else None)

    def reconnected(self) -> None:
        """Take what has waited for Interactive Brokers."""
        self.is_cut_off = False
        waiting, self._waiting = self._waiting, []
        for connection, kind, fields in waiting:
            self._serve(connection, kind, fields)

    def _go_wrong(self, connection: Connection, kind: Kind, fields: list[str], fault: Fault | None) -> None:
        match fault:
            case Fault.LOST_REQUEST:
                connection.reset()
            case Fault.DELIVERED_LATE:
                connection.reset()
                self._loop.call_later(_LATE_S, self._perform, connection, kind, fields, None)
            case Fault.PACED:
                self._loop.call_later(_SOON_S, self._answer, connection, kind, fields, None)
            case Fault.DELIVERED_TWICE:
                self._answer(connection, kind, fields, None)
                self._answer(connection, kind, fields, None)
            case fault if fault in UNANSWERED:
                self._perform(connection, kind, fields, fault)
                self._leave_unanswered(connection, fault)
                self._after()
            case _:
                self._answer(connection, kind, fields, fault)

    def _answer(self, connection: Connection, kind: Kind, fields: list[str], fault: Fault | None) -> None:
        for message in self._perform(connection, kind, fields, fault):
            connection.say(message)
        self._after()

    def _leave_unanswered(self, connection: Connection, fault: Fault) -> None:
        match fault:
            case Fault.RESET:
                connection.reset()
            case Fault.EMPTY:
                connection.say(EMPTY)
            case Fault.UNREADABLE:
                connection.say(UNREADABLE)
            case Fault.CONNECTIVITY:
                self._outage()

    def _perform(self, connection: Connection, kind: Kind, fields: list[str], fault: Fault | None) -> Answer:
        try:
            answer = kind.answer(Asked(self._market, connection, fields, fault))
        except Refused as e:
            return (error(_id_of(kind, fields), e.code, e.text),)
        if fault in UNANSWERED and kind.name in {"place", "cancel"}:
            # Nor is anything told later of what was not answered.
            self._market.mute(connection.client_id, int(_id_of(kind, fields)))
        return answer


def _id_of(kind: Kind, fields: list[str]) -> str:
    return "-1" if kind.id_field is None else fields[kind.id_field]
