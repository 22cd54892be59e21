"""``planfill audit`` as it is typed, over the ledger's file."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from program import Program, command
from stage import a_plan, buy, hold, sell

PLAN: Final = a_plan(
    buy("SPY", "10000"), sell("QQQ", "2000", current_value="3000"), hold("IWM"), total_portfolio_value="50000"
)
STREAM: Final = "execution/mock:mock:MOCK-1:plan-1"
ELSEWHERE: Final = "0" * 64


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", PLAN)
    return program


@pytest.fixture
def head(planfill: Program) -> str:
    """Execute the plan; give the head that its result names."""
    ended = planfill("execute", "plan.json", "--json")
    assert ended.code == 0, ended.err
    return str(ended.document["ledger_head"])


def change(planfill: Program, sql: str) -> None:
    with closing(sqlite3.connect(planfill.folder / "planfill.db")) as database, database:
        database.execute(sql)


def test_a_ledger_that_nobody_touched_is_in_order(planfill: Program, head: str) -> None:
    ended = planfill("audit", "verify")
    assert (ended.code, ended.err) == (0, "")
    stream, last = ended.out.splitlines()
    assert stream.startswith(f"{STREAM}: in order, ")
    assert re.fullmatch(r"IN ORDER in 1 stream with \d+ events", last)
    assert planfill("audit", "export", "plan-1").out.splitlines()[-1].endswith(f'"{stream[-64:]}"}}')
    assert head in planfill("audit", "export", "plan-1").out


@pytest.mark.usefixtures("head")
def test_with_json_there_is_one_document(planfill: Program) -> None:
    ended = planfill("audit", "verify", "--json")
    document = ended.document
    assert ended.code == 0
    assert list(document) == ["in_order", "events", "streams", "findings"]
    assert document["in_order"] is True
    (stream,) = document["streams"]
    assert stream == {"stream": STREAM, "events": document["events"], "head": stream["head"]}
    assert planfill("audit", "verify", "--against", stream["head"], "--json").document == document


@pytest.mark.usefixtures("head")
def test_what_was_changed_is_named_with_its_place_on_one_line(planfill: Program) -> None:
    change(planfill, "UPDATE events SET payload = payload || ' ' WHERE number = 2")
    change(planfill, "DELETE FROM events WHERE number = 4")
    ended = planfill("audit", "verify")
    assert ended.code == 1
    changed, dropped, last = ended.out.splitlines()
    assert changed.startswith(f"{STREAM}, event 2: its time or its text was changed")
    assert dropped == f"{STREAM}, event 4: is missing: event 5 stands there"
    assert last.startswith("NOT IN ORDER: 2 problems in 1 stream with ")
    document = planfill("audit", "verify", "--json").document
    assert [(one["stream"], one["number"]) for one in document["findings"]] == [(STREAM, 2), (STREAM, 4)]
    assert document["in_order"] is False


def test_a_head_kept_elsewhere_is_looked_for(planfill: Program, head: str) -> None:
    assert planfill("audit", "verify", "--against", head.upper()).code == 0
    ended = planfill("audit", "verify", "--against", ELSEWHERE, "--plan", "plan-1")
    assert ended.code == 1
    assert ended.out.startswith(f"{STREAM}: no event has the hash {ELSEWHERE}")
    planfill.write("other.json", {**PLAN, "plan_id": "plan-2"})
    assert planfill("execute", "other.json").code == 0
    ended = planfill("audit", "verify", "--against", ELSEWHERE)
    assert ended.out.startswith(f"ledger: no event has the hash {ELSEWHERE}")
    assert len(ended.out.splitlines()) == 4


def test_only_one_plan_is_verified_where_one_is_named(planfill: Program, head: str) -> None:
    planfill.write("other.json", {**PLAN, "plan_id": "plan-2"})
    assert planfill("execute", "other.json").code == 0
    change(planfill, "DELETE FROM events WHERE number = 4 AND stream LIKE '%plan-2'")
    assert planfill("audit", "verify", "--plan", "plan-1", "--against", head).code == 0
    assert planfill("audit", "verify").code == 1


def test_an_execution_is_exported_and_verified_in_another_folder(planfill: Program, head: str) -> None:
    ended = planfill("audit", "export", "plan-1")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert set(json.loads(lines[-1])) == {"stream", "number", "head"}
    assert planfill("audit", "export", "plan-1", "--output", "plan-1.jsonl").out == ""
    assert (planfill.folder / "plan-1.jsonl").read_text(encoding="ascii") == ended.out
    (planfill.folder / "planfill.db").unlink()
    # Nothing is needed but the file: no ledger, and no settings that are right.
    planfill.write("planfill.toml", "broker = 5")
    verified = planfill("audit", "verify", "--file", "plan-1.jsonl", "--plan", "plan-1", "--against", head)
    assert (verified.code, verified.err) == (0, "")
    planfill.write("plan-1.jsonl", ended.out.replace("SPY", "SPX", 1))
    tampered = planfill("audit", "verify", "--file", "plan-1.jsonl")
    assert tampered.code == 1
    assert tampered.out.startswith(f"{STREAM}, event 1: its time or its text was changed")


@pytest.mark.usefixtures("head")
def test_a_file_is_verified_from_standard_input(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    exported = planfill("audit", "export", "plan-1").out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(exported.encode())))
    assert planfill("audit", "verify", "--file", "-").code == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe")))
    ended = planfill("audit", "verify", "--file", "-")
    assert ended.code == 1
    assert ended.out.startswith("ledger: line 1 is neither an event nor the head of a stream")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("verify", "--plan", "plan-9"), "the ledger knows no plan 'plan-9': planfill list shows"),
        (("export", "plan-9"), "the ledger knows no plan 'plan-9': planfill list shows"),
        (("verify", "--against", "4f1c"), "--against takes a ledger head: 64 hexadecimal digits"),
        (("verify", "--file", "nope.jsonl"), "nope.jsonl cannot be read: No such file or directory"),
        (("verify", "--file", "."), ". cannot be read: Is a directory"),
        (("verify", "--file", "bad\0name"), "cannot be read: embedded null byte"),
        (
            ("verify", "--file", "export.jsonl", "--plan", "plan-9"),
            f"the file holds {STREAM}, and not one of",
        ),
        (
            ("export", "plan-1", "--output", "no/folder"),
            "no/folder cannot be written: No such file or directory",
        ),
        (("verify", "plan-1"), "unexpected extra argument"),
        ((), "Missing command"),
    ],
)
@pytest.mark.usefixtures("head")
def test_what_cannot_be_done_is_one_message_and_exit_2(
    planfill: Program, arguments: tuple[str, ...], says: str
) -> None:
    planfill("audit", "export", "plan-1", "--output", "export.jsonl")
    ended = planfill("audit", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert ended.err.startswith("planfill: ")
    assert len(ended.err.splitlines()) == 1


def test_without_a_ledger_there_is_nothing_to_verify(planfill: Program) -> None:
    for arguments in (("verify",), ("export", "plan-1")):
        ended = planfill("audit", *arguments)
        assert ended.code == 2
        assert "there is none: the first execution makes it" in ended.err
    assert planfill.files() == {"plan.json", "prices.json"}


@pytest.mark.usefixtures("head")
def test_an_export_that_standard_output_did_not_take_is_not_done(planfill: Program) -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        ended = subprocess.run(
            command("audit", "export", "plan-1"),
            cwd=planfill.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ended.returncode == 1
    assert b"stdout takes no more" in ended.stderr
