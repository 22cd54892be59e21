"""Naming the executions that nobody has finished: whatever a command is about, its user is to know."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from planfill.adapters.cli.formats import one_line
from planfill.domain.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from planfill.adapters.cli.printing import Printer
    from planfill.application.facade import ExecutionFacade
    from planfill.domain.identity import ExecutionKey


def name_unfinished(
    facade: ExecutionFacade,
    printer: Printer,
    options: str,
    is_own: Callable[[ExecutionKey], bool] = lambda _: False,
) -> None:
    """Say on stderr which executions are unfinished, and how to finish them; but for the command's own."""
    try:
        found = facade.executions(unfinished=True)
    except ExecutionError:
        return  # a ledger that cannot be read is for the command itself to tell
    others = [
        f"plan {one.key.plan_id!r} of {one.started_at:%Y-%m-%d %H:%M} UTC on {one.key.account}: "
        f"planfill resume {shlex.quote(one.key.plan_id)}{options}"
        for one in found
        if not is_own(one.key)
    ]
    if others:
        printer.note(one_line(f"unfinished: {'; '.join(others)}"))
