"""Where a command writes: one document or one picture on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console, RenderableType

    from planfill.adapters.cli.document import Failed

_WIDTH_OF_A_FILE: Final = 100


class Printer:
    """The two streams of one command; ``redact`` hides secrets in all that is printed."""

    def __init__(self, redact: Callable[[str], str], *, as_json: bool) -> None:
        self.as_json = as_json
        self._redact = redact
        self._console: Console | None = None

    @property
    def console(self) -> Console:
        """Give the console on stdout; rich is imported at its first use."""
        if self._console is None:
            from rich.console import Console

            narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
            width = None if narrow else _WIDTH_OF_A_FILE
            self._console = Console(width=width, highlight=False, emoji=False, markup=False)
        return self._console

    @property
    def is_live(self) -> bool:
        """Whether stdout is a terminal in which lines can be drawn anew."""
        return (
            not self.as_json
            and sys.stdout.isatty()
            and self.console.is_terminal
            and not self.console.is_dumb_terminal
        )

    def give_back(self) -> None:
        """Leave the terminal as it was, whatever is being drawn in it."""
        if self._console is not None and self.is_live:
            self._console.show_cursor()
            self._console.line()

    def show(self, *pictures: RenderableType) -> None:
        """Print for people."""
        with suppress_closed_pipe():
            self.console.print(*pictures, sep="\n")

    def document(self, text: str) -> None:
        """Print the JSON document."""
        with suppress_closed_pipe():
            sys.stdout.write(self._redact(text) + "\n")
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """Say something beside the result."""
        with suppress(OSError, ValueError):
            sys.stderr.write(f"planfill: {self._redact(text)}\n")
            sys.stderr.flush()

    def failure(self, failed: Failed) -> None:
        """Say why there is no result."""
        if self.as_json:
            from planfill.adapters.cli.document import document

            self.document(document(failed))
        else:
            self.note(failed.error.message)


class suppress_closed_pipe:  # noqa: N801 - used like contextlib's
    """Let nobody's leaving before the end (``| head``) change how the command ends."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, BrokenPipeError):
            return False
        # Python flushes stdout once more at its end, and would complain.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
