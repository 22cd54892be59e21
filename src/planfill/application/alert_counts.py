"""How many messages of alerts each target has taken: counted beside its cursor, where its rate stands too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.alert import MessageCount

if TYPE_CHECKING:
    from collections.abc import Mapping

DELIVERED: Final = "delivered"
FAILED: Final = "failed"
_PARTS: Final = 3


def one_more(known: Mapping[str, int], cursor: str, status: str) -> dict[str, int]:
    """Count one more message of the target that has this cursor; ``known`` are the cursors as they stand."""
    return {f"{cursor}/{status}": known.get(f"{cursor}/{status}", 0) + 1}


def message_counts(known: Mapping[str, int]) -> tuple[MessageCount, ...]:
    """Give the counts that stand among the cursors, by target."""
    found = [(name.split("/"), number) for name, number in sorted(known.items())]
    return tuple(
        MessageCount(target=path[1], status=path[2], messages=number)
        for path, number in found
        if len(path) == _PARTS and path[2] in {DELIVERED, FAILED}
    )
