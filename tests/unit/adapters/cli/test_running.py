"""Every way in which a command can end becomes an exit code and a message."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Self

import pytest
import typer

from planfill.adapters.cli.assembly import Assembly, Exposition
from planfill.adapters.cli.running import run
from planfill.application.facade import ExecutionFacade
from planfill.application.ports.ledger import ExecutionSummary
from planfill.application.ports.listener import EventListener
from planfill.domain import errors
from planfill.domain.drill import DrillReport
from planfill.domain.metrics import Metrics
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.testing.events import a_result

SECRET = "hunter2-hunter2"  # noqa: S105 - planted, to be looked for


class Facade(ExecutionFacade):
    """Gives one result to every question, or one error."""

    def __init__(self, answer: ExecutionResult | BaseException) -> None:
        self._answer = answer

    def _give(self) -> ExecutionResult:
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    def execute_rebalance_plan(self, plan: object, *, approved: str | None = None) -> ExecutionResult:
        assert plan is not None
        assert approved is None
        return self._give()

    def resume(self, plan_id: str) -> ExecutionResult:
        assert plan_id == "plan-1"
        return self._give()

    def result(self, plan_id: str) -> ExecutionResult:
        assert plan_id == "plan-1"
        return self._give()

    def executions(self, *, unfinished: bool = False) -> tuple[ExecutionSummary, ...]:
        assert unfinished
        return ()

    def reconciliation(self) -> None:
        """Nothing was executed."""

    def alerted(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


class Stage(Assembly):
    """Hands the facade out, and notes how it was asked."""

    def __init__(self, answer: ExecutionResult | BaseException) -> None:
        self.answer = answer
        self.config: Path | None = None
        self.kept: list[BaseException] = []

    @contextmanager
    def open(
        self,
        config: Path | None,
        *,
        account: str | None = None,
        listeners: Sequence[EventListener] = (),
        quiet: bool = False,
    ) -> Iterator[ExecutionFacade]:
        assert len(listeners) <= 1
        assert not quiet
        self.config = config
        yield Facade(self.answer)

    def drill(self) -> DrillReport:
        raise NotImplementedError

    def exposition(self, read: Callable[[], Metrics]) -> Exposition:
        raise NotImplementedError

    def logged(self, config: Path | None, plan_id: str) -> Sequence[Mapping[str, Any]]:
        raise NotImplementedError

    def keep(self, error: BaseException) -> Path:
        self.kept.append(error)
        return Path("planfill.log")

    def redact(self, text: str) -> str:
        return text.replace(SECRET, "***")


class Ended(NamedTuple):
    code: int
    out: str
    err: str
    stage: Stage


@pytest.fixture
def ends(capsys: pytest.CaptureFixture[str]) -> Any:
    def ends(answer: ExecutionResult | BaseException, *arguments: str) -> Ended:
        stage = Stage(answer)
        code = run(arguments or ("show", "plan-1"), stage, "1.2.3")
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err, stage)

    return ends


@pytest.fixture
def plan(tmp_path: Path) -> str:
    path = tmp_path / "plan.json"
    document = {
        "plan_id": "plan-1",
        "correlation_id": "run-1",
        "items": [],
        "timestamp": "2021-03-31T00:00:00Z",
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ExecutionStatus.NOTHING_TO_DO, 0),
        (ExecutionStatus.SUCCEEDED, 0),
        (ExecutionStatus.PARTIAL, 1),
        (ExecutionStatus.FAILED, 1),
        (ExecutionStatus.REFUSED, 3),
        (ExecutionStatus.HALTED, 3),
        (ExecutionStatus.IN_DOUBT, 4),
    ],
)
def test_execute_and_resume_end_with_the_code_of_the_result_and_show_with_none(
    status: ExecutionStatus, code: int, ends: Any, plan: str
) -> None:
    result = a_result(status)
    assert ends(result, "execute", plan).code == code
    assert ends(result, "resume", "plan-1", "--json").code == code
    assert ends(result, "show", "plan-1").code == 0


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (errors.PlanInvalid([errors.Problem(path="items", message="no")]), 2, "PLAN_INVALID"),
        (errors.PlanConflict("other trades"), 2, "PLAN_CONFLICT"),
        (errors.PlanNotApproved("not that"), 2, "PLAN_NOT_APPROVED"),
        (errors.PlanUnknown("no such"), 2, "PLAN_UNKNOWN"),
        (errors.SettingsError([errors.Problem(path="log", message="no")]), 2, "SETTINGS_ERROR"),
        (errors.LedgerUnavailable("read-only"), 2, "LEDGER_UNAVAILABLE"),
        (errors.LedgerTooNew("version 9"), 2, "LEDGER_TOO_NEW"),
        (errors.AccountBusy("held by process 1"), 3, "ACCOUNT_BUSY"),
        (errors.BrokerUnavailable("reset"), 3, "BROKER_UNAVAILABLE"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_error_of_the_tree_is_one_message_with_its_code(
    error: errors.ExecutionError, code: int, name: str, ends: Any
) -> None:
    ended = ends(error)
    assert (ended.code, ended.out, ended.stage.kept) == (code, "", [])
    assert ended.err.startswith("planfill: ")
    assert ended.err.strip().endswith(str(error).rpartition("\n")[2].strip())
    document = json.loads(ends(error, "show", "plan-1", "--json").out)
    assert document["error"]["code"] == name


def test_an_error_that_a_plugin_derives_has_the_code_of_the_tree(ends: Any) -> None:
    class LostInSpace(errors.BrokerUnavailable):
        pass

    assert json.loads(ends(LostInSpace("far"), "show", "plan-1", "--json").out)["error"]["code"] == (
        "BROKER_UNAVAILABLE"
    )


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), errors.ExecutionError("impossible"), errors.OrderNotFound("no"), RuntimeError()],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_our_own_is_one_line_that_says_where_the_details_are(error: Exception, ends: Any) -> None:
    ended = ends(error)
    assert (ended.code, ended.out, ended.stage.kept) == (70, "", [error])
    (line,) = ended.err.splitlines()
    assert line.startswith(f"planfill: this is an error of Planfill's own: {type(error).__name__}")
    assert line.endswith("its details are in planfill.log")
    document = json.loads(ends(error, "show", "plan-1", "--json").out)
    assert document["error"]["code"] == "INTERNAL_ERROR"


def test_of_an_error_of_our_own_with_many_lines_the_first_is_shown(ends: Any) -> None:
    (line,) = ends(ValueError("one\ntwo\nthree")).err.splitlines()
    assert "ValueError: one ...; its details" in line


def test_a_secret_in_an_error_is_hidden_on_both_streams(ends: Any) -> None:
    for arguments in (["show", "plan-1"], ["show", "plan-1", "--json"]):
        ended = ends(errors.LedgerUnavailable(f"no: {SECRET}"), *arguments)
        assert "no: ***" in ended.out + ended.err
        assert SECRET not in ended.out + ended.err


def test_a_secret_in_a_result_is_hidden(ends: Any) -> None:
    result = a_result()
    line = {**dict(result.lines[0]), "detail": f"echo {SECRET}"}
    result = ExecutionResult.model_validate({**dict(result), "lines": (line,)})
    for arguments in (["show", "plan-1"], ["show", "plan-1", "--json"]):
        ended = ends(result, *arguments)
        assert "echo ***" in ended.out
        assert SECRET not in ended.out


def test_ctrl_c_before_anything_was_sent_says_so(ends: Any) -> None:
    ended = ends(KeyboardInterrupt())
    assert (ended.code, ended.err) == (3, "planfill: interrupted; nothing was sent\n")
    document = json.loads(ends(KeyboardInterrupt(), "show", "plan-1", "--json").out)
    assert document["error"]["code"] == "INTERRUPTED"


def test_what_an_older_typer_makes_of_ctrl_c_is_the_same(ends: Any) -> None:
    assert ends(typer.Abort()).code == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["exexute"], "No such command 'exexute'"),
        (["show"], "Missing argument 'PLAN_ID'"),
        (["show", "a", "b"], "unexpected extra argument"),
        (["show", "a", "--jsno"], "No such option"),
        (["execute", "a", "--approved"], "requires an argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_one_message_that_names_the_help(
    arguments: list[str], message: str, ends: Any
) -> None:
    ended = ends(KeyError(), *arguments)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert message in line
    assert "--help`" in line
    ended = ends(KeyError(), *arguments, "--json")
    assert ended.code == 2
    if arguments[-1] != "--approved":
        assert json.loads(ended.out)["error"]["code"] == "USAGE"


def test_without_a_command_the_help_is_shown(ends: Any) -> None:
    ended = Ended(*ends(KeyError(), "--help"))
    assert ended.code == 0
    assert "Usage: planfill" in ended.out


def test_the_version_is_printed(ends: Any) -> None:
    assert ends(KeyError(), "--version")[:2] == (0, "planfill 1.2.3\n")


def test_the_settings_are_those_of_the_option_or_of_the_environment(
    ends: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ends(a_result(), "show", "plan-1").stage.config is None
    assert ends(a_result(), "show", "plan-1", "--config", "a b.toml").stage.config == Path("a b.toml")
    monkeypatch.setenv("PLANFILL_CONFIG", "env.toml")
    ended = ends(a_result(ExecutionStatus.IN_DOUBT), "resume", "plan-1")
    assert ended.stage.config == Path("env.toml")
    assert "planfill resume plan-1 --config env.toml" in ended.out


class Ascii(io.TextIOWrapper):
    """A stream that cannot show every character."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii")

    def __enter__(self) -> Self:
        return self


