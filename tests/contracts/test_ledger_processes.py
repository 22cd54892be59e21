"""What becomes of a ledger when its processes compete and die."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from planfill.adapters.ledgers.sql import SqlLedger
from planfill.domain.errors import AccountBusy
from planfill.testing.events import ACCOUNT, AT, a_start, an_alert, an_execution
from planfill.testing.ledger_cards import assert_chained

PROGRAM: Final = Path(__file__).with_name("ledger_process.py")


class Process:
    """Another process with the same ledger."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self._popen = popen

    def heard(self) -> str:
        """Wait for the next line that it says."""
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()

    def start(self) -> None:
        """Let it go on."""
        assert self._popen.stdin is not None
        self._popen.stdin.write("go\n")
        self._popen.stdin.flush()

    def kill(self) -> None:
        self._popen.kill()
        self.await_death()

    def await_death(self) -> None:
        assert self._popen.wait(timeout=30) == -signal.SIGKILL


@contextmanager
def process(url: str, action: str) -> Iterator[Process]:
    command = [sys.executable, str(PROGRAM), url, action]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as popen:
        yield Process(popen)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


async def test_the_account_is_busy_while_another_process_holds_it_and_free_once_that_is_killed(
    url: str,
) -> None:
    ledger = SqlLedger(url)
    with process(url, "hold") as holder:
        assert holder.heard() == "held: 1"
        with pytest.raises(AccountBusy, match=r"held by process \d+ since 2021-03-31T15:00:00"):
            await ledger.claim(ACCOUNT, holder="test", at=AT)
        holder.kill()
        async with await ledger.claim(ACCOUNT, holder="test", at=AT) as claim:
            assert claim.fence == 2
    await ledger.aclose()


async def test_the_account_is_free_once_its_holder_ends(url: str) -> None:
    with process(url, "hold") as holder:
        assert holder.heard() == "held: 1"
    ledger = SqlLedger(url)
    async with await ledger.claim(ACCOUNT, holder="test", at=AT) as claim:
        assert claim.fence == 2
    await ledger.aclose()


async def test_what_was_appended_outlives_a_kill_right_after_and_the_chain_goes_on(url: str) -> None:
    with process(url, "append and die") as writer:
        assert writer.heard() == "held: 1"
        told = writer.heard()
        writer.await_death()
    ledger = SqlLedger(url)
    (found,) = await ledger.read(an_execution())
    assert (found.hash, found.event) == (told, a_start())
    async with await ledger.claim(ACCOUNT, holder="test", at=AT) as claim:
        await ledger.append(an_execution(), [an_alert()], at=AT, claim=claim)
    assert_chained(await ledger.read(an_execution()), length=2)
    await ledger.aclose()


def test_of_processes_that_race_for_a_new_ledger_one_gets_the_account(url: str) -> None:
    with ExitStack() as stack:
        racers = [stack.enter_context(process(url, "race")) for _ in range(4)]
        assert [racer.heard() for racer in racers] == ["ready"] * 4
        for racer in racers:
            racer.start()
        said = [racer.heard().partition(":")[0] for racer in racers]
    assert sorted(said) == ["busy"] * 3 + ["held"]


async def test_a_forked_child_does_not_keep_what_its_parent_held(url: str) -> None:
    ledger = SqlLedger(url)
    with process(url, "leave a child and die") as parent:
        assert [parent.heard(), parent.heard()] == ["held: 1", "child"]
        parent.await_death()
        async with await ledger.claim(ACCOUNT, holder="test", at=AT) as claim:
            assert claim.fence == 2
    await ledger.aclose()


async def test_a_forked_child_can_neither_use_the_ledger_nor_free_the_account(url: str) -> None:
    ledger = SqlLedger(url)
    with process(url, "use it in a child") as parent:
        assert [parent.heard() for _ in range(3)] == ["held: 1", "ProcessForked", "StopIteration"]
        with pytest.raises(AccountBusy):
            await ledger.claim(ACCOUNT, holder="test", at=AT)
    await ledger.aclose()


def test_only_a_new_ledger_imports_alembic_and_only_an_sql_ledger_sqlalchemy(url: str) -> None:
    code = f"""
import asyncio, sys
from planfill.adapters.ledgers.memory import MemoryLedger
assert "sqlalchemy" not in sys.modules
from planfill.adapters.ledgers.sql import SqlLedger
async def main():
    ledger = SqlLedger({url!r})
    await ledger.executions()
    await ledger.aclose()
    print("alembic" in sys.modules)
asyncio.run(main())
"""
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
        for _ in range(2)
    ]
    assert [run.stdout.strip() for run in runs] == ["True", "False"]
