"""Executions whose alerts go out for real: the wiring of the program, and time that takes none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from dependency_injector.providers import Object
from pydantic import SecretStr
from stage import Stage

from planfill.adapters.brokers.mock.script import On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.facade import ExecutionFacade
from planfill.application.ports.shadow import Shadow
from planfill.bootstrap.alerts import AlertsSettings, TargetSettings
from planfill.bootstrap.container import Container
from planfill.bootstrap.containers import Containers
from planfill.bootstrap.manager import Services
from planfill.domain.events import Severity
from planfill.domain.policy import RolloutPolicy

_HEAD = re.compile(r"(WARNING|CRITICAL) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: (.*)")
_NEXT = "next: "


class Heard(NamedTuple):
    """One alert as it arrived: its first line in two, the command to type next, and all of its text."""

    severity: Severity
    title: str
    todo: str
    text: str


def heard(bodies: Sequence[str]) -> list[Heard]:
    """Read the alerts of messages in plain text."""
    found = []
    for text in "\n\n".join(bodies).split("\n\n"):
        first, *rest = text.split("\n")
        head = _HEAD.fullmatch(first)
        assert head, text
        todo = [line.removeprefix(_NEXT) for line in rest if line.startswith(_NEXT)]
        found.append(Heard(Severity(head[1]), head[2], "".join(todo), text))
    return sorted(found)


class Scene(Stage):
    """A stage with the façade over it; whoever opens another one is another process."""

    def __init__(
        self, *faults: On, settings: Any = None, rollout: Any = None, shadows: Any = None, **figures: Any
    ) -> None:
        super().__init__(*faults, settings=settings, **figures)
        self.policy = self.policy.model_copy(update={"rollout": RolloutPolicy.model_validate(rollout or {})})
        self.targets: dict[str, TargetSettings] = {}
        self.shadows: dict[str, Shadow] = shadows or {}

    def facade(self) -> ExecutionFacade:
        """Open the façade of a process."""
        ledger, container = MemoryLedger(self.store), Container()
        for provider, port in (
            (container.brokerage, self.brokerage),
            (container.clock, self.clock),
            (container.figures, self.policy),
            (container.writer, ledger),
            (container.reader, ledger),
            (container.switch, self.switch),
            (container.shadows, self.shadows),
            (container.alerts_settings, AlertsSettings(targets=self.targets)),
        ):
            provider.override(Object(port))
        return ExecutionFacade(Services(Containers(container)))

    def tell(self, name: str, url: str, severity: Severity = Severity.WARNING) -> None:
        """Have somebody told."""
        self.targets[name] = TargetSettings(url=SecretStr(url), severity=severity)
