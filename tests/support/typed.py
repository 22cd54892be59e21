"""What the program makes of a line that somebody is told to type."""

from __future__ import annotations

import shlex
from typing import Any

import typer

from planfill.adapters.cli.app import app


def is_a_command(todo: str) -> bool:
    """Tell whether the program understands a line as it stands: nothing is run."""
    name, *arguments = shlex.split(todo)
    command: Any = typer.main.get_command(app)
    context: Any = None
    while hasattr(command, "resolve_command"):
        context = command.make_context(name, arguments, parent=context)
        name, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
    command.make_context(name, arguments, parent=context)
    return True
