"""What is said where there is no result: one clear message, or one JSON document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from planfill.adapters.cli.document import Failed, Failure
from planfill.domain.errors import ExecutionError

if TYPE_CHECKING:
    from pathlib import Path

USAGE: Final = "USAGE"
INTERRUPTED: Final = "INTERRUPTED"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"
OUR_OWN: Final = 70
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def failed(error: ExecutionError) -> Failed:
    """Put an error of the tree into the document."""
    message, problems = str(error), tuple(error.problems)
    if len(problems) == 1:
        # A list of one reads better as a sentence.
        message = " ".join(line.strip() for line in message.splitlines())
    return Failed(error=Failure(code=code_of(error), message=message, problems=problems))


def crashed(error: BaseException, details: Path) -> Failed:
    """Put an error that nobody foresaw into the document: what it is, and where its details are."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    # The details hold the rest of a message of many lines.
    first, *rest = what.splitlines()
    message = (
        f"this is an error of Planfill's own: {first}{' ...' if rest else ''}; its details are in {details}"
    )
    return Failed(error=Failure(code=INTERNAL_ERROR, message=message))


def misused(message: str, remedy: str) -> Failed:
    """Put a wrong command line into the document."""
    return Failed(error=Failure(code=USAGE, message=f"{message.rstrip('.')}: see `{remedy} --help`"))


def code_of(error: ExecutionError) -> str:
    """Name an error by its class in the tree: ``PlanInvalid`` is ``PLAN_INVALID``; it never changes."""
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == ExecutionError.__module__)
    return _HUMP.sub("_", kind.__name__).upper()
