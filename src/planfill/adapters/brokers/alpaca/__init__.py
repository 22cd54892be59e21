"""Alpaca, over its own SDK. Nothing here imports that before a broker is built: it brings pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.alpaca.settings import AlpacaSettings
from planfill.application.ports.brokerage import Brokerage, BrokerPlugin

if TYPE_CHECKING:
    from planfill.application.ports.clock import Clock

__all__ = ["PLUGIN", "AlpacaSettings", "brokerage", "rehearsal"]


def brokerage(settings: AlpacaSettings, clock: Clock) -> Brokerage:
    """
    Build the family of ports for one account.

    Raises:
        SettingsError: Keys are missing, or are not of this environment.

    """
    from planfill.adapters.brokers.alpaca.family import family

    return family(settings, clock)


def rehearsal(settings: AlpacaSettings, clock: Clock) -> Brokerage:
    """Build the family for previews: it opens nothing that only sending needs."""
    from planfill.adapters.brokers.alpaca.family import family

    return family(settings, clock, sending=False)


_A_DAY_S: Final = 86400

PLUGIN: Final = BrokerPlugin(
    settings=AlpacaSettings,
    build=brokerage,
    rehearse=rehearsal,
    is_live=lambda chosen: chosen.is_live,
    max_plan_age_s=_A_DAY_S,
    apart=lambda chosen: chosen.apart,
)
