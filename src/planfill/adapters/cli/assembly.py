"""What the command line is handed by those who know the concrete classes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from planfill.application.facade import ExecutionFacade
    from planfill.application.ports.listener import EventListener
    from planfill.domain.drill import DrillReport
    from planfill.domain.metrics import Metrics


class Exposition(Protocol):
    """Shows the figures to a monitoring system."""

    @abstractmethod
    def write(self, path: Path) -> None:
        """Write them to a file, whole or not at all; OSError where it cannot be written."""

    @abstractmethod
    def serve(self, host: str, port: int) -> AbstractContextManager[str]:
        """Answer over HTTP until the context, the URL, is left; OSError where nobody can listen there."""


class Assembly(Protocol):
    """Makes the façade and the logs, when a command needs them and not before."""

    @abstractmethod
    def open(
        self,
        config: Path | None,
        *,
        account: str | None = None,
        listeners: Sequence[EventListener] = (),
        quiet: bool = False,
    ) -> AbstractContextManager[ExecutionFacade]:
        """
        Read the settings, set the logs up and give the façade; leaving the context closes both.

        ``account`` of the settings is for what names none. ``quiet`` lets only warnings and worse on stderr,
        where a live view has the terminal.

        Raises:
            SettingsError: The settings are wrong.
            AccountUnknown: They have no such account.

        """

    @abstractmethod
    def drill(self) -> DrillReport:
        """Trip every control on a mock exchange of its own."""

    @abstractmethod
    def exposition(self, read: Callable[[], Metrics]) -> Exposition:
        """
        Make what shows the figures that ``read`` measures.

        Raises:
            ModuleNotFoundError: The extra that it needs is not installed.

        """

    @abstractmethod
    def logged(self, config: Path | None, plan_id: str) -> Sequence[Mapping[str, Any]]:
        """
        Give the lines of the log about a plan, oldest first.

        Raises:
            SettingsError: The settings are wrong, or name no log file.
            OSError: The log cannot be read.

        """

    @abstractmethod
    def keep(self, error: BaseException) -> Path:
        """Write down an error of our own, with its traceback; say where."""

    @abstractmethod
    def redact(self, text: str) -> str:
        """Hide the secrets in a text for people."""
