"""Alerts as their user meets them: real executions, a real receiver on loopback, each alert once."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from program import Program, wait_for
from stage import a_plan, buy
from typed import is_a_command
from webhook import Webhook

from planfill import ExecutionManager
from planfill.adapters.alerts import apprise
from planfill.adapters.cli import watching
from planfill.domain.errors import PlanConflict

CUT = a_plan(buy("SPY", "1000"), buy("NOPE", "500"))
TOKEN = "a-secret-token"  # noqa: S105 - of nobody


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", CUT)
    return program


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait in real time before an alert is sent again."""
    monkeypatch.setattr(apprise, "_PAUSE_S", 0)


@pytest.fixture
def webhook(planfill: Program) -> Iterator[Webhook]:
    with Webhook() as hook:
        planfill.settings(alerts__targets__phone__url=hook.url)
        yield hook


def same(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a result what differs between any two runs."""
    return {k: v for k, v in document.items() if k not in {"started_at", "finished_at", "ledger_head"}}


def test_a_line_that_was_not_traded_reaches_the_receiver_once(planfill: Program, webhook: Webhook) -> None:
    for _ in range(2):
        assert planfill("execute", "plan.json").code == 1
    (text,) = webhook.texts
    assert "plan 'plan-1' PARTIAL: 1 of 2 lines filled" in text
    assert "NOPE | BUY BLOCKED NOT_TRADABLE | $500.00 | $0.00" in text
    assert "next: planfill show plan-1" in text


def test_a_halt_and_what_it_refuses_reach_the_receiver(planfill: Program, webhook: Webhook) -> None:
    assert planfill("halt", "--reason", "prices look wrong").code == 0
    assert planfill("execute", "plan.json").code == 3
    assert planfill("unhalt").code == 0
    halted, refused, lifted = webhook.texts
    assert "nothing is sent on any account" in halted
    assert "next: planfill unhalt" in halted
    assert "plan 'plan-1' REFUSED: 0 of 2 lines filled" in refused
    assert "lifted by" in lifted
    config = planfill.write("odd name.toml", "")
    listed = planfill("alerts", "list", "--config", config).out
    hints = [line.strip().removeprefix("next: ") for line in listed.splitlines() if "next: " in line]
    options = f"--config '{config}'"
    assert hints == [f"planfill {one} {options}" for one in ("unhalt", "show plan-1", "unhalt")]
    assert all(map(is_a_command, hints))


def test_scenario_14_the_target_is_down_the_result_is_the_same_and_the_alert_comes_later_once(
    planfill: Program, webhook: Webhook
) -> None:
    webhook.down()
    down = planfill("execute", "plan.json", "--json")
    assert "has not taken it" in down.err
    assert "changes nothing of the result" in down.err
    assert TOKEN not in down.err + down.out + (planfill.folder / "planfill.log").read_text()
    webhook.up()
    later = planfill("watch", "--once")
    assert later.code == 1
    for _ in range(2):
        planfill("watch", "--once")
    assert len(webhook.posted) == 1
    planfill.settings(ledger__url="sqlite:///other.db", mock__book="other-book.db")
    up = planfill("execute", "plan.json", "--json")
    assert (down.code, same(down.document)) == (up.code, same(up.document))


def test_scenario_14_the_log_cannot_be_written_and_the_alert_comes_all_the_same(
    planfill: Program, webhook: Webhook
) -> None:
    executed = planfill.run("execute", "plan.json", PLANFILL_LOG__FILE="/dev/full")
    assert executed.code == 1, executed.err
    assert len(webhook.posted) == 1


def test_a_process_killed_before_the_delivery_leaves_it_to_the_next(planfill: Program) -> None:
    # Whoever connects is taken, and never answered.
    with socket.create_server(("127.0.0.1", 0)) as hole:
        planfill.settings(alerts__targets__phone__url=f"json://127.0.0.1:{hole.getsockname()[1]}/{TOKEN}")
        with planfill.spawn("execute", "plan.json") as process:
            connection, _ = hole.accept()
            process.kill()
            process.communicate(timeout=30)
        connection.close()
    with Webhook() as hook:
        planfill.settings(alerts__targets__phone__url=hook.url)
        for _ in range(2):
            planfill("watch", "--once")
    (text,) = hook.texts
    assert "plan 'plan-1' PARTIAL" in text


def test_a_run_that_was_killed_is_found_by_the_next_look_until_it_is_resumed(
    planfill: Program, webhook: Webhook
) -> None:
    planfill.write("plan.json", a_plan(buy("SPY", "1000")))
    planfill.settings(mock__fill_delay_s="600", mock__latency_s="0.05")
    with planfill.spawn("execute", "plan.json") as process:
        wait_for("SPY: NEW", process)
        assert planfill("watch", "--once").code == 0
        process.kill()
        process.communicate(timeout=30)
    found = planfill("watch", "--once")
    assert found.code == 1
    assert "it has no end and nobody drives it" in found.out
    assert "next: planfill resume plan-1" in found.out
    again = planfill("watch", "--once", "--json")
    assert (again.code, again.document["troubles"][0]["todo"]) == (1, "planfill resume plan-1")
    (text,) = webhook.texts
    assert "plan 'plan-1': STUCK" in text
    planfill("cancel", "plan-1")
    assert planfill("watch", "--once").code == 1  # that it was stopped is told once
    assert planfill("watch", "--once").out == "all is well\n"


def test_a_heartbeat_tells_the_beginning_and_the_end_of_each_run(planfill: Program, webhook: Webhook) -> None:
    # Cash for all of them: left alone, the mock's account holds what the first plan needs, and no more.
    planfill.settings(alerts__heartbeat_url=f"http://127.0.0.1:{webhook.port}/id", mock__cash="10000")
    good = planfill.write("good.json", a_plan(buy("SPY", "1000"), plan_id="plan-2"))
    with ExecutionManager.from_settings() as execution:
        assert execution.execute_rebalance_plan(json.loads(good.read_text())).success
        assert not execution.execute_rebalance_plan(CUT).success
        assert execution.execute_rebalance_plan(a_plan(buy("SPY", "900"), plan_id="plan-3")).success
        with pytest.raises(PlanConflict):
            execution.execute_rebalance_plan(a_plan(buy("SPY", "2000")))
        assert execution.alerted() == ()
    well, ill = ["/id/start", "/id"], ["/id/start", "/id/fail"]
    assert webhook.asked == [*well, *ill, *well, *ill]
    webhook.down()
    unheard = planfill("execute", "good.json")
    assert unheard.code == 0
    assert "heartbeat 'start' was not taken" in unheard.err


def test_alerts_can_be_tried_and_listed(planfill: Program, webhook: Webhook) -> None:
    assert "told: phone; planfill alerts test tries them" in planfill("doctor").out
    assert planfill("alerts", "test").out == "phone: sent\n"
    assert "Nothing is wrong" in webhook.texts[0]
    unknown = planfill("alerts", "test", "moon")
    assert (unknown.code, "no alert target 'moon': known are phone" in unknown.err) == (1, True)
    webhook.status = 500
    failed = planfill("alerts", "test", "phone", "--json")
    assert (failed.code, failed.document["targets"][0]["target"]) == (1, "phone")
    planfill("execute", "plan.json")
    listed = planfill("alerts", "list")
    assert "WARNING  plan 'plan-1' PARTIAL: 1 of 2 lines filled" in listed.out
    assert "[NOPE]" in listed.out
    assert "    next: planfill show plan-1\n" in listed.out
    (alert,) = planfill("alerts", "list", "--json").document["alerts"]
    assert alert["lines"][0]["symbol"] == "NOPE"


def test_watch_goes_on_until_it_is_interrupted_and_says_what_is_new(
    planfill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    class Pause(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            looks.append(timeout)
            if len(looks) == 3:
                raise KeyboardInterrupt
            return False

    monkeypatch.setattr(watching, "Event", Pause)
    planfill.write("plan.json", a_plan(buy("SPY", "1000")))
    planfill("execute", "plan.json")
    watched = planfill("watch", "--every", "5")
    assert (watched.code, watched.out, looks) == (0, "all is well\n", [5, 5, 5])


@pytest.mark.parametrize("options", [("--once",), ("--every", "5"), ("--serve", "0")])
def test_where_there_is_no_ledger_watch_says_so_and_makes_none(
    planfill: Program, options: tuple[str, ...]
) -> None:
    before = planfill.files()
    watched = planfill("watch", *options)
    assert (watched.code, watched.out) == (2, "")
    assert f"the ledger {planfill.folder / 'planfill.db'} cannot be used: there is none yet" in watched.err
    assert "the first execution makes it, or set ledger.url to where it is" in watched.err
    assert len(watched.err.splitlines()) == 1
    assert planfill.files() - before <= {"planfill.log"}


def test_an_alert_that_is_not_out_is_wrong_and_says_so(planfill: Program, webhook: Webhook) -> None:
    planfill("halt", "--reason", "odd")
    planfill("unhalt")
    webhook.down()
    planfill("execute", "plan.json")
    told = planfill("watch", "--once")
    assert told.code == 1
    assert "WRONG  alerts for phone are not out, and are sent later: " in told.out
