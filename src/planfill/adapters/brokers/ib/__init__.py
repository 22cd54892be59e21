"""Interactive Brokers, through ib_async. Nothing here imports that before a broker is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.ib.settings import IbSettings
from planfill.application.ports.brokerage import Brokerage, BrokerPlugin
from planfill.domain.errors import Problem, SettingsError

if TYPE_CHECKING:
    from planfill.application.ports.clock import Clock

__all__ = ["PLUGIN", "IbSettings", "brokerage", "rehearsal"]


def brokerage(settings: IbSettings, clock: Clock) -> Brokerage:
    """
    Build the family of ports for one account; nothing is connected before something is asked.

    Raises:
        SettingsError: ib_async is not installed.

    """
    try:
        from planfill.adapters.brokers.ib.family import family
    except ModuleNotFoundError as e:
        if e.name is None or e.name.startswith("planfill"):
            raise
        missing = e.name.partition(".")[0]
        message = f"Interactive Brokers needs {missing}: pip install 'planfill[ib]'"
        raise SettingsError([Problem(path="broker.adapter", message=message)]) from e
    return family(settings, clock)


def rehearsal(settings: IbSettings, clock: Clock) -> Brokerage:
    """Build the family for previews, with the next client id: they may be made while a plan is executed."""
    return brokerage(settings.model_copy(update={"client_id": settings.client_id + 1}), clock)


_A_DAY_S: Final = 86400

PLUGIN: Final = BrokerPlugin(
    settings=IbSettings,
    build=brokerage,
    rehearse=rehearsal,
    is_live=lambda chosen: chosen.is_live,
    max_plan_age_s=_A_DAY_S,
    apart=lambda chosen: chosen.apart,
)
