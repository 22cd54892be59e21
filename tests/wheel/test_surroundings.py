"""Script, running loop, notebook, threads, processes: the façade works, or says clearly why not."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib.metadata import distribution, files
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from planfill import ExecutionManager
from planfill.domain.errors import ExecutionError
from planfill.domain.result import ExecutionStatus

MakesPlan: TypeAlias = Callable[[str], dict[str, Any]]

SCRIPT: Final = """
import json, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from planfill import ExecutionManager

def execute(plan):
    with ExecutionManager.from_settings() as execution:
        return str(execution.execute_rebalance_plan(plan).status)

if __name__ == "__main__":
    here, there = json.load(sys.stdin)
    print(execute(here))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        print(pool.submit(execute, there).result())
"""
CELLS: Final = """
execution = ExecutionManager.from_settings()
---
result = await execution.execute_rebalance_plan_async(a_plan("awaited"))
---
again = execution.execute_rebalance_plan(a_plan("not awaited"))
---
execution.close()
"""


def test_a_script_executes_and_so_does_a_process_that_it_spawns(folder: Path, a_plan: MakesPlan) -> None:
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    plans = json.dumps([a_plan("here"), a_plan("there")])
    ran = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, check=False, input=plans, text=True, timeout=60
    )
    assert (ran.stdout.split(), ran.stderr) == (["SUCCEEDED", "SUCCEEDED"], "")


def test_a_running_loop_stays_free_during_an_awaited_call_and_waits_for_any_other(
    a_plan: MakesPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANFILL_MOCK__FILL_DELAY_S", "0.05")

    async def engine() -> tuple[int, int]:
        turns = 0

        async def other_work() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(other_work())
        with ExecutionManager.from_settings() as execution:
            assert (await execution.execute_rebalance_plan_async(a_plan("awaited"))).success
            meanwhile, turns = turns, 0
            assert execution.execute_rebalance_plan(a_plan("not awaited")).success
            waiting = turns
        other.cancel()
        return meanwhile, waiting

    meanwhile, waiting = asyncio.run(engine())
    assert meanwhile > 1
    assert waiting == 0


def test_a_notebook_executes_with_and_without_await(a_plan: MakesPlan) -> None:
    names: dict[str, Any] = {"ExecutionManager": ExecutionManager, "a_plan": a_plan}

    async def run_cells() -> None:
        """Run each cell as IPython does: in the loop that runs already, with ``await`` at the top."""
        for cell in CELLS.split("---"):
            code = compile(cell, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            value = eval(code, names)  # noqa: S307 - the cells stand above
            if isinstance(value, Awaitable):
                await value

    asyncio.run(run_cells())
    assert (names["result"].status, names["again"].status) == ("SUCCEEDED", "SUCCEEDED")


def test_threads_share_a_facade(a_plan: MakesPlan) -> None:
    plans = [a_plan(f"plan-{number}") for number in range(8)]
    with ExecutionManager.from_settings() as execution, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(execution.execute_rebalance_plan, plans))
        again = [execution.execute_rebalance_plan(plan) for plan in plans]
    # The account takes one plan at a time; what was refused sent nothing, and may be tried again.
    assert {result.status for result in results} <= {ExecutionStatus.SUCCEEDED, ExecutionStatus.REFUSED}
    assert {result.status for result in again} == {ExecutionStatus.SUCCEEDED}


# Python says that a fork beside threads is dangerous: it is what people do all the same.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork_every_call_is_one_clear_error_and_a_new_facade_works(a_plan: MakesPlan) -> None:
    with ExecutionManager.from_settings() as execution:
        assert execution.execute_rebalance_plan(a_plan("before")).success
        ours, theirs = get_context("fork").Pipe()
        child = get_context("fork").Process(target=in_a_child, args=(execution, a_plan, theirs))
        child.start()
        assert ours.poll(60)
        said, anew = ours.recv()
        child.join(60)
        assert child.exitcode == 0
        assert execution.execute_rebalance_plan(a_plan("after")).success
    assert len(said) > 20
    assert set(said.values()) == {
        "ProcessForked: this object belongs to the process before the fork: make a new one in the child"
    }
    assert anew == "SUCCEEDED"


def in_a_child(execution: ExecutionManager, a_plan: MakesPlan, answer: Connection) -> None:
    said = {name: error_of(call) for name, call in calls(execution, a_plan("child")).items()}
    execution.close()
    with ExecutionManager.from_settings() as anew:
        result = anew.execute_rebalance_plan(a_plan("child"))
    answer.send((said, str(result.status)))


def calls(execution: ExecutionManager, plan: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """Find every public method, and give each that asks for something a plan or a word."""
    found: dict[str, Callable[[], object]] = {}
    for name, method in inspect.getmembers(execution, inspect.ismethod):
        # What is asked of the settings alone is answered anywhere.
        if name.startswith("_") or name in {"close", "from_settings", "require_shadow"}:
            continue
        needed = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
        given = [plan if one.name == "plan" else "a word" for one in needed]
        found[name] = partial(answer_of, method, given)
    return found


def answer_of(method: Callable[..., object], given: Sequence[object]) -> object:
    answer = method(*given)
    return asyncio.run(answer) if inspect.iscoroutine(answer) else answer


def error_of(call: Callable[[], object]) -> str:
    try:
        call()
    except ExecutionError as e:
        return f"{type(e).__name__}: {e}"
    return "no error"


def test_leaving_the_context_leaves_nothing_open(a_plan: MakesPlan) -> None:
    with ExecutionManager.from_settings() as execution:
        assert execution.execute_rebalance_plan(a_plan("what is opened once for good")).success
    before = opened()
    for number in range(3):
        with ExecutionManager.from_settings() as execution:
            assert execution.execute_rebalance_plan(a_plan(f"plan-{number}")).success
            execution.preview(a_plan("another"))
            assert opened() != before
        assert opened() == before
    # Nobody holds the account either.
    assert not [lock for lock in Path().glob("*.lock") if lock.read_text(encoding="utf-8")]


def opened() -> tuple[list[str], list[str]]:
    """Name the files and sockets that the process has open, and its threads."""
    names = []
    for number in list(Path("/dev/fd").iterdir()):
        with suppress(OSError):  # the list of them was one of them
            names.append(str(number.readlink()))
    return sorted(names), sorted(thread.name for thread in threading.enumerate())


def test_a_package_with_layers_of_the_same_names_stands_beside_it(a_plan: MakesPlan) -> None:
    """No file of one is a file of the other, and each imports its own: see neighbour.py."""
    theirs = [str(path) for path in files("neighbour") or () if path.suffix == ".py"]
    ours = {path.parts[0] for path in distribution("planfill").files or ()}
    assert sorted(theirs) == ["adapters/__init__.py", "domain/__init__.py"]
    assert not ours & {"domain", "application", "adapters", "bootstrap"}
    program = f"""
import domain, adapters
from planfill import ExecutionManager
with ExecutionManager.from_settings() as execution:
    print(domain.WHOSE, adapters.WHOSE, execution.execute_rebalance_plan({a_plan("beside")!r}).status)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60
    )
    assert ran.stdout.split() == ["neighbour", "neighbour", "SUCCEEDED"]
