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
    """Build the family for previews, with a client id that no settings have: they may be made meanwhile."""
    return brokerage(settings.model_copy(update={"client_id": settings.client_id + _PREVIEWS}), clock)


_A_DAY_S: Final = 86400
# Above all that the settings take.
_PREVIEWS: Final = 1_000_000

PLUGIN: Final = BrokerPlugin(
    settings=IbSettings,
    build=brokerage,
    rehearse=rehearsal,
    is_live=lambda chosen: chosen.is_live,
    max_plan_age_s=_A_DAY_S,
    apart=lambda chosen: chosen.apart,
)
