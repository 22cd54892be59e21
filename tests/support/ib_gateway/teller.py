"""How what is told unasked reaches who placed the order, and what goes wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ib_gateway.counter import UNREADABLE
from ib_gateway.faults import Fault, Faults
from ib_gateway.papers import OPEN_ORDER

if TYPE_CHECKING:
    from ib_gateway.connection import Connection
    from ib_gateway.papers import Paper
    from ib_gateway.wire import Fields

_MOMENT_S: Final = 0.05


class Teller:
    """Knows the connections by their client ids."""

    def __init__(self, faults: Faults, connections: Mapping[int, Connection]) -> None:
        self._faults = faults
        self._connections = connections
        self._kept_back: Fields | None = None

    def say(self, paper: Paper, message: Fields) -> None:
        """Tell who placed an order something of it, as the faults have it."""
        connection = self._connections.get(paper.client_id)
        if connection is None or paper.muted:
            return
        fault = self._faults.throw("told")
        for one in self._said(message, fault):
            connection.say(one)
        if fault is Fault.FEED_HESITATES and message[0] == OPEN_ORDER:
            connection.pause(_MOMENT_S)

    def _said(self, message: Fields, fault: Fault | None) -> list[Fields]:
        if fault in {Fault.FEED_SILENT, Fault.FEED_LOSES}:
            return []
        if fault is Fault.FEED_REORDERS:
            self._kept_back = message
            return []
        after, self._kept_back = self._kept_back, None
        said = [UNREADABLE if fault is Fault.FEED_UNREADABLE else message]
        if fault is Fault.FEED_REPEATS:
            said *= 2
        return said if after is None else [*said, after]
