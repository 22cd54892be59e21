"""The program as its user types it, over the mock broker and the ledger's file."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from jsonschema import Draft202012Validator
from program import Program, command, events
from pydantic import SecretStr
from stage import a_plan, buy, hold, sell

ROOT: Final = Path(__file__).resolve().parents[2]
SCHEMA: Final = json.loads((ROOT / "docs/reference/result.schema.json").read_text(encoding="utf-8"))
SECRET: Final = "hunter2-hunter2"  # noqa: S105 - planted, to be looked for
OTHER: Final = "not-in-the-environment"
PLAN: Final = a_plan(
    buy("SPY", "10000"), sell("QQQ", "2000", current_value="3000"), hold("IWM"), total_portfolio_value="50000"
)


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", PLAN)
    return program


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.startswith(("BUY", "SELL", "HOLD"))]


def test_a_plan_is_executed_and_every_line_is_told(planfill: Program) -> None:
    ended = planfill("execute", "plan.json")
    assert ended.code == 0, ended.err
    plain, table = rows(ended.out)[:3], rows(ended.out)[3:]
    assert [row[:4] for row in plain] == [
        ["HOLD", "IWM", "0.00", "HOLD"],
        ["SELL", "QQQ", "2,000.00", "FILLED"],
        ["BUY", "SPY", "10,000.00", "FILLED"],
    ]
    assert [row[:4] for row in table] == [
        ["BUY", "SPY", "10,000.00", "FILLED"],
        ["SELL", "QQQ", "2,000.00", "FILLED"],
        ["HOLD", "IWM", "0.00", "HOLD"],
    ]
    assert "SUCCEEDED" in ended.out
    assert "2 of 2 orders filled" in ended.out


def test_the_log_has_the_plan_every_order_and_the_summary(planfill: Program) -> None:
    ended = planfill("execute", "plan.json", "--json")
    log = events(planfill.folder / "planfill.log")
    assert [line["number"] for line in log] == list(range(1, len(log) + 1))
    assert {line["correlation_id"] for line in log} == {"run-1"}
    assert log[0]["event"] == "execution_started"
    assert "BUY SPY $10,000.00, SELL QQQ $2,000.00, HOLD IWM" in log[0]["message"]
    orders = {line["client_order_id"] for line in log if line["event"] == "order_recorded"}
    assert orders == {line["client_order_id"] for line in ended.document["lines"]} - {None}
    (summary,) = (line for line in log if line["event"] == "execution_completed")
    assert summary["hash"] == ended.document["ledger_head"]
    assert summary["message"].endswith(f"ledger head {summary['hash']}")
    printed = [line for line in ended.err.splitlines() if not line.startswith("planfill: ")]
    assert len(printed) == sum(line["level"] != "DEBUG" for line in log)
    assert all(" run-1 " in line for line in printed)


def test_executed_again_it_sends_nothing_and_gives_the_recorded_result(planfill: Program) -> None:
    first = planfill("execute", "plan.json", "--json").document
    lines = len(events(planfill.folder / "planfill.log"))
    assert planfill("execute", "plan.json", "--json").document == first
    assert planfill("show", "plan-1", "--json").document == first
    assert planfill("resume", "plan-1", "--json").document == first
    assert len(events(planfill.folder / "planfill.log")) == lines


@pytest.mark.parametrize("arguments", [("execute", "plan.json"), ("execute", "nope.json"), ("show", "nope")])
def test_with_json_there_is_one_document_that_validates(
    arguments: tuple[str, ...], planfill: Program
) -> None:
    ended = planfill(*arguments, "--json")
    Draft202012Validator(SCHEMA).validate(ended.document)
    assert ("error" in ended.document) == (ended.code == 2)


def test_a_plan_from_standard_input_is_executed(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(PLAN).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert planfill("execute", "-").code == 0


def test_what_is_odd_in_a_plan_is_a_warning_on_stderr(planfill: Program) -> None:
    odd = {**PLAN, **{f"field_{i:02}": 1 for i in range(12)}}
    planfill.write("odd.json", odd)
    err = planfill("execute", "odd.json", "--json").err
    assert "planfill: warning: odd.json: field_00: unknown field, kept and not used" in err
    assert "and 2 more of the kind" in err


def test_a_preview_names_the_exact_orders_and_sends_nothing(planfill: Program) -> None:
    ended = planfill("preview", "plan.json")
    assert ended.code == 0
    assert planfill.files() == {"plan.json", "prices.json"}
    assert "Nothing was sent." in ended.out
    assert "max_plan_age_s=off" in ended.out
    table = rows(ended.out)
    assert table[0][:5] == ["BUY", "SPY", "10,000.00", "MARKET", "DAY"]
    assert table[2] == ["HOLD", "IWM", "0.00", "no", "order"]
    previewed = planfill("preview", "plan.json", "--json").document
    executed = planfill("execute", "plan.json", "--json").document
    sent = {line["symbol"]: line["client_order_id"] for line in executed["lines"]}
    for symbol, order in previewed["orders"].items():
        assert order["client_order_id"] == sent[symbol]


def test_a_preview_says_why_a_line_is_cut_or_stopped(planfill: Program) -> None:
    planfill.settings(mock__not_tradable='["GLD"]', mock__cash="5000")
    plan = a_plan(buy("SPY", "10000"), buy("GLD", "500"), buy("XYZ", "500"), hold("IWM"))
    planfill.write("plan.json", plan)
    out = " ".join(planfill("preview", "plan.json").out.split())
    assert "0 of 3 lines pass as planned" in out
    assert "BUY SPY sent, but not as planned: FUNDS CUT; funding $" in out
    assert "BUY GLD BLOCKED: NOT TRADABLE; the broker does not trade it; funding $" in out
    assert "BUY XYZ BLOCKED: NOT TRADABLE; the broker does not know it; funding $" in out
    assert "Rules that would be broken GLD NOT TRADABLE: the broker does not trade it; take the symbol" in out
    assert "XYZ NO PRICE: no price of XYZ in" in out
    broken = planfill("preview", "plan.json", "--json").document["broken"]
    assert [one["symbol"] for one in broken] == ["GLD", "XYZ", "XYZ"]


def test_a_preview_of_what_would_be_refused_says_so(planfill: Program) -> None:
    planfill.settings(mock__market_open="false")
    out = " ".join(planfill("preview", "plan.json").out.split())
    assert "the market is closed" in out
    assert "Rules that would be broken all lines MARKET CLOSED" in out
    assert "would end REFUSED with 0 orders" in out


def test_only_the_approved_plan_is_executed(planfill: Program) -> None:
    digest = planfill("preview", "plan.json", "--json").document["digest"]
    assert digest in planfill("preview", "plan.json").out
    ended = planfill("execute", "plan.json", "--approved", "0" * 64, "--json")
    assert (ended.code, ended.document["error"]["code"]) == (2, "PLAN_NOT_APPROVED")
    assert planfill("list", "--json").document == {"executions": []}
    assert planfill("execute", "plan.json", "--approved", digest).code == 0


def test_the_executions_are_listed(planfill: Program) -> None:
    assert planfill("list").out == "no executions\n"
    assert planfill("list", "--unfinished").out == "no unfinished executions\n"
    assert planfill.files() == {"plan.json", "prices.json"}
    planfill("execute", "plan.json")
    out = planfill("list").out
    assert "plan-1" in out
    assert "mock:mock:MOCK-1" in out
    assert "finished" in out
    (one,) = planfill("list", "--json").document["executions"]
    assert (one["plan_id"], one["finished"]) == ("plan-1", True)
    assert planfill("list", "--unfinished", "--json").document == {"executions": []}


def test_a_refusal_says_why_and_what_to_do(planfill: Program) -> None:
    planfill.settings(mock__market_open="false")
    ended = planfill("execute", "plan.json")
    assert ended.code == 3
    assert "REFUSED  the market is closed" in ended.out
    assert "next: nothing was sent; mend the cause, then again: planfill execute PLAN" in ended.out
    planfill.settings(mock__market_open="true")
    assert planfill("execute", "plan.json").code == 0


def test_a_rejected_line_is_told_with_its_reason(planfill: Program) -> None:
    planfill.settings(mock__not_tradable='["SPY"]')
    ended = planfill("execute", "plan.json")
    assert ended.code == 1
    assert "PARTIAL" in ended.out
    assert "SPY: NOT TRADABLE: the broker does not trade it" in ended.out


def test_settings_come_from_the_named_file(planfill: Program) -> None:
    planfill.write("mine.toml", '[ledger]\nurl = "sqlite:///mine.db"\n[log]\nfile = ""\n')
    ended = planfill("execute", "plan.json", "--config", "mine.toml")
    assert ended.code == 0
    assert "mine.db" in planfill.files()
    assert "planfill.log" not in planfill.files()
    assert planfill("show", "plan-1").code == 2


def a_bug(*_: object) -> None:
    key = SecretStr(OTHER)
    local = key.get_secret_value()
    msg = f"a bug that knows {os.environ['APCA_API_SECRET_KEY']}{local[:0]}"
    raise RuntimeError(msg)


@pytest.mark.parametrize("where", ["load_settings", "Services.assign"])
def test_an_error_of_our_own_is_one_line_and_its_details_are_in_the_log(
    where: str, planfill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    monkeypatch.setattr(f"planfill.bootstrap.manager.{where}", a_bug)
    ended = planfill("execute", "plan.json")
    assert ended.code == 70
    assert ended.err == (
        "planfill: this is an error of Planfill's own: RuntimeError: a bug that knows ***; "
        "its details are in planfill.log\n"
    )
    text = (planfill.folder / "planfill.log").read_text(encoding="utf-8")
    (details,) = events(planfill.folder / "planfill.log")
    assert "in a_bug" in details["traceback"]
    everything = text + ended.out + ended.err + planfill("execute", "plan.json", "--json").out
    assert SECRET not in everything
    assert OTHER not in everything


def test_a_planted_key_is_nowhere(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    planfill.settings(log__level="TRACE")
    planfill.write("plan.json", a_plan(buy("SPY", "1000"), plan_id=f"plan-{SECRET}"))
    for ended in (
        planfill.run("execute", "plan.json"),
        planfill("execute", "plan.json", "--json"),
        planfill("show", f"plan-{SECRET}"),
        planfill("show", f"no-{SECRET}"),
        planfill("list"),
        planfill("preview", "plan.json", "--json"),
        planfill("execute", f"{SECRET}.json"),
        planfill(SECRET),
    ):
        assert "***" in ended.out + ended.err
        assert SECRET not in ended.out + ended.err
    assert SECRET not in (planfill.folder / "planfill.log").read_text(encoding="utf-8")


def test_a_reader_that_leaves_does_not_disturb_the_execution(planfill: Program) -> None:
    line = " ".join(command("execute", "plan.json"))
    shell = f"{line} | head -n 1; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["/bin/bash", "-c", shell],
        capture_output=True,
        check=False,
        cwd=planfill.folder,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert planfill("show", "plan-1", "--json").document["status"] == "SUCCEEDED"


def in_a_terminal(planfill: Program, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command with a terminal for both streams; give its exit code and all that it drew."""
    ours, theirs = pty.openpty()
    size = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", "NO_COLOR": ""}
    with subprocess.Popen(
        command(*arguments), cwd=planfill.folder, env={**os.environ, **size, **environment},
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        drawn = b""
        try:
            while chunk := os.read(ours, 65536):
                drawn += chunk
        except OSError:  # on Linux the end of a terminal is an error
            pass
        os.close(ours)
    return process.returncode, drawn.decode()


def test_in_a_terminal_the_lines_are_drawn_while_they_move(planfill: Program) -> None:
    code, drawn = in_a_terminal(planfill, "execute", "plan.json", PLANFILL_MOCK__FILL_DELAY_S="0.3")
    assert code == 0
    assert "working" in drawn
    assert "SELL 0 of 1" in drawn
    assert "\x1b[?25l" in drawn
    assert drawn.rindex("\x1b[?25h") < drawn.rindex("SUCCEEDED")
    assert " INFO " not in drawn


def test_in_a_terminal_warnings_are_shown_above_the_picture(planfill: Program) -> None:
    code, drawn = in_a_terminal(planfill, "execute", "plan.json", PLANFILL_MOCK__NOT_TRADABLE='["SPY"]')
    assert code == 1
    assert "WARNING" in drawn
    assert "BUY SPY: not sent: NOT_TRADABLE" in " ".join(drawn.split())
