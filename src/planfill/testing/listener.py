"""The contract of listeners: a class to subclass, one card a method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from planfill.domain.events import Recorded
from planfill.testing.events import AT, an_execution, one_of_each_kind

if TYPE_CHECKING:
    from planfill.application.ports.listener import EventListener


def a_stream() -> list[Recorded]:
    """Make a stream that holds one event of each kind."""
    stream = an_execution()
    events = enumerate(one_of_each_kind(), start=1)
    return [Recorded(stream, number, AT, f"{number:064x}", event) for number, event in events]


class EventListenerContract:
    """Cards E01 to E04; override ``listener``."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def listener(self) -> EventListener:
        """Give the adapter under test."""
        raise NotImplementedError

    async def test_a_listener_takes_every_kind_of_event(self, listener: EventListener) -> None:
        """E01: no kind of event is too much for it."""
        for recorded in a_stream():
            await listener.on_event(recorded)

    async def test_a_listener_bears_to_be_told_again(self, listener: EventListener) -> None:
        """E02: after a crash it is told what it has been told already, from any number on."""
        for recorded in (*a_stream(), *a_stream()[3:]):
            await listener.on_event(recorded)

    async def test_a_listener_that_comes_late_bears_to_miss_the_beginning(
        self, listener: EventListener
    ) -> None:
        """E03: its cursor may stand anywhere, so the first event it hears may be any."""
        for recorded in reversed(a_stream()):
            await listener.on_event(recorded)

    def test_a_listener_has_one_name(self, listener: EventListener) -> None:
        """E04: its cursor is stored under it."""
        assert listener.name == listener.name.strip()
