"""Where the lines go, and that nobody else's logging is disturbed."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import loguru
import pytest
from program import events
from pydantic import SecretStr

from planfill.adapters.logs.redaction import redactor
from planfill.application.ports.listener import EventListener
from planfill.bootstrap.logging import close_files, console, file_listeners, keep
from planfill.bootstrap.settings import load_settings
from planfill.domain.errors import SettingsError
from planfill.domain.events import OrderRefused
from planfill.domain.outcome import Reason
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import an_order_recorded, numbered, started

SECRET = "hunter2-hunter2"  # noqa: S105 - planted, to be looked for
OTHER = "not-in-the-environment"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANFILL_MOCK__PRICES", "prices.json")
    yield tmp_path
    close_files()


@pytest.fixture
def engine() -> Iterator[io.StringIO]:
    """What a trading engine has set up for itself: everything, into its own sink."""
    text = io.StringIO()
    number = loguru.logger.add(text, level=0)
    yield text
    with suppress(ValueError):
        loguru.logger.remove(number)


def listener() -> EventListener:
    (log,) = file_listeners(load_settings())
    return log


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def tell(log: EventListener, detail: str = "no") -> None:
    refused = OrderRefused(client_order_id=ClientOrderId("pf-SPY-1"), reason=Reason.REJECTED, detail=detail)
    for recorded in numbered(started(), an_order_recorded(), refused):
        await log.on_event(recorded)


async def test_as_a_library_every_event_goes_to_the_file_and_to_nothing_else(
    folder: Path, engine: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    await tell(listener())
    assert [line["number"] for line in events(folder / "planfill.log")] == [1, 2, 3]
    assert engine.getvalue() == ""
    assert capfd.readouterr() == ("", "")


async def test_an_engine_that_removes_all_its_sinks_does_not_cost_us_the_file(folder: Path) -> None:
    log = listener()
    await tell(log)
    number = loguru.logger.add(io.StringIO())
    loguru.logger.remove(number)
    loguru.logger.disable("planfill")
    try:
        await tell(log)
    finally:
        loguru.logger.enable("planfill")
    assert len(events(folder / "planfill.log")) == 6


async def test_nothing_is_written_before_something_happens(folder: Path) -> None:
    listener()
    assert names(folder) == []


async def test_two_files_in_one_process_each_have_their_own_lines(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = listener()
    monkeypatch.setenv("PLANFILL_LOG__FILE", "other.log")
    await tell(listener(), "of the other")
    await tell(first)
    await tell(first)
    assert len(events(folder / "planfill.log")) == 6
    assert len(events(folder / "other.log")) == 3


async def test_without_a_file_nothing_is_written_and_no_cursor_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANFILL_LOG__FILE", "")
    log = listener()
    await tell(log)
    assert log.name == ""
    assert names(folder) == []


async def test_a_file_that_is_full_gives_way_to_a_new_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANFILL_LOG__ROTATION", "1 KB")
    monkeypatch.setenv("PLANFILL_LOG__RETENTION", "2")
    for _ in range(4):
        await tell(listener())
    assert len(names(folder)) == 3
    assert all(line["event"] for name in names(folder) for line in events(folder / name))


async def test_a_file_that_cannot_be_opened_costs_a_warning_and_no_event(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLANFILL_LOG__FILE", str(folder))
    with console("INFO"):
        await tell(listener())
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert "the log file cannot be written" in lines[0]
    assert "Is a directory" in lines[0]


async def test_the_program_prints_a_line_for_people_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with console("INFO"):
        await tell(listener())
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("15:00:02.000Z correlation-1 WARNING BUY SPY: refused by the broker")


@pytest.mark.parametrize(("level", "lines"), [("warning", 1), ("ERROR", 0)])
async def test_the_program_prints_what_is_grave_enough(
    level: str, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with console(level):
        await tell(listener())
    assert len(capsys.readouterr().err.splitlines()) == lines


async def test_in_the_program_what_others_log_shows_no_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(key: str) -> None:
        raise ValueError(len(key))

    with console("INFO"):
        loguru.logger.info("chatter")
        try:
            fail(SECRET)
        except ValueError:
            loguru.logger.exception("somebody failed")
    err = capsys.readouterr().err
    assert "chatter" not in err
    assert "somebody failed" in err
    assert "ValueError: 15" in err
    assert SECRET not in err


async def test_after_the_program_nothing_is_printed_any_more(capsys: pytest.CaptureFixture[str]) -> None:
    with console("INFO"):
        pass
    await tell(listener())
    assert capsys.readouterr().err == ""


async def test_a_planted_key_is_in_no_sink(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    with console("TRACE"):
        await tell(listener(), f"the broker echoes {SECRET}")
    assert "the broker echoes ***" in capsys.readouterr().err
    text = (folder / "planfill.log").read_text(encoding="utf-8")
    assert "the broker echoes ***" in text
    assert SECRET not in text


def fail(key: SecretStr, plain: str) -> None:
    password = key.get_secret_value()
    msg = f"no: {password[:0]}{plain}"
    raise RuntimeError(msg)


@pytest.mark.parametrize("file", ["planfill.log", None, "no/such/folder.log"])
def test_an_error_of_our_own_is_kept_with_its_traceback_and_without_secrets(
    file: str | None, folder: Path
) -> None:
    redact = redactor({"APCA_API_SECRET_KEY": SECRET})
    with pytest.raises(RuntimeError) as caught:
        fail(SecretStr(OTHER), SECRET)
    where = keep(caught.value, None if file is None else folder / file, redact)
    text = where.read_text(encoding="utf-8")
    if file != "planfill.log":
        where.unlink()
    details = json.loads(text)
    assert details["message"] == "RuntimeError: no: ***"
    assert "in fail\n" in details["traceback"]
    assert SECRET not in text
    assert OTHER not in text


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LEVEL", "LOUD", "'LOUD' is none of TRACE, DEBUG, INFO, SUCCESS, WARNING, ERROR, CRITICAL"),
        ("ROTATION", "often", "'often' is not a size such as '10 MB', a time such as '1 week' or '00:00'"),
    ],
)
def test_a_setting_that_loguru_does_not_know_is_a_problem_with_a_path(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PLANFILL_LOG__{variable}", value)
    with pytest.raises(SettingsError) as caught:
        listener()
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == (f"log.{variable.lower()}", message)


@pytest.mark.parametrize("rotation", ["10 MB", "512 KiB", "1 week", "3 days", "00:00"])
async def test_loguru_knows_every_rotation_that_we_let_pass(
    rotation: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANFILL_LOG__ROTATION", rotation)
    await tell(listener())
    assert len(events(folder / "planfill.log")) == 3


def test_the_line_on_stderr_goes_where_stderr_is_now(capsys: pytest.CaptureFixture[str]) -> None:
    with console("INFO"):
        before, sys.stderr = sys.stderr, io.StringIO()
        try:
            loguru.logger.warning("into the view")
            assert "into the view" in sys.stderr.getvalue()
        finally:
            sys.stderr = before
    assert capsys.readouterr().err == ""
