"""``planfill logs`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from program import Program, events
from stage import a_plan, buy


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    for plan_id in ("plan-1", "plan-2"):
        program.write("plan.json", a_plan(buy("SPY", "1000"), plan_id=plan_id))
        program("execute", "plan.json")
    return program


def test_the_lines_of_one_plan_are_printed(planfill: Program) -> None:
    logged = [one for one in events(planfill.folder / "planfill.log") if one["plan_id"] == "plan-1"]
    ended = planfill("logs", "plan-1")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert len(lines) == len(logged) > 4
    assert lines[0].startswith(f"{logged[0]['time']} INFO     plan plan-1 received for")
    assert planfill("logs", "plan-1", "--json").document == {"lines": logged}


def test_older_files_come_first_and_an_event_that_was_told_twice_once(planfill: Program) -> None:
    log = planfill.folder / "planfill.log"
    before = planfill("logs", "plan-1", "--json").document
    first, *rest = log.read_text("utf-8").splitlines(keepends=True)
    planfill.write("planfill.2021-03-31_15-00-00_000001.log", first)
    planfill.write("planfill.2021-04-01_15-00-00_000001.log", rest[0])
    log.write_text("".join([rest[0], *rest[1:], '"plan-1"\n', '{"plan_id": "plan-1", "mess']), "utf-8")
    assert planfill("logs", "plan-1", "--json").document == before
    log.unlink()
    assert [one["number"] for one in planfill("logs", "plan-1", "--json").document["lines"]] == [1, 2]


def test_what_cannot_be_done_is_one_message_and_exit_2(planfill: Program) -> None:
    ended = planfill("logs", "plan-9")
    assert (ended.code, ended.out) == (2, "")
    assert "the log says nothing of a plan 'plan-9': planfill list shows" in ended.err
    (planfill.folder / "planfill.log").unlink()
    (planfill.folder / "planfill.log").mkdir()
    assert "the log cannot be read: Is a directory: planfill.log" in planfill("logs", "plan-1").err
    planfill.settings(log__file="")
    ended = planfill("logs", "plan-1", "--json")
    assert ended.code == 2
    assert "log.file" in json.dumps(ended.document["error"])
