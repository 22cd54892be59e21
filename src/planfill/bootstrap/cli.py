"""The program ``planfill``: the command line with the concrete classes behind it."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planfill import __version__
from planfill.adapters.cli.assembly import Assembly
from planfill.adapters.cli.running import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from planfill.adapters.cli.assembly import Exposition
    from planfill.application.facade import ExecutionFacade
    from planfill.application.ports.listener import EventListener
    from planfill.domain.drill import DrillReport
    from planfill.domain.metrics import Metrics

_BEFORE_SETTINGS: Final = Path("planfill.log")
# Almost nothing that a command makes is garbage before it ends: to look as often as Python does (700) takes
# a tenth of an execution.
_BETWEEN_COLLECTIONS: Final = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; give what it exits with."""
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    return run(sys.argv[1:] if arguments is None else arguments, _Assembly(), __version__)


class _Assembly(Assembly):
    """Everything heavy is imported in the method that needs it: ``--help`` needs none of it."""

    def __init__(self) -> None:
        self._log: Path | None = _BEFORE_SETTINGS

    @contextmanager
    def open(
        self,
        config: Path | None,
        *,
        account: str | None = None,
        listeners: Sequence[EventListener] = (),
        quiet: bool = False,
    ) -> Iterator[ExecutionFacade]:
        """Make the façade that the settings describe, with its logs."""
        from planfill.bootstrap.logging import close_files, console, log_file
        from planfill.bootstrap.manager import ExecutionManager

        facade = ExecutionManager.from_settings(config, listeners=listeners, account=account)
        log = facade.configuration.settings.log
        self._log = log_file(log)
        try:
            with console(_graver(log.level, "WARNING") if quiet else log.level), facade:
                yield facade
        finally:
            close_files()

    def drill(self) -> DrillReport:
        """Trip every control on a mock exchange of its own."""
        import asyncio

        from planfill.adapters.clock import SystemClock
        from planfill.bootstrap.drills import drill

        return asyncio.run(drill(SystemClock()))

    def exposition(self, read: Callable[[], Metrics]) -> Exposition:
        """Make what shows the figures to Prometheus; its library is an extra."""
        from planfill.adapters.metrics.prometheus import Prometheus

        return Prometheus(read)

    def logged(self, config: Path | None, plan_id: str) -> Sequence[Mapping[str, Any]]:
        """Read the log file that the settings name."""
        from planfill.adapters.logs.reading import logged
        from planfill.bootstrap.logging import log_file
        from planfill.bootstrap.settings import load_settings
        from planfill.domain.errors import Problem, SettingsError

        file = log_file(load_settings(config).settings.log)
        if file is None:
            raise SettingsError([Problem(path="log.file", message="is empty: there is no log to read")])
        return list(logged(file, plan_id))

    def keep(self, error: BaseException) -> Path:
        """Write down an error of our own in the log file."""
        from planfill.bootstrap.logging import keep

        return keep(error, self._log, self.redact)

    def redact(self, text: str) -> str:
        """Hide the secrets of the environment in a text."""
        from planfill.adapters.logs.redaction import redactor

        return redactor(os.environ)(text)


def _graver(one: str, other: str) -> str:
    """Give the graver of two levels of loguru."""
    from loguru import logger

    return max(one.upper(), other, key=lambda level: logger.level(level).no)
