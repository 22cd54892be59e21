"""
The crash points with real processes: every life of the program is one, and SIGKILL ends it.

``python killing.py FOLDER '{"scenario": "mixed", ...}'`` forks a process for each crash point of a job, kills
it there, starts another that must finish, then a third that must change nothing, and prints what it found as
JSON. It forks before it has a thread or a database open. With ``"fresh": true`` the first two are new
interpreters instead: ``python killing.py FOLDER JOB LIFE``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import anyio
from crashing import MIXED, SMALL, Letter, Points, Scenario, Wire, deliver, live, prepare_to_fork
from outcomes import (
    Book,
    Outcome,
    check_chains,
    check_record,
    difference,
    numbers_in_file,
    outcome,
    rows_in_file,
)
from sqlalchemy import Connection

from planfill.adapters.brokers.wrappers.counting import counted
from planfill.adapters.ledgers import migrations  # noqa: F401 - so that no child has to import it
from planfill.adapters.ledgers.sql import SqlLedger
from planfill.adapters.ledgers.sqlite import SqliteFile
from planfill.domain.result import ExecutionResult
from planfill.testing.clock import START, VirtualClock

SCENARIOS: Final = {"mixed": MIXED, "small": SMALL}
_FAILED: Final = 70
_MAKING: Final = 3
"""So many points, the first ones, are the commit that makes the tables."""


class Job(NamedTuple):
    """Which points of which run a program kills at: every ``shares``-th, from the ``share``-th on."""

    scenario: str = "mixed"
    unique_ids: bool = True
    read_lag_s: float = 0
    downtime_s: float = 0.5
    share: int = 0
    shares: int = 1
    fresh: bool = False
    at_most: int | None = None
    """Only so many points, evenly spread."""

    def stage(self) -> Scenario:
        """Give the run."""
        scenario = SCENARIOS[self.scenario]._replace(downtime_s=self.downtime_s)
        return scenario.with_settings(unique_ids=self.unique_ids, read_lag_s=self.read_lag_s)


class Findings(NamedTuple):
    """What a job has found: points in the run, how many were killed at, and what was wrong after which."""

    points: int
    killed: int
    seconds: float
    failures: list[str]


class WatchedFile(SqliteFile):
    """A ledger's file whose every commit is three points: before, with everything written, and after."""

    def __init__(self, url: str, reach: Callable[[str], None], *, busy_timeout_s: float = 5) -> None:
        super().__init__(url, busy_timeout_s=busy_timeout_s)
        self._reach = reach

    @contextmanager
    def transaction(  # type: ignore[override]
        self, connection: Connection, *, writing: bool
    ) -> Iterator[Connection]:
        if not writing:
            with SqliteFile.transaction(connection, writing=False):
                yield connection
            return
        self._reach("commit: before")
        with SqliteFile.transaction(connection, writing=True):
            yield connection
            self._reach("commit: during")
        self._reach("commit: after")


def watched(url: str, reach: Callable[[str], None]) -> SqlLedger:
    """Open a ledger that says when it commits."""
    ledger = SqlLedger(url)
    ledger._database.file = WatchedFile(url, reach)
    return ledger


class Folder(NamedTuple):
    """What outlives processes."""

    path: Path

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.db"

    @property
    def book(self) -> Path:
        return self.path / "book.db"

    @property
    def clock(self) -> Path:
        """When the last process ended, in virtual time."""
        return self.path / "clock"

    @property
    def mail(self) -> Path:
        """What was on its way to the broker then."""
        return self.path / "mail"

    @property
    def told(self) -> Path:
        """The numbers of the events that the listener was told of."""
        return self.path / "told"

    @property
    def result(self) -> Path:
        """The last result."""
        return self.path / "result"

    @property
    def reached(self) -> Path:
        """The points that the last process that was not killed has come past."""
        return self.path / "reached"

    @property
    def modules(self) -> Path:
        """What that process had imported."""
        return self.path / "modules"


