"""Bad input: one clear message, exit 2, nothing sent, nothing lost, nothing left behind."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from program import Ended, Program
from stage import a_plan, buy, sell

PLAN = a_plan(buy("SPY", "1000"))
BROKEN_SETTINGS = "broker = 5"


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", PLAN)
    return program


def message(ended: Ended) -> str:
    """Check that it is one message for people, and give it as one line."""
    assert ended.code == 2, ended
    assert ended.out == ""
    first, *more = ended.err.splitlines()
    assert first.startswith("planfill: ")
    assert all(line.startswith("  ") for line in more), ended.err
    assert "Traceback" not in ended.err
    return " ".join(ended.err.split())


def refused(planfill: Program, *arguments: object) -> tuple[str, dict[str, str]]:
    """Run a command that must fail, for people and for machines; give its message and its problems."""
    before = planfill.files()
    said = message(planfill(*arguments))
    ended = planfill(*arguments, "--json")
    assert ended.code == 2
    assert ended.err == ""
    error = ended.document["error"]
    assert "planfill: " + " ".join(error["message"].split()) == said
    assert planfill.files() == before
    return said, {problem["path"]: problem["message"] for problem in error["problems"]}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nope.json", None, "nope.json cannot be read: No such file or directory"),
        (".", None, ". cannot be read: Is a directory"),
        ("plan.json/x", None, "plan.json/x cannot be read: Not a directory"),
        ("bad\0name", None, "cannot be read: embedded null byte"),
        ("empty.json", "", "empty.json is not a valid plan: not JSON: Expecting value at line 1 column 1"),
        ("cut.json", '{"plan_id": ', "not JSON: Expecting value at line 1 column 13"),
        ("latin.json", b'{"plan_id": "\xe9"}', "not UTF-8: byte 13 cannot be read"),
        ("list.json", [PLAN], "a plan is one JSON object, this is list"),
        ("null.json", None, "null.json is not a valid plan: a plan is one JSON object, this is null"),
        ("deep.json", "[" * 100_000, "nested too deeply"),
    ],
    ids=[
        "missing", "a directory", "under a file", "an impossible name", "empty", "cut off", "not UTF-8",
        "a list", "null", "deep",
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["execute", "preview"])
def test_what_is_no_plan_is_refused(
    command: str, name: str, content: object, says: str, planfill: Program
) -> None:
    if content is not None or name == "null.json":
        planfill.write(name, content)
    said, _ = refused(planfill, command, name)
    assert says in said


def wrong(**fields: Any) -> dict[str, Any]:
    return {**PLAN, **fields}


def lines(*items: dict[str, Any]) -> dict[str, Any]:
    return wrong(items=list(items))


@pytest.mark.parametrize(
    ("plan", "path", "says"),
    [
        ({}, "plan_id", "Field required"),
        (lines(buy("SPY", "1"), buy("spy", "2")), "items[1].symbol", "SPY is in the plan twice"),
        (lines(buy("SPY", "-5")), "items[0].trade_amount", "the sign contradicts the action"),
        (lines(buy("SPY", "NaN")), "items[0].trade_amount", "'NaN' is not a number"),
        (lines(buy("SPY", float("nan"))), "items[0].trade_amount", "NaN is not an amount"),  # type: ignore[arg-type]
        (lines({**buy("SPY", "5"), "action": "SHORT"}), "items[0].action", "none of BUY, SELL, HOLD"),
        (wrong(timestamp="2021-03-31T15:00:00"), "timestamp", "timezone"),
        (wrong(plan_id=""), "plan_id", "at least 1 character"),
        (wrong(items="none"), "items", "tuple"),
    ],
    ids=[
        "an empty object", "a symbol twice", "a sign against its action", "NaN as text", "NaN bare",
        "an unknown action", "a naive time", "an empty id", "items that are no list",
    ],
)  # fmt: skip
def test_a_wrong_plan_is_refused_with_the_path_even_where_the_settings_are_broken(
    plan: object, path: str, says: str, planfill: Program
) -> None:
    planfill.write("planfill.toml", BROKEN_SETTINGS)
    planfill.write("plan.json", plan)
    said, problems = refused(planfill, "execute", "plan.json")
    assert says in problems[path]
    assert path in said
    assert "plan.json is not a valid plan" in said


def test_fifty_wrong_fields_are_named_at_once(planfill: Program) -> None:
    items = [{**buy(f"S{i}", "x"), "priority": 9} for i in range(25)]
    planfill.write("plan.json", lines(*items))
    said, problems = refused(planfill, "execute", "plan.json")
    expected = {f"items[{i}].{field}" for i in range(25) for field in ("trade_amount", "priority")}
    assert set(problems) == expected
    assert all(path in said for path in expected)


def test_a_key_given_twice_is_refused(planfill: Program) -> None:
    planfill.write("plan.json", json.dumps(PLAN).replace("{", '{"plan_id": "other", ', 1))
    _, problems = refused(planfill, "execute", "plan.json")
    assert problems == {"plan_id": "given twice in one object"}


@pytest.mark.parametrize("command", [("execute", "plan.json"), ("show", "plan-1"), ("list",)])
@pytest.mark.parametrize(
    ("settings", "path", "says"),
    [
        ('[execution]\nstile = "market"', "execution.stile", "did you mean 'style'?"),
        ("[exekution]", "exekution", "did you mean 'execution'?"),
        ('[broker]\nadapter = "mok"', "broker.adapter", "did you mean 'mock'?"),
        ("[execution]\npoll_s = -1", "execution.poll_s", "greater than 0"),
        ('[log]\nlevel = "LOUD"', "log.level", "is none of TRACE"),
        ("no toml", "", "is not TOML"),
    ],
    ids=["a setting", "a table", "an adapter", "a value", "a level", "no TOML"],
)
def test_wrong_settings_are_refused_with_the_nearest_name(
    command: tuple[str, ...], settings: str, path: str, says: str, planfill: Program
) -> None:
    planfill.write("planfill.toml", settings)
    _, problems = refused(planfill, *command)
    assert says in problems[path]


def test_a_misspelt_variable_is_refused_with_the_nearest_name(planfill: Program) -> None:
    planfill.settings(brokr__adapter="mock")
    _, problems = refused(planfill, "execute", "plan.json")
    assert problems == {"PLANFILL_BROKR__ADAPTER": "unknown; did you mean 'broker'?"}


@pytest.mark.parametrize("name", ["nope.toml", "."])
def test_a_settings_file_that_cannot_be_read_is_named(name: str, planfill: Program) -> None:
    said, _ = refused(planfill, "execute", "plan.json", "--config", name)
    assert f"{name} cannot be read" in said


def without_orders(folder: Path) -> bool:
    """Tell whether the exchange has no order, or was never opened."""
    book = folder / "planfill-mock.db"
    if not book.exists():
        return True
    with closing(sqlite3.connect(book)) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type='table'")]
        orders = next(name for name in tables if "order" in name)
        (count,) = connection.execute(f"select count(*) from {orders}").fetchone()  # noqa: S608
    return int(count) == 0


@pytest.mark.parametrize("command", [("execute", "plan.json"), ("show", "plan-1"), ("list",)])
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///folder", "it is a directory"),
        ("sqlite:///plan.json", "plan.json cannot be used"),
        ("postgres://user:pa55word@host/db", "names no SQLite file"),
        ("planfill.db", "write sqlite:///planfill.db"),
    ],
    ids=["a directory", "no database", "another kind", "no url"],
)
def test_a_ledger_that_cannot_be_used_is_refused_and_nothing_is_sent(
    command: tuple[str, ...], url: str, says: str, planfill: Program
) -> None:
    (planfill.folder / "folder").mkdir()
    planfill.settings(ledger__url=url)
    said = message(planfill(*command))
    assert says in said
    assert "pa55word" not in said
    assert "ledger" in said
    assert without_orders(planfill.folder)
    assert (planfill.folder / "plan.json").read_text(encoding="utf-8") == json.dumps(PLAN)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/nope/planfill.db", "there is no folder /nope: make it, or set ledger.url to another file"),
        ("/proc/planfill.db", "the ledger /proc/planfill.db cannot be used"),
    ],
)
def test_a_ledger_that_cannot_be_made_is_refused_and_nothing_is_sent(
    path: str, says: str, planfill: Program
) -> None:
    planfill.settings(ledger__url=f"sqlite:///{path}")
    assert says in message(planfill("execute", "plan.json"))
    assert without_orders(planfill.folder)


def test_a_ledger_of_a_newer_version_is_refused_and_left_as_it_is(planfill: Program) -> None:
    assert planfill("execute", "plan.json").code == 0
    ledger = planfill.folder / "planfill.db"
    with closing(sqlite3.connect(ledger)) as connection, connection:
        (table,) = (
            name
            for (name,) in connection.execute("select name from sqlite_master where type='table'")
            if "version" in name
        )
        connection.execute(f"update {table} set version_num = '9999'")  # noqa: S608 - our own table
    before = ledger.read_bytes()
    planfill.write("next.json", a_plan(buy("SPY", "10"), plan_id="plan-2"))
    for command in (("execute", "next.json"), ("show", "plan-1"), ("list",), ("resume", "plan-1")):
        said, _ = refused(planfill, *command)
        assert "newer Planfill" in said
    assert ledger.read_bytes() == before


def test_the_same_plan_id_with_other_trades_is_refused(planfill: Program) -> None:
    assert planfill("execute", "plan.json").code == 0
    first = planfill("show", "plan-1", "--json").document
    planfill.write("plan.json", a_plan(sell("SPY", "1000")))
    said, _ = refused(planfill, "execute", "plan.json")
    assert "give the new plan an id of its own" in said
    assert planfill("show", "plan-1", "--json").document == first


@pytest.mark.parametrize("command", ["show", "resume"])
@pytest.mark.parametrize("with_ledger", [True, False], ids=["a ledger", "no ledger yet"])
def test_a_plan_id_that_the_ledger_does_not_know_is_refused(
    command: str, *, with_ledger: bool, planfill: Program
) -> None:
    if with_ledger:
        assert planfill("execute", "plan.json").code == 0
    said, _ = refused(planfill, command, "plan-7")
    assert "the ledger knows no plan 'plan-7': planfill list shows those it knows" in said


def test_a_price_file_that_is_not_there_is_named(planfill: Program) -> None:
    planfill.settings(mock__prices="nope.json")
    said, problems = refused(planfill, "execute", "plan.json")
    assert "nope.json" in said
    assert list(problems) == ["mock.prices"]
