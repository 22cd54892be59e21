"""Reading the plan that a command names: a file, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from planfill.domain.errors import PlanInvalid, Problem
from planfill.domain.reading import read_plan_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.domain.plan import Plan

STDIN: Final = "-"


def read_plan_file(name: str) -> Plan:
    """
    Read the plan at a path, or from standard input where the name is ``-``.

    Raises:
        PlanInvalid: It cannot be read, or it is no plan; each problem names the file.

    """
    try:
        text = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except (OSError, ValueError) as e:
        why = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
        problem = Problem(path="", message=why)
        raise _InvalidIn(f"{shown(name)} cannot be read", [problem]) from e
    try:
        return read_plan_text(text)
    except PlanInvalid as e:
        raise _InvalidIn(f"{shown(name)} is not a valid plan", e.problems) from e


class _InvalidIn(PlanInvalid):
    """Names the file too: somebody may execute many."""

    def __init__(self, title: str, problems: Sequence[Problem]) -> None:
        self.title = title  # type: ignore[misc]
        super().__init__(problems)


def shown(name: str) -> str:
    """Name a plan for people."""
    return "standard input" if name == STDIN else name