def test_what_a_stream_cannot_show_does_not_end_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Ascii()
    monkeypatch.setattr(sys, "stdout", stream)
    result = a_result()
    line = {**dict(result.lines[0]), "detail": "naïve €"}
    result = ExecutionResult.model_validate({**dict(result), "lines": (line,)})
    assert run(["show", "plan-1", "--json"], Stage(result), "1") == 0
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    assert json.loads(stream.buffer.getvalue().replace(b"\\x", b"\\\\x"))["lines"]


def test_nobody_reading_stdout_does_not_change_how_a_command_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["show", "plan-1"], ["show", "plan-1", "--json"]):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as stream:
            monkeypatch.setattr(sys, "stdout", stream)
            assert run(arguments, Stage(a_result()), "1") == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_stdout_that_is_full_does_not_change_how_a_command_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["show", "plan-1"], ["show", "plan-1", "--json"]):
        with Path("/dev/full").open("w", encoding="utf-8") as stream:
            monkeypatch.setattr(sys, "stdout", stream)
            assert run(arguments, Stage(a_result()), "1") == 0
        assert "stdout takes no more" in capsys.readouterr().err


class Left(Exception):
    pass


def test_ctrl_c_that_the_facade_did_not_hear_leaves_at_once(
    plan: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(code: int) -> NoReturn:
        raise Left(code)

    monkeypatch.setattr(os, "_exit", leave)
    stage = Stage(KeyboardInterrupt())
    assert run(["execute", plan], stage, "1") == 70
    (left,) = stage.kept
    assert repr(left) == "Left(4)"
    assert "to finish it: planfill resume plan-1" in capsys.readouterr().err


def test_in_another_thread_than_the_main_one_a_command_runs_without_signals(plan: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, ["execute", plan], Stage(a_result()), "1").result() == 1
