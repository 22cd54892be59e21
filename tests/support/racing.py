"""
Processes that execute at once: ``python racing.py FOLDER '{"plans": 1, "rounds": 20, "processes": 6}'``.

It forks the processes of a round, lets all begin at the same moment, and prints as JSON what was wrong in
which round. It forks before it has a thread or a database open. The exchange does not enforce unique ids, so
that a second send would be a second order.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import anyio
from crashing import HOLDER, Scenario, prepare_to_fork
from outcomes import Book, LedgerRow, check_chains, difference, numbers_in_file, outcome, rows_in_file
from stage import PRICES, a_plan, buy, sell

from planfill.adapters.brokers.wrappers.stack import stack
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.sql import SqlLedger
from planfill.application.execute import ExecutePlan
from planfill.application.stopping import StopSignal
from planfill.domain.outcome import Reason
from planfill.domain.policy import ExecutionPolicy, Policy
from planfill.domain.reading import read_plan
from planfill.domain.result import ExecutionResult, ExecutionStatus

PLANS: Final = (
    a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "1500"), buy("TLT", "1000"), plan_id="one"),
    a_plan(sell("XOM", "1000"), buy("IWM", "800"), plan_id="two"),
)
STAGE: Final = Scenario(
    plan=PLANS[0],
    settings={
        "prices": PRICES,
        "cash": "5000",
        "holdings": {"SPY": "10", "XOM": "40"},
        "fill_delay_s": 0.01,
        "latency_s": 0.002,
        "unique_ids": False,
    },
    faults=(),
    policy=Policy(execution=ExecutionPolicy(poll_s=0.02)),
)


class Race(NamedTuple):
    """What is raced for: one plan, or (``plans`` 2) two plans of one account."""

    plans: int = 1
    rounds: int = 20
    processes: int = 6


class Findings(NamedTuple):
    """What a race has found: how the processes ended, and what was wrong in which round."""

    rounds: int
    ended: dict[str, int]
    seconds: float
    failures: list[str]


def execute(folder: Path, plan: dict[str, Any]) -> ExecutionResult:
    """Be a program that executes a plan."""

    async def main() -> ExecutionResult:
        clock = SystemClock()
        ledger = SqlLedger(f"sqlite:///{folder}/ledger.db")
        use_case = ExecutePlan(
            brokerage=STAGE.exchange(clock, folder / "book.db").brokerage(),
            ledger=ledger,
            cursors=ledger,
            clock=clock,
            policy=STAGE.policy,
            listeners=(),
            wrap=stack,
            holder=HOLDER,
        )
        try:
            return await use_case(read_plan(plan), StopSignal())
        finally:
            await ledger.aclose()

    return anyio.run(main)


def start(folder: Path, plan: dict[str, Any], name: str, *, gate: int | None = None) -> int:
    """Fork a process that executes a plan as soon as ``gate`` is opened, and leaves its result."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        if gate is not None:
            os.read(gate, 1)
        (folder / name).write_text(execute(folder, plan).model_dump_json())
        if not (folder / "modules").exists():  # the first that executes has the most to import
            (folder / "modules").write_text("\n".join(sys.modules))
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the child may reach the parent's code
        traceback.print_exc()
    os._exit(code)


def run_once(folder: Path, plan: dict[str, Any], name: str) -> ExecutionResult:
    """Execute a plan with nobody beside."""
    await_all([start(folder, plan, name)])
    return read(folder, name)


def await_all(children: Sequence[int]) -> None:
    """Wait for processes, all of which must end well."""
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert not any(codes), f"processes ended with {codes}"


def read(folder: Path, name: str) -> ExecutionResult:
    """Read the result that a process left."""
    return ExecutionResult.model_validate_json((folder / name).read_text())


def race(folder: Path, contest: Race, calm: Path, ended: Counter[str]) -> None:
    """Let the processes of one round begin at once, and check what they did."""
    plans = [PLANS[index % contest.plans] for index in range(contest.processes)]
    gate, opener = os.pipe()
    children = []
    for index, plan in enumerate(plans):
        children.append(start(folder, plan, f"result-{index}", gate=gate))
    os.close(gate)
    os.write(opener, b"." * len(plans))
    os.close(opener)
    await_all(children)
    results = [read(folder, f"result-{index}") for index in range(len(plans))]
    recorded = {}
    for plan in PLANS[: contest.plans]:
        # Where every process of a plan came while the other was executed, it is executed now.
        recorded[plan["plan_id"]] = run_once(folder, plan, "last")
    for result in results:
        if result.status is ExecutionStatus.REFUSED:
            reasons = {line.reason for line in result.orders}
            assert reasons == {Reason.ACCOUNT_BUSY}, f"refused for {reasons}: {result.detail}"
            ended["REFUSED, account busy"] += 1
        else:
            assert result == recorded[str(result.plan_id)], f"another result than the recorded one: {result}"
            ended["the one recorded result"] += 1
    check_records(folder, contest)
    check_equal(folder, calm, recorded)


def check_records(folder: Path, contest: Race) -> None:
    """Check that each plan was executed once, and that no two executions went on at once."""
    rows, heads = rows_in_file(folder / "ledger.db")
    check_chains(rows, heads)
    times = []
    for plan in PLANS[: contest.plans]:
        mine = [row for row in rows if row.stream.endswith(f":{plan['plan_id']}")]
        kinds = Counter(json.loads(row.payload)["kind"] for row in mine)
        assert kinds["execution_started"] == kinds["execution_completed"] == 1, kinds
        assert not kinds["execution_resumed"], kinds
        times.append(_span(mine))
    assert all(one[1] <= other[0] for one, other in zip(sorted(times), sorted(times)[1:], strict=False)), (
        times
    )


def _span(rows: Sequence[LedgerRow]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(rows[0].at), datetime.fromisoformat(rows[-1].at)


def check_equal(folder: Path, calm: Path, recorded: dict[str, ExecutionResult]) -> None:
    """Check that the outcome is that of executing each plan once, with nobody beside."""
    for plan_id, result in recorded.items():
        found, expected = (
            outcome(one, Book.in_file(where / "book.db"), numbers_in_file(where / "book.db"), rows)
            for one, where in ((result, folder), (read(calm, plan_id), calm))
            for rows in (rows_in_file(where / "ledger.db")[0],)
        )
        assert found == expected, difference(found, expected)


def work(contest: Race, root: Path) -> Findings:
    """Run all rounds."""
    begin = time.perf_counter()
    calm = root / "calm"
    calm.mkdir()
    for plan in PLANS[: contest.plans]:
        result = run_once(calm, plan, plan["plan_id"])
        assert result.status is ExecutionStatus.SUCCEEDED, result
    prepare_to_fork(calm / "modules")
    failures, ended = [], Counter[str]()
    for number in range(1, contest.rounds + 1):
        folder = root / f"round-{number}"
        folder.mkdir()
        try:
            race(folder, contest, calm, ended)
        except AssertionError as e:
            failures.append(f"round {number}: {e}")
        shutil.rmtree(folder)
    return Findings(contest.rounds, dict(ended), time.perf_counter() - begin, failures)


if __name__ == "__main__":
    json.dump(work(Race(**json.loads(sys.argv[2])), Path(sys.argv[1]))._asdict(), sys.stdout)
