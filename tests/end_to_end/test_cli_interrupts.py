"""Ctrl-C, twice and once, SIGTERM, and going on after it; each in a process of its own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from program import Ended, Program, command, events, wait_for
from stage import a_plan, buy, hold

PLAN = a_plan(buy("SPY", "1000"), buy("QQQ", "1000"), correlation_id="run-9")
WORKING = "QQQ: NEW"
STOPPING = "stopping: nothing new is sent, what works is canceled"


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", PLAN)
    program.settings(mock__fill_delay_s="600", mock__latency_s="0.2")
    return program


def signaled(planfill: Program, *signals: signal.Signals, arguments: tuple[str, ...] = ()) -> Ended:
    """Execute the plan, and send a signal when the orders work, and the next when that was heard."""
    with planfill.spawn("execute", "plan.json", *arguments) as process:
        read = ""
        for number, awaited in zip(signals, (WORKING, STOPPING), strict=False):
            read += wait_for(awaited, process)
            process.send_signal(number)
        out, rest = process.communicate(timeout=60)
    return Ended(process.returncode, out, read + rest)


def test_ctrl_c_stops_the_execution_and_its_result_is_printed(planfill: Program) -> None:
    ended = signaled(planfill, signal.SIGINT)
    assert ended.code == 3
    assert STOPPING in ended.err
    assert "HALTED  interrupted" in ended.out
    assert "the plan is closed for good" in ended.out
    assert "Traceback" not in ended.err
    (halted,) = planfill("list", "--json").document["executions"]
    assert halted["finished"] is True


def test_sigterm_does_as_ctrl_c_and_with_json_the_result_stands_alone(planfill: Program) -> None:
    ended = signaled(planfill, signal.SIGTERM, arguments=("--json",))
    assert ended.code == 3
    assert ended.document["status"] == "HALTED"
    assert {line["outcome"] for line in ended.document["lines"]} == {"UNFILLED"}


def test_the_second_signal_leaves_at_once_and_names_the_way_back(planfill: Program) -> None:
    ended = signaled(planfill, signal.SIGINT, signal.SIGINT)
    assert ended.code == 4
    assert "left at once: plan 'plan-1' is unfinished" in ended.err
    assert ended.err.splitlines()[-1].endswith("planfill resume plan-1")
    assert "Traceback" not in ended.err
    assert "next: planfill resume plan-1" in planfill("list", "--unfinished").out
    assert all(line["hash"] for line in events(planfill.folder / "planfill.log"))

    planfill.write("other.json", a_plan(buy("SPY", "10"), plan_id="plan-2"))
    other = planfill("execute", "other.json")
    assert other.code == 3
    assert "planfill resume plan-1" in " ".join(other.out.split())
    assert "finish the other plan, then again" in other.out


def test_what_was_left_at_once_is_finished_by_resume(planfill: Program) -> None:
    planfill.settings(mock__fill_delay_s="1")
    ended = signaled(planfill, signal.SIGINT, signal.SIGTERM, arguments=("--json",))
    assert ended.code == 4
    assert ended.document["error"]["code"] == "INTERRUPTED"
    planfill.settings(mock__fill_delay_s="0", mock__latency_s="0")
    shown = planfill("show", "plan-1")
    assert shown.code == 0
    assert "IN DOUBT" in shown.out
    assert "next: planfill resume plan-1" in shown.out
    assert planfill("resume", "plan-1", "--json").document["status"] != "IN_DOUBT"
    assert planfill("list", "--unfinished", "--json").document == {"executions": []}
    log = events(planfill.folder / "planfill.log")
    assert {line["correlation_id"] for line in log} == {"run-9"}
    assert any(line["event"] == "execution_resumed" for line in log)
    assert {line["symbol"] for line in log if line["client_order_id"]} == {"SPY", "QQQ"}


def test_another_execution_of_the_account_says_who_holds_it_and_since_when(planfill: Program) -> None:
    with planfill.spawn("execute", "plan.json") as process:
        wait_for(WORKING, process)
        planfill.write("other.json", a_plan(buy("SPY", "10"), plan_id="plan-2"))
        ended = planfill("execute", "other.json", "--json")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert ended.code == 3
    assert ended.document["status"] == "REFUSED"
    assert f"process {process.pid}" in ended.document["detail"]
    assert "since" in ended.document["detail"]
    assert {line["reason"] for line in ended.document["lines"]} == {"ACCOUNT_BUSY"}


def test_in_a_terminal_leaving_at_once_gives_the_cursor_back(planfill: Program) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(
        command("execute", "plan.json"), cwd=planfill.folder, env=environment,
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        drawn = b""
        for words in (b"working", b"stopping: nothing"):
            while words not in drawn:
                drawn += os.read(ours, 65536)
            process.send_signal(signal.SIGINT)
        try:
            while chunk := os.read(ours, 65536):
                drawn += chunk
        except OSError:  # on Linux the end of a terminal is an error
            pass
        os.close(ours)
    text = drawn.decode()
    assert process.returncode == 4
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "planfill resume plan-1" in " ".join(text.split())


def test_a_run_in_another_process_is_watched_to_its_end(planfill: Program) -> None:
    with planfill.spawn("execute", "plan.json") as execute:
        wait_for(WORKING, execute)
        with planfill.spawn("watch", "plan-1") as watch:
            execute.send_signal(signal.SIGINT)
            out, _ = watch.communicate(timeout=60)
        execute.communicate(timeout=60)
    assert (watch.returncode, execute.returncode) == (3, 3)
    assert "HALTED  interrupted" in out
    assert planfill("watch", "plan-1", "--json").document["status"] == "HALTED"


def test_ctrl_c_ends_the_watching_alone(planfill: Program) -> None:
    planfill.write("plan.json", a_plan(buy("SPY", "1000"), buy("QQQ", "1000"), hold("IWM")))
    with planfill.spawn("execute", "plan.json") as execute:
        wait_for(WORKING, execute)
        with planfill.spawn("watch", "plan-1") as watch:
            assert watch.stdout is not None
            assert watch.stdout.readline().startswith("HOLD IWM")
            watch.send_signal(signal.SIGINT)
            _, said = watch.communicate(timeout=60)
        assert watch.returncode == 3
        assert "not watched any more; the execution of 'plan-1' goes on" in said
        assert planfill("list", "--unfinished", "--json").document["executions"]
        execute.send_signal(signal.SIGINT)
        execute.communicate(timeout=60)
