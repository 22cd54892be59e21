"""``planfill halt`` and ``unhalt``: refused before, stopped meanwhile, ended where nobody is left."""

from __future__ import annotations

import re
import signal
import threading
from pathlib import Path

import pytest
from program import Program, wait_for
from stage import a_plan, buy, sell

from planfill import ExecutionManager
from planfill.application.ports.listener import EventListener
from planfill.domain.events import OrderReported, Recorded
from planfill.domain.outcome import Reason
from planfill.domain.result import ExecutionResult, ExecutionStatus

BUYS = a_plan(buy("SPY", "1000"), buy("QQQ", "1000"))
BOTH = a_plan(sell("SPY", "2000"), buy("QQQ", "1000"))
WORKING = "QQQ: NEW"


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", BUYS)
    return program


@pytest.fixture
def slow(planfill: Program) -> Program:
    """Orders work until they are canceled."""
    planfill.settings(mock__fill_delay_s="600", mock__latency_s="0.05")
    return planfill


def test_a_halted_plan_is_refused_with_who_when_why_and_goes_through_once_it_is_lifted(
    planfill: Program,
) -> None:
    halted = planfill("halt", "--reason", "prices look wrong")
    assert halted.code == 0
    assert halted.out.startswith("halted by ")
    assert f"a file beside {planfill.folder / 'planfill.db'} and in the ledger" in halted.out

    refused = planfill("execute", "plan.json", "--json")
    assert refused.code == 3
    assert refused.document["status"] == "REFUSED"
    assert {line["reason"] for line in refused.document["lines"]} == {"HALTED"}
    who_when_why = (
        r"halted by .+ at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: prices look wrong; .+ until planfill unhalt$"
    )
    assert re.match(who_when_why, refused.document["detail"])
    assert not (planfill.folder / "planfill-mock.db").exists() or "order_recorded" not in refused.err

    assert "nothing is sent" in planfill("preview", "plan.json").err
    doctor = planfill("doctor")
    assert (doctor.code, "prices look wrong" in doctor.out) == (1, True)

    lifted = planfill("unhalt", "--reason", "all well")
    assert (lifted.code, lifted.out) == (
        0,
        "the halt of all accounts is lifted; what it stopped stays stopped\n",
    )
    assert planfill("execute", "plan.json").code == 0
    assert planfill("audit", "verify").code == 0


@pytest.mark.parametrize("place", ["command", "account", "file", "ledger"])
def test_a_running_execution_of_another_process_stops_wherever_the_halt_stands(
    place: str, slow: Program
) -> None:
    by_hand, command = slow.folder / "planfill.db.halt", ["halt", "--reason", "odd"]
    with slow.spawn("execute", "plan.json", "--json") as process:
        wait_for(WORKING, process)
        if place == "file":
            by_hand.touch()
        else:
            halted = slow(*command, *(["--account", "MOCK-1"] if place == "account" else []))
            assert halted.code == 0
            assert "whoever executes it stops within a second: plan 'plan-1'" in halted.out
            if place == "ledger":
                by_hand.unlink()
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    assert '"status": "HALTED"' in out
    assert out.count('"reason": "HALTED"') == 2
    assert out.count('"outcome": "UNFILLED"') == 2
    assert ("planfill.db.halt" if place == "file" else "odd") in out


def test_what_a_killed_process_left_is_ended_and_its_orders_are_listed(slow: Program) -> None:
    with slow.spawn("execute", "plan.json") as process:
        wait_for(WORKING, process)
        process.kill()
        process.communicate(timeout=30)
    halted = slow("halt", "--reason", "it died")
    assert halted.code == 0, halted.err
    assert "ended, since nobody drove it: plan 'plan-1' on mock:mock:MOCK-1: HALTED" in halted.out
    listed = re.compile(r"^  BUY (SPY|QQQ), order pf-.+: UNFILLED \(HALTED\), filled \$0", re.MULTILINE)
    assert sorted(listed.findall(halted.out)) == ["QQQ", "SPY"]
    assert slow("list", "--unfinished", "--json").document == {"executions": []}


