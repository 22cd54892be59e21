"""``[alerts]``: whom to tell, and what the wiring makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, SecretStr, StringConstraints

from planfill.application.alerting import AlertTarget
from planfill.domain.errors import Problem
from planfill.domain.events import Severity

if TYPE_CHECKING:
    from planfill.application.ports.alerter import Heartbeat
    from planfill.application.ports.clock import Clock
    from planfill.bootstrap.settings import Configuration

TargetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=40)]


class TargetSettings(BaseModel, frozen=True, extra="forbid"):
    """``[alerts.targets.NAME]``; the name is in small letters, since a variable names it too."""

    url: SecretStr | None = None
    """Where to, as Apprise writes it; from the environment alone."""
    severity: Severity = Severity.WARNING
    """The least severity that is told."""
    per_hour: Annotated[int, Field(ge=1)] = 30
    """How many messages may be sent in an hour; what is over comes later, together."""


class AlertsSettings(BaseModel, frozen=True, extra="forbid"):
    """``[alerts]``."""

    heartbeat_url: SecretStr | None = None
    """What is asked for at the start and the end of a run; from the environment alone."""
    targets: dict[TargetName, TargetSettings] = {}
    """Whom to tell."""


def misplaced(table: Any) -> list[Problem]:  # noqa: ANN401 - what TOML holds
    """Find addresses in the file, which is shown, copied and committed: they hold tokens."""
    if not isinstance(table, dict):
        return []
    targets = table.get("targets")
    inner = targets if isinstance(targets, dict) else {}
    paths = [f"targets.{name}.url" for name, one in inner.items() if isinstance(one, dict) and "url" in one]
    return [
        Problem(
            path=f"alerts.{path}",
            message=f"a secret: put it into the environment, as {_variable(path)}, not into a file",
        )
        for path in (*(["heartbeat_url"] if "heartbeat_url" in table else []), *paths)
    ]


def incomplete(settings: AlertsSettings) -> list[Problem]:
    """Find targets without an address, and a heartbeat that is none."""
    problems = [
        Problem(path=f"alerts.targets.{name}.url", message=f"missing: set {_variable(f'targets.{name}.url')}")
        for name, target in settings.targets.items()
        if target.url is None or not target.url.get_secret_value()
    ]
    beat = settings.heartbeat_url
    if beat is not None and not beat.get_secret_value().startswith(("https://", "http://")):
        problems.append(Problem(path="alerts.heartbeat_url", message="it begins with https:// or http://"))
    return problems


def alerts_of(configuration: Configuration) -> AlertsSettings:
    """Give the settings of the alerts."""
    return configuration.settings.alerts


def names(settings: AlertsSettings) -> tuple[str, ...]:
    """Name those who are told."""
    return tuple(settings.targets)


def targets(settings: AlertsSettings, clock: Clock, *, aloud: bool) -> tuple[AlertTarget, ...]:
    """Make the targets, ``aloud`` the log of this process too; nothing is opened before the first message."""
    from planfill.adapters.alerts.apprise import AppriseAlerter

    found = [
        AlertTarget(name, AppriseAlerter(name, target.url, clock), target.severity, target.per_hour)
        for name, target in settings.targets.items()
        if target.url is not None
    ]
    return (*found, *((_in_the_log(),) if aloud else ()))


def heartbeat(settings: AlertsSettings) -> Heartbeat | None:
    """Make the heartbeat, if there is one."""
    if settings.heartbeat_url is None:
        return None
    from planfill.adapters.alerts.heartbeat import UrlHeartbeat

    return UrlHeartbeat(settings.heartbeat_url)


def _in_the_log() -> AlertTarget:
    """Give the target that whoever watches is: the console."""
    from loguru import logger

    from planfill.adapters.alerts.log import LogAlerter

    # As an argument, not as the message: its braces are no template.
    return AlertTarget("watch", LogAlerter(lambda level, text: logger.log(level, "{}", text)), per_hour=3600)


def _variable(path: str) -> str:
    return f"PLANFILL_ALERTS__{path.replace('.', '__').upper()}"
