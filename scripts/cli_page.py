"""Write the page on the command line: every command with its arguments and options, from the program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from planfill.adapters.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "reference" / "cli.md"
# Told once, at the top.
_COMMON: Final = ("config", "json")
_OPENING: Final = """\
# The command line

`make format` writes this page from the program; `planfill COMMAND --help` says the same. Of a result `--json`
prints [the result document](result.md); each status has [an exit code](statuses.md).

{epilog}

| Option of most commands | |
|---|---|
{common}
"""


def page() -> str:
    """Write the page."""
    program = typer.main.get_command(app)
    commands = list(_commands("planfill", program))
    known = {one.name: one for _, command in commands for one in command.params if one.name in _COMMON}
    common = "\n".join(_row(known[name]) for name in _COMMON)
    opening = _OPENING.format(epilog=_plain(program.epilog or ""), common=common)
    return "\n".join([opening, *(_section(name, command) for name, command in commands)])


# What typer makes are click's commands and parameters, or its own copies of them, by version: hence Any.
def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as above
    nested = getattr(command, "commands", {})
    if not nested:
        yield name, command
    for known in sorted(nested):
        yield from _commands(f"{name} {known}", nested[known])


def _section(name: str, command: Any) -> str:  # noqa: ANN401 - as above
    own = [one for one in command.params if one.name not in _COMMON]
    own.sort(key=lambda one: one.param_type_name)  # arguments first
    common = [f"[{_names(one)}]" for one in command.params if one.name in _COMMON]
    usage = [name]
    usage += [_names(one) for one in own if one.param_type_name == "argument" or one.required]
    usage += ["[OPTIONS]"] * any(one.param_type_name == "option" and not one.required for one in own)
    table = ["", "| | |", "|---|---|", *map(_row, own)] if own else []
    lines = [
        f"## {name}",
        "",
        _plain(command.help),
        "",
        "```text",
        " ".join(usage + common),
        "```",
        *table,
        "",
    ]
    return "\n".join(lines)


def _row(parameter: Any) -> str:  # noqa: ANN401 - as above
    names = _names(parameter).replace("|", r"\|")
    return f"| `{names}` | {_meaning(parameter)} |"


def _names(parameter: Any) -> str:  # noqa: ANN401 - as above
    value = str(parameter.metavar or "")
    names = "" if parameter.param_type_name == "argument" else "/".join(parameter.opts)
    return f"{names} {value}".strip()


def _meaning(parameter: Any) -> str:  # noqa: ANN401 - as above
    said = _plain(parameter.help)
    if parameter.default and not parameter.required:
        said += f" By default `{parameter.default}`."
    if parameter.envvar:
        said += f" The variable `{parameter.envvar}` does the same."
    return said


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
