"""Plan in, fills out: executes a rebalance plan at a broker, every line exactly once."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planfill.bootstrap.manager import ExecutionManager

__all__ = ["ExecutionManager", "__version__"]

__version__ = version("planfill")


def __getattr__(name: str) -> object:
    # The wiring is heavy, and whoever only wants a value or an error should not wait for it.
    if name == "ExecutionManager":
        from planfill.bootstrap.manager import ExecutionManager  # noqa: PLC0415

        return ExecutionManager
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