def test_reduce_only_lets_a_plan_sell_and_not_buy(planfill: Program) -> None:
    planfill.write("plan.json", BOTH)
    halted = planfill("halt", "--reduce-only", "--reason", "rising too fast", "--json")
    assert halted.code == 0
    assert halted.document["halt"]["reduce_only"] is True
    ended = planfill("execute", "plan.json", "--json")
    assert (ended.code, ended.document["status"]) == (3, "HALTED")
    assert [(line["outcome"], line["reason"]) for line in ended.document["lines"]] == [
        ("FILLED", "HELD_LESS_THAN_PLANNED"),
        ("BLOCKED", "HALTED"),
    ]
    assert "nothing is bought" in ended.document["detail"]


def test_an_account_of_somebody_else_is_one_clear_message(planfill: Program) -> None:
    ended = planfill("halt", "--account", "OTHER", "--reason", "odd", "--json")
    assert ended.code == 2
    assert ended.document["error"]["code"] == "ACCOUNT_UNKNOWN"
    assert "the settings name mock:mock:MOCK-1" in ended.document["error"]["message"]
    assert planfill("execute", "plan.json").code == 0


def test_why_is_needed(planfill: Program) -> None:
    ended = planfill("halt")
    assert ended.code == 2
    assert "--reason" in ended.err


def test_each_halt_is_lifted_by_itself(planfill: Program) -> None:
    assert planfill("execute", "plan.json").code == 0
    assert planfill("halt", "--reason", "all").code == 0
    assert planfill("halt", "--account", "MOCK-1", "--reason", "one").code == 0
    lifted = planfill("unhalt")
    assert "STILL HALTED  halted by" in lifted.out
    assert "planfill unhalt --account mock:mock:MOCK-1" in lifted.out
    one = planfill("unhalt", "--account", "mock:mock:MOCK-1", "--json")
    assert one.document["left"] == []


def test_a_file_that_cannot_be_written_leaves_the_halt_in_the_ledger_alone(planfill: Program) -> None:
    (planfill.folder / "planfill.db.halt").mkdir()
    halted = planfill("halt", "--reason", "odd")
    assert halted.code == 1
    assert "halted, but the halt file" in halted.err
    assert halted.out.endswith("it stands in the ledger\n")
    ended = planfill("execute", "plan.json", "--json")
    assert (ended.code, ended.document["status"]) == (3, "REFUSED")
    assert "cannot be read" in ended.document["detail"]


def test_a_ledger_that_takes_no_halt_leaves_it_in_the_file_alone(planfill: Program) -> None:
    (planfill.folder / "planfill.db").write_bytes(b"no database, and long enough to be looked at" * 20)
    halted = planfill("halt", "--reason", "odd")
    assert halted.code == 1
    assert "it is no database" in halted.err
    assert (planfill.folder / "planfill.db.halt").is_file()


class Working(EventListener):
    """Tells when the broker has the first order."""

    name = ""

    def __init__(self) -> None:
        self.happened = threading.Event()

    async def on_event(self, recorded: Recorded) -> None:
        if isinstance(recorded.event, OrderReported):
            self.happened.set()


def test_python_halts_what_another_thread_executes(slow: Program) -> None:
    slow.settings(log__level="ERROR")
    results = list[ExecutionResult]()
    working = Working()
    engine, operators = ExecutionManager.from_settings(listeners=[working]), ExecutionManager.from_settings()
    with engine as execution, operators as operator:
        thread = threading.Thread(target=lambda: results.append(execution.execute_rebalance_plan(BUYS)))
        thread.start()
        assert working.happened.wait(timeout=30)
        report = operator.halt("odd")
        assert (len(report.obeying), report.ended) == (1, ())
        thread.join(timeout=30)
        assert results[0].status is ExecutionStatus.HALTED
        assert {line.reason for line in results[0].lines} == {Reason.HALTED}
        assert operator.unhalt().left == ()


def test_sigterm_is_a_halt_of_the_one_execution_that_gets_it(slow: Program) -> None:
    with slow.spawn("execute", "plan.json", "--json") as process:
        wait_for(WORKING, process)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    assert '"status": "HALTED"' in out
    assert not (slow.folder / "planfill.db.halt").exists()
