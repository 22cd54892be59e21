"""The console on stdout."""

from __future__ import annotations

from rich.console import Console


class Stdout(Console):
    """Tells when nobody reads any more (``| head``): rich would end the process, orders or not."""

    def on_broken_pipe(self) -> None:
        """Raise what rich has caught."""
        self.quiet = True
        raise BrokenPipeError
