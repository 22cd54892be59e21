"""Where a command writes: one document or one picture on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, RenderableType

    from planfill.adapters.cli.document import Failed

_WIDTH_OF_A_FILE: Final = 100

_SHOW_CURSOR: Final = b"\x1b[?25h\r\n"


class Printer:
    """
    The two streams of one command; ``redact`` hides secrets in all that is printed.

    A stdout that takes no more changes nothing but what is printed: orders are not to suffer for it.
    """

    def __init__(self, redact: Callable[[str], str], *, as_json: bool) -> None:
        self.as_json = as_json
        self._redact = redact
        self._console: Console | None = None

    @property
    def console(self) -> Console:
        """Give the console on stdout; rich is imported at its first use."""
        if self._console is None:
            from planfill.adapters.cli.console import Stdout

            narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
            width = None if narrow else _WIDTH_OF_A_FILE
            self._console = Stdout(width=width, highlight=False, emoji=False, markup=False)
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
            # Past the console: a picture that was interrupted half way keeps what is printed after it.
            os.write(sys.stdout.fileno(), _SHOW_CURSOR)

    def show(self, *pictures: RenderableType) -> None:
        """Print for people."""
        with self._undisturbed():
            self.console.print(*pictures, sep="\n", crop=False)

    def document(self, text: str) -> None:
        """Print the JSON document."""
        with self._undisturbed():
            sys.stdout.write(self._redact(text) + "\n")
            sys.stdout.flush()

    def lines(self, *lines: str) -> None:
        """Print lines that no width breaks: a program may read them too."""
        self.document("\n".join(lines))

    def record(self, *lines: str) -> bool:
        """Write lines to the byte, for a record is one only whole; tell whether stdout took them all."""
        took = False
        with self._undisturbed():
            sys.stdout.writelines(f"{line}\n" for line in lines)
            sys.stdout.flush()
            took = True
        return took  # noqa: RET504 - what the context swallows leaves it False

    def note(self, text: str) -> None:
        """Say something beside the result."""
        line = f"planfill: {self._redact(text)}\n"
        with suppress(OSError, ValueError):
            try:
                sys.stderr.write(line)
                sys.stderr.flush()
            except RuntimeError:
                # A signal came while something was being written, and this is said in its handler.
                os.write(sys.stderr.fileno(), line.encode(errors="backslashreplace"))

    def failure(self, failed: Failed) -> None:
        """Say why there is no result."""
        if self.as_json:
            from planfill.adapters.cli.document import document

            self.document(document(failed))
        else:
            self.note(failed.error.message)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            _fall_silent()
        except OSError as e:
            _fall_silent()
            self.note(f"stdout takes no more, the rest is not printed: {e}")


def _fall_silent() -> None:
    """Send stdout nowhere: Python flushes it once more at its end, and would complain."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
