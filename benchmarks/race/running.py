"""One run: a fresh market, a fresh process of one system, and the count at the market."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from race.protocol import BUNDLE, Case, Job, Outcome, Seen

BENCHMARKS: Final = Path(__file__).resolve().parents[1]
SUPPORT: Final = BENCHMARKS.parent / "tests" / "support"
# What would set something, or let every process compile what it imports.
_NOT_OURS: Final = ("PLANFILL", "APCA", "PYTHONDONTWRITEBYTECODE")


class Void(Exception):
    """A run that does not count: the system failed, or its orders were not filled."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A run that counts."""

    outcome: Outcome
    seen: Seen


def run(
    system: str, case: Case, *, given: Path | None = None, python: str = sys.executable, limit_s: float = 120
) -> Measured:
    """
    Let one system execute one case, in a folder of its own with what ``given`` holds.

    Raises:
        Void: It does not count.

    """
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        here = Path(folder)
        if given is not None:
            shutil.copytree(given, here, dirs_exist_ok=True)
        with market(case, here) as (job, count):
            certificates = {"SSL_CERT_FILE": here / BUNDLE, "REQUESTS_CA_BUNDLE": here / BUNDLE}
            client = _start([python, "-m", f"race.systems.{system}"], here, certificates if case.tls else {})
            outcome = _outcome(_ended(client, job.written(), limit_s))
            seen = count()
    if not case.lines == seen.orders == seen.filled == outcome.filled:
        msg = f"{case.lines} lines, {seen.orders} orders, {seen.filled} filled, {outcome.filled} known"
        raise Void(msg)
    return Measured(outcome, seen)


@contextmanager
def market(case: Case, folder: Path) -> Iterator[tuple[Job, Callable[[], Seen]]]:
    """Open a market for a case, in a process of its own; what is given counts what it has seen, once."""
    venue = _start([sys.executable, "-m", "race.venue", str(folder)], folder, {})
    try:
        yield Job.read(_said(venue, case.written())), lambda: Seen.read(_said(venue, ""))
    finally:
        venue.kill()
        venue.communicate()


def scratch() -> Path:
    """Give a folder on the disk of the repository, whose speed counts for the ledger."""
    folder = BENCHMARKS.parent / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def environment() -> dict[str, str]:
    """Give the environment, less what would change what is measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}


def _start(command: list[str], folder: Path, more: Mapping[str, Path]) -> subprocess.Popen[str]:
    variables = environment() | {name: str(value) for name, value in more.items()}
    variables["PYTHONPATH"] = f"{BENCHMARKS}{os.pathsep}{SUPPORT}"
    pipe = subprocess.PIPE
    return subprocess.Popen(  # noqa: S603 - our own modules
        command, cwd=folder, env=variables, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def _said(process: subprocess.Popen[str], line: str) -> str:
    """Say a line to a process, and wait for its answer."""
    assert process.stdin is not None  # noqa: S101 - for the type checker
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(line + "\n")
    process.stdin.flush()
    if answer := process.stdout.readline():
        return answer
    raise Void(_last_line(process.communicate()[1]))


def _outcome(answer: str) -> Outcome:
    """Find what a system says of its run; what else it prints is its log."""
    for line in answer.splitlines():
        if line.startswith("{"):
            try:
                return Outcome.read(line)
            except (ValueError, TypeError) as e:
                msg = f"no outcome: {line[:100]}"
                raise Void(msg) from e
    msg = "it said nothing"
    raise Void(msg)


def _ended(process: subprocess.Popen[str], line: str, limit_s: float) -> str:
    """Say a line to a process, and wait for its end."""
    try:
        answer, complaint = process.communicate(line + "\n", timeout=limit_s)
    except subprocess.TimeoutExpired as e:
        msg = f"not done after {limit_s:.0f} s"
        raise Void(msg) from e
    finally:
        process.kill()
    if process.returncode:
        raise Void(_last_line(complaint))
    return answer


def _last_line(complaint: str) -> str:
    lines = complaint.strip().splitlines()
    return lines[-1] if lines else "it ended without a word"
