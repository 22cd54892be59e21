"""The process of a shadow that is a Python callable: ``python -m planfill.adapters.shadows.calling``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from planfill.adapters.shadows.answering import answer

if TYPE_CHECKING:
    from collections.abc import Mapping


def orders(request: Mapping[str, Any]) -> object:
    """Call the function with the plan."""
    module, _, name = request["callable"].partition(":")
    return getattr(import_module(module), name)(request["plan"])


if __name__ == "__main__":
    answer(orders)
