"""Unfinished executions are named at every start, whatever the command is about."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import anyio
import pytest
from program import Program
from stage import a_plan, buy

from planfill.adapters.ledgers.sql import SqlLedger
from planfill.domain.events import ExecutionCompleted
from planfill.domain.identity import AccountKey
from planfill.domain.result import nothing_to_do
from planfill.testing.events import AT, a_start, an_execution

ELSEWHERE: Final = AccountKey(broker="mock", environment="paper", number="another")
NAMED: Final = (
    "planfill: unfinished: plan 'left over' of 2021-03-31 15:00 UTC on mock:paper:another: "
    "planfill resume 'left over'"
)


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", a_plan(buy("SPY", "1000")))
    program.settings(log__level="ERROR")
    return program


def leave_over(folder: Path, *plan_ids: str, finish: bool = False) -> None:
    """Write into the ledger what processes have begun that are no more."""

    async def leave() -> None:
        ledger = SqlLedger(f"sqlite:///{folder / 'planfill.db'}")
        for plan_id in plan_ids:
            events = [a_start(plan_id, ELSEWHERE)]
            done = [ExecutionCompleted(result=nothing_to_do(AT))] if finish else []
            async with await ledger.claim(ELSEWHERE, holder="a test", at=AT) as claim:
                stream = an_execution(plan_id, ELSEWHERE)
                await ledger.append(stream, [*events, *done], at=AT, claim=claim)
        await ledger.aclose()

    anyio.run(leave)


@pytest.mark.parametrize(
    "command",
    [
        ("execute", "plan.json"),
        ("preview", "plan.json"),
        ("resume", "plan-1"),
        ("show", "plan-1"),
        ("cancel", "plan-1"),
        ("reconcile", "plan-1"),
        ("resolve", "pf-aaaaaaaaaaaaaaaaaaaa-0-1", "--canceled", "--reason", "the statement"),
        ("list",),
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
def test_every_command_names_on_stderr_what_others_left_unfinished(
    command: tuple[str, ...], json: tuple[str, ...], planfill: Program
) -> None:
    leave_over(planfill.folder, "left over")
    planfill("execute", "plan.json")
    ended = planfill(*command, *json)
    assert ended.err.splitlines()[0] == NAMED
    assert ended.err.count("unfinished:") == 1
    if json:
        assert "unfinished:" not in ended.out
        assert isinstance(ended.document, dict)


def test_several_are_named_in_one_line_with_the_settings_of_the_command(planfill: Program) -> None:
    leave_over(planfill.folder, "one", "two", "three")
    ended = planfill("show", "two", "--config", planfill.write("own.toml", ""))
    (named,) = [line for line in ended.err.splitlines() if "unfinished" in line]
    config = f" --config {planfill.folder / 'own.toml'}"
    assert "planfill resume one" + config in named
    assert named.endswith("planfill resume three" + config)
    assert "two" not in named


def test_what_is_finished_or_the_commands_own_is_not_named(planfill: Program) -> None:
    leave_over(planfill.folder, "done", finish=True)
    leave_over(planfill.folder, "left over")
    assert "unfinished:" not in planfill("show", "left over").err


def test_without_a_ledger_nothing_is_named_and_none_is_made(planfill: Program) -> None:
    for command in (("preview", "plan.json"), ("list",), ("show", "plan-1")):
        assert "unfinished" not in planfill(*command).err
    assert "planfill.db" not in planfill.files()


def test_a_ledger_that_cannot_be_read_is_told_once_by_the_command_itself(planfill: Program) -> None:
    planfill.write("planfill.db", "no database")
    ended = planfill("list")
    assert ended.code != 0
    assert len(ended.err.splitlines()) == 1
