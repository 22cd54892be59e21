"""``python -m race.profiling``: the CPU time of one execution by Planfill, by part, in all its threads."""

from __future__ import annotations

import cProfile
import pstats
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from race.protocol import Job, told
from race.systems.planfill import prepare

# The first that fits; each is a piece of a file's path, or of the name of what is written in C.
PARTS: Final = {
    "pydantic": ("pydantic",),
    "ledger": ("sqlalchemy", "sqlite3", "alembic", "adapters/ledgers"),
    "log": ("loguru", "adapters/logs"),
    "the stream": ("websockets", "alpaca/trading/stream"),
    "HTTP": ("requests", "urllib3", "http/", "ssl.py", "socket", "email/", "/alpaca/common", "charset", "certifi", "idna"),
    "Planfill: Alpaca's adapter": ("adapters/brokers/alpaca",),
    "Planfill: wrappers": ("adapters/brokers/wrappers",),
    "Planfill: application": ("planfill/application",),
    "Planfill: domain": ("planfill/domain",),
    "event loop and threads": ("asyncio", "anyio", "selectors", "select.", "threading", "_thread", "concurrent", "queue", "context", "sniffio"),
    "JSON": ("json", "_json"),
    "imports": ("importlib", "_imp"),
}  # fmt: skip
_OTHER: Final = "the rest of Python"


def part_of(file: str, name: str) -> str | None:
    """Name the part to which a function belongs; None for one in C that whoever calls it answers for."""
    for part, pieces in PARTS.items():
        if any(piece in (name if file == "~" else file) for piece in pieces):
            return part
    return None if file == "~" else _OTHER


def parts(stats: dict[Any, Any]) -> dict[str, float]:
    """Add up the CPU seconds of each part; ``stats`` are those of ``pstats``."""
    found = defaultdict[str, float](float)
    for (file, _, name), (_, _, own_s, _, callers) in stats.items():
        part = part_of(file, name)
        if part is not None:
            found[part] += own_s
            continue
        for (calling, _, caller), (_, _, share_s, _) in callers.items():
            found[part_of(calling, caller) or _OTHER] += share_s
    return dict(found)


class Threads:
    """Profiles every thread that begins while it is on; each has a profile of its own."""

    def __init__(self) -> None:
        self._profiles: list[cProfile.Profile] = []

    def __enter__(self) -> None:
        """Begin, with this thread."""
        threading.setprofile(lambda *_: self._here())
        self._here()

    def __exit__(self, *_: object) -> None:
        """End."""
        threading.setprofile(None)  # type: ignore[arg-type]
        for profile in self._profiles:
            profile.disable()

    def stats(self) -> dict[Any, Any]:
        """Give what was found in all threads."""
        whole = pstats.Stats(self._profiles[0])
        whole.add(*self._profiles[1:])
        return whole.stats  # type: ignore[attr-defined, no-any-return]

    def _here(self) -> None:
        # Of the CPU, not of the wall: who waits costs nothing.
        profile = cProfile.Profile(time.thread_time)
        self._profiles.append(profile)
        profile.enable()


def main() -> None:
    """Execute the job, and print its parts."""
    job = Job.read(told())
    execute, threads = prepare(job), Threads()
    with threads:
        execute()
    stats = threads.stats()
    found = parts(stats)
    whole = sum(found.values())
    for part, seconds in sorted(found.items(), key=lambda one: -one[1]):
        print(f"| {part} | {seconds / whole * 100:.0f} % |")
    pstats_file = Path("profile.txt")
    pstats_file.write_text("\n".join(_heaviest(stats)), encoding="utf-8")


def _heaviest(stats: dict[Any, Any]) -> list[str]:
    rows = sorted(stats.items(), key=lambda one: -one[1][2])[:60]
    return [f"{own_s:8.4f} {cum_s:8.4f} {calls:8} {file}:{line}({name})" for (file, line, name), (_, calls, own_s, cum_s, _) in rows]


if __name__ == "__main__":
    main()
