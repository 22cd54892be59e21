"""What is said where there is no result: one clear message, or one JSON document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from planfill.adapters.cli.document import Failed, Failure
from planfill.domain.errors import ExecutionError, PlanInvalid

if TYPE_CHECKING:
    from pathlib import Path

USAGE: Final = "USAGE"
INTERRUPTED: Final = "INTERRUPTED"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"
OUR_OWN: Final = 70
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def failed(error: ExecutionError, plan: str | None = None) -> Failed:
    """Put an error of the tree into the document; ``plan`` names the plan that it is about."""
    message = str(error)
    if isinstance(error, PlanInvalid) and plan is not None and any(p.path for p in error.problems):
        message = f"{plan}: {message}"
    return Failed(
        error=Failure(code=code_of(error), message=message, problems=tuple(error.problems))
    )


def crashed(error: BaseException, details: Path) -> Failed:
    """Put an error that nobody foresaw into the document: what it is, and where its details are."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    # The details hold the rest of a message of many lines.
    first, *rest = what.splitlines()
    message = f"this is an error of Planfill's own: {first}{' ...' if rest else ''}; its details are in {details}"
    return Failed(error=Failure(code=INTERNAL_ERROR, message=message))


def misused(message: str, remedy: str) -> Failed:
    """Put a wrong command line into the document."""
    return Failed(error=Failure(code=USAGE, message=f"{message.rstrip('.')}: see `{remedy} --help`"))


def code_of(error: ExecutionError) -> str:
    """Name the kind of an error: ``PlanInvalid`` is ``PLAN_INVALID``; it never changes."""
    return _HUMP.sub("_", type(error).__name__).upper()