def be(folder: Folder, scenario: Scenario, fatal: int | None, *, resume: bool) -> None:
    """Be a process: execute, and be killed at a point, or leave the result."""
    start = datetime.fromisoformat(folder.clock.read_text()) if folder.clock.exists() else START
    clock = VirtualClock(start)

    def kill() -> None:
        now = clock.now()
        letters = [{**one._asdict(), "at": str(one.at)} for one in wire.left(now)]
        folder.mail.write_text(json.dumps(letters))
        folder.clock.write_text(str(now))
        os.kill(os.getpid(), signal.SIGKILL)

    def tell(number: int) -> None:
        os.write(told, f"{number}\n".encode())

    points = Points(fatal, kill)
    told = os.open(folder.told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    broker = scenario.exchange(clock, folder.book)
    wire = Wire(broker, points, clock, scenario.latency_s)
    family = counted(replace(broker.brokerage(), broker=wire))

    async def main() -> ExecutionResult:
        if folder.mail.exists():
            letters = [
                Letter(one["method"], one["content"], datetime.fromisoformat(one["at"]))
                for one in json.loads(folder.mail.read_text())
            ]
            folder.mail.unlink()
            await deliver(letters, broker.desk, scenario.faults)
            clock.advance(scenario.downtime_s)
        ledger = watched(f"sqlite:///{folder.ledger}", points.reach)
        result = await live(scenario, family, ledger, clock, tell, resume=resume)
        await ledger.aclose()
        return result

    result = anyio.run(main)
    folder.result.write_text(result.model_dump_json())
    folder.reached.write_text("\n".join(points.reached))
    folder.modules.write_text("\n".join(sys.modules))
    folder.clock.write_text(str(clock.now()))


def outcome_in(folder: Folder) -> tuple[Outcome, str, object]:
    """Look at what the processes left: what must be equal, the result in full, and the record in full."""
    rows, heads = rows_in_file(folder.ledger)
    check_chains(rows, heads)
    check_record(rows, map(int, folder.told.read_text().split()))
    text = folder.result.read_text()
    result = ExecutionResult.model_validate_json(text)
    found = outcome(result, Book.in_file(folder.book), numbers_in_file(folder.book), rows)
    return found, text, (rows, heads)


def forked(job: Job, folder: Folder, life: tuple[int | None, bool]) -> int:
    """Live in a child of this process; give how it ended, as ``subprocess`` would."""
    del job
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = _FAILED
    try:
        be(folder, _stage, life[0], resume=life[1])
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the child may reach the parent's code
        traceback.print_exc()
    os._exit(code)


def fresh(job: Job, folder: Folder, life: tuple[int | None, bool]) -> int:
    """Live in a new interpreter."""
    command = [sys.executable, __file__, str(folder.path), json.dumps(job._asdict()), json.dumps(life)]
    return subprocess.run(command, check=False).returncode


def spread(points: int, count: int) -> list[int]:
    """Choose so many of the points, evenly, the first and the last among them."""
    count = min(count, points)
    return sorted({1 + round(i * (points - 1) / max(1, count - 1)) for i in range(count)})


def work(job: Job, root: Path) -> Findings:
    """Do a job."""
    begin = time.perf_counter()
    run = fresh if job.fresh else forked
    calm = Folder(root / "calm")
    calm.path.mkdir()
    assert run(job, calm, (None, False)) == 0
    expected = outcome_in(calm)[0]
    reached = calm.reached.read_text().splitlines()
    prepare_to_fork(calm.modules)
    chosen = spread(len(reached), job.at_most) if job.at_most else range(1, len(reached) + 1)
    blank = Folder(root / "blank")
    blank.path.mkdir()
    assert forked(job, blank, (_MAKING, False)) == -signal.SIGKILL
    failures, killed = [], 0
    for k in [*chosen][job.share :: job.shares]:
        folder = Folder(root / f"point-{k}")
        folder.path.mkdir()
        fatal = k
        if k > _MAKING:  # tables that were made before save time
            fatal -= _MAKING
            for file in blank.path.glob("ledger.db*"):
                shutil.copy(file, folder.path)
        try:
            assert run(job, folder, (fatal, False)) == -signal.SIGKILL, "it was not killed"
            killed += 1
            resume = bool(k % 2)
            assert run(job, folder, (None, resume)) == 0, "the restart failed"
            found, text, record = outcome_in(folder)
            assert found == expected, difference(found, expected)
            assert forked(job, folder, (None, not resume)) == 0, "the second restart failed"
            assert outcome_in(folder) == (found, text, record), "a second restart changed something"
        except AssertionError as e:
            failures.append(f"killed at {k}, {reached[k - 1]}: {e}")
        shutil.rmtree(folder.path)
    return Findings(len(reached), killed, time.perf_counter() - begin, failures)


if __name__ == "__main__":
    _job = Job(**json.loads(sys.argv[2]))
    _stage = _job.stage()
    if len(sys.argv) > 3:
        _fatal, _resume = json.loads(sys.argv[3])
        be(Folder(Path(sys.argv[1])), _stage, _fatal, resume=_resume)
    else:
        json.dump(work(_job, Path(sys.argv[1]))._asdict(), sys.stdout)
