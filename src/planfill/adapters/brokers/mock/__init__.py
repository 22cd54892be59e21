"""The mock broker: a small simulated exchange with every port of a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.mock.broker import MockBroker
from planfill.adapters.brokers.mock.script import On, Script
from planfill.adapters.brokers.mock.settings import MockSettings
from planfill.application.ports.brokerage import Brokerage, BrokerPlugin

if TYPE_CHECKING:
    from planfill.application.ports.clock import Clock

__all__ = ["PLUGIN", "MockBroker", "MockSettings", "On", "Script", "brokerage", "rehearsal"]


def brokerage(settings: MockSettings, clock: Clock) -> Brokerage:
    """
    Build the family of ports over one simulated exchange.

    Raises:
        SettingsError: The prices or the book cannot be used.

    """
    return MockBroker(settings, clock).brokerage()


def rehearsal(settings: MockSettings, clock: Clock) -> Brokerage:
    """Build the family over a copy of the book, in memory: the book itself stays as it is."""
    return MockBroker(settings, clock, aside=True).brokerage()


PLUGIN: Final = BrokerPlugin(
    settings=MockSettings, build=brokerage, rehearse=rehearsal, apart=lambda chosen: chosen.apart
)
