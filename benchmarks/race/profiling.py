"""``python -m race.profiling``: the CPU time of one execution by Planfill, by part, in all its threads."""

from __future__ import annotations

import cProfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from types import CodeType
from typing import Final

from race.protocol import Job, told
from race.systems.planfill import prepare

# The first that fits; each is a piece of a file's path, or of the name of what is written in C.
PARTS: Final = {
    "pydantic": ("pydantic",),
    "ledger": ("sqlalchemy", "sqlite3", "alembic", "adapters/ledgers"),
    "log": ("loguru", "adapters/logs"),
    "the stream": ("websockets", "alpaca/trading/stream"),
    "HTTP": (
        "requests", "urllib3", "http/", "ssl", "socket", "email/", "alpaca/common", "charset", "certifi",
        "idna",
    ),
    "Planfill: Alpaca's adapter": ("adapters/brokers/alpaca",),
    "Planfill: wrappers": ("adapters/brokers/wrappers",),
    "Planfill: application": ("planfill/application",),
    "Planfill: domain": ("planfill/domain",),
    "event loop and threads": (
        "asyncio", "anyio", "select", "threading", "_thread", "concurrent", "queue", "context", "sniffio",
    ),
    "JSON": ("json",),
    "imports": ("importlib", "_imp"),
}  # fmt: skip
_OTHER: Final = "the rest of Python"


def part_of(code: CodeType | str) -> str | None:
    """Name the part to which a function belongs; None for one in C that whoever calls it answers for."""
    where = code if isinstance(code, str) else code.co_filename
    for part, pieces in PARTS.items():
        if any(piece in where for piece in pieces):
            return part
    return None if isinstance(code, str) else _OTHER


def parts(profiles: Sequence[cProfile.Profile]) -> dict[str, float]:
    """Add up the CPU seconds of each part."""
    found = defaultdict[str, float](float)
    for entry in chain.from_iterable(profile.getstats() for profile in profiles):
        part = part_of(entry.code)
        if part is not None:
            found[part] += entry.inlinetime
        for called in entry.calls or ():
            if part_of(called.code) is None:
                found[part or _OTHER] += called.inlinetime
    return dict(found)


class Threads:
    """Profiles every thread that begins while it is on; each has a profile of its own."""

    def __init__(self) -> None:
        self.profiles: list[cProfile.Profile] = []

    def __enter__(self) -> None:
        """Begin, with this thread."""
        threading.setprofile(lambda *_: self._here())
        self._here()

    def __exit__(self, *_: object) -> None:
        """End; the other threads wait by now, and each can only be told of by its own clock."""
        threading.setprofile(None)
        self.profiles[0].disable()

    def _here(self) -> None:
        # Of the CPU, not of the wall: who waits costs nothing.
        profile = cProfile.Profile(time.thread_time)
        self.profiles.append(profile)
        profile.enable()


def main() -> None:
    """Execute the job, and print its parts."""
    job = Job.read(told())
    execute, threads = prepare(job), Threads()
    with threads:
        execute()
    found = parts(threads.profiles)
    whole = sum(found.values())
    for part, seconds in sorted(found.items(), key=lambda one: -one[1]):
        print(f"| {part} | {seconds / whole * 100:.0f} % |")


if __name__ == "__main__":
    main()
