"""
Follow a page as its reader would: write its files, type its commands, compare what is printed.

A fence with a title is a file; ``console`` is what a terminal shows, commands after ``$``. ``sh`` is for
the reader alone: what installs, and what sets keys. Three dots at the end of a word are whatever is printed
there. Times, durations and hashes are compared by their form, spaces not at all.

Usage, in an empty folder with planfill in the path: transcript.py PAGE
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FENCE: Final = re.compile(r'^```(\w+)(?: title="([^"\n]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
# What a terminal draws over while a plan is executed: each line as it ends.
_PROGRESS: Final = re.compile(r"^(?:SELL|BUY |HOLD) \S+ +[\d,]+\.\d\d  [A-Z].*\n", re.MULTILINE)
_ANYTHING: Final = re.compile(r"\.\.\.(?!\S)")
_FLEETING: Final = {
    re.compile(r"\b[0-9a-f]{64}\b"): "HASH",
    re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?"): "TIME",
    re.compile(r"\b\d+\.\d+ s\b"): "DURATION",
}


class Typed(NamedTuple):
    """A command on a page, and what the page shows of what it prints."""

    command: str
    shown: str


def steps(page: str) -> Iterator[tuple[str, str] | Typed]:
    """List what the reader does, in order: files to be written, name and text, and commands to be typed."""
    for language, title, text in _FENCE.findall(page):
        if title:
            yield title, text
        elif language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                yield Typed(command, shown)


def differs(printed: str, shown: str) -> bool:
    """Tell whether what was printed is not what is shown."""
    pattern = ".*".join(re.escape(_plain(part)) for part in _ANYTHING.split(shown))
    return re.fullmatch(pattern, _plain(_PROGRESS.sub("", printed)), re.DOTALL) is None


def _plain(text: str) -> str:
    for fleeting, name in _FLEETING.items():
        text = fleeting.sub(name, text)
    return " ".join(text.split())


def follow(page: str, folder: Path, run: Callable[[str], str]) -> Iterator[str]:
    """Do all of it; say of each command that printed anything else than the page shows what it printed."""
    for step in steps(page):
        if isinstance(step, Typed):
            printed = run(step.command)
            if differs(printed, step.shown):
                yield f"$ {step.command}\n{printed}"
        else:
            name, text = step
            (folder / name).write_text(text, encoding="utf-8")


def main(page: str) -> int:
    """Follow a page in the current folder; print what differs."""
    text = Path(page).read_text(encoding="utf-8")
    exited = 0

    def run(command: str) -> str:
        nonlocal exited
        known = command.replace("$?", str(exited))
        ran = subprocess.run(["bash", "-c", known], capture_output=True, check=False, text=True)  # noqa: S603, S607
        exited = ran.returncode
        return ran.stdout or ran.stderr

    found = list(follow(text, Path.cwd(), run))
    print(
        "\n".join(found)
        or f"{page}: {sum(isinstance(step, Typed) for step in steps(text))} commands print it"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
