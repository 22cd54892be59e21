"""Whoever changes the rows of a ledger's file behind its back is found out, and where."""
# ruff: noqa: S608 - the statements are those of this file

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planfill.adapters.ledgers.sql import SqlLedger
from planfill.application.audit import Audit, AuditReport
from planfill.domain.errors import LedgerUnavailable
from planfill.domain.events import LineClosed, OrderReported
from planfill.domain.outcome import Reason
from planfill.testing.builders import (
    PAPER,
    STREAM,
    a_plan,
    a_report,
    an_item,
    an_order,
    an_order_recorded,
    started,
)
from planfill.testing.events import AT, an_alert

EVENTS: Final = (
    started(a_plan(an_item("SPY"), an_item("QQQ"))),
    LineClosed(symbol="QQQ", reason=Reason.NO_PRICE, detail="naïve €"),
    an_order_recorded(an_order()),
    OrderReported(report=a_report(filled=4)),
    OrderReported(report=a_report()),
)
LAST: Final = len(EVENTS)
FIRST_MIDDLE_LAST: Final = (1, 3, LAST)
Sql = tuple[str, tuple[object, ...]]


async def make(path: Path) -> None:
    """Make a ledger with a stream of each kind."""
    ledger = SqlLedger(f"sqlite:///{path}")
    async with await ledger.claim(PAPER, holder="test", at=AT) as claim:
        for event in EVENTS:
            await ledger.append(STREAM, [event], at=AT, claim=claim)
    for stream in (f"account/{PAPER}", "system"):
        await ledger.append(stream, [an_alert("one"), an_alert("two")], at=AT)
    await ledger.aclose()


async def audit(path: Path) -> AuditReport:
    ledger = SqlLedger(f"sqlite:///{path}", create=False)
    try:
        return await Audit(ledger)()
    finally:
        await ledger.aclose()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the ledger from which every test takes its copy."""
    path = tmp_path_factory.mktemp("whole") / "ledger.db"
    anyio.run(make, path)
    return path


@contextmanager
def copied(whole: Path) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(shutil.copy(whole, folder))


def change(path: Path, *statements: Sql | str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for one in statements:
            sql, values = (one, ()) if isinstance(one, str) else one
            database.execute(sql, values)


def after(whole: Path, *statements: Sql | str) -> AuditReport:
    """Audit a ledger in which this was done."""
    with copied(whole) as path:
        change(path, *statements)
        return anyio.run(audit, path)


def located(report: AuditReport, stream: str = STREAM) -> list[int | None]:
    """Check that nothing else is out of order, and give the places."""
    assert report.in_order == (report.findings == ())
    assert {one.stream for one in report.findings} <= {stream}
    return [one.number for one in report.findings]


def test_a_ledger_that_nobody_touched_is_in_order(whole: Path) -> None:
    report = anyio.run(audit, whole)
    assert (report.in_order, report.events) == (True, LAST + 4)
    assert {one.stream for one in report.streams} == {STREAM, f"account/{PAPER}", "system"}


HERE: Final = f"WHERE stream = '{STREAM}' AND number"


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
@pytest.mark.parametrize(
    "assignment",
    [
        "payload = replace(payload, 'SPY', 'SPX')",
        "payload = payload || ' '",
        "payload = ''",
        "payload = CAST(payload AS BLOB)",
        "payload = 7",
        "payload = CAST(x'7BFF7D' AS TEXT)",
        "at = replace(at, '15:', '16:')",
        "at = CAST(at AS BLOB)",
        "at = 7",
        "hash = upper(hash)",
        "hash = substr(hash, 2)",
        "hash = CAST(hash AS BLOB)",
        "hash = 7",
    ],
)
def test_a_value_that_was_changed_is_located(whole: Path, number: int, assignment: str) -> None:
    assert located(after(whole, f"UPDATE events SET {assignment} {HERE} = {number}")) == [number]


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
def test_a_row_that_was_deleted_is_named(whole: Path, number: int) -> None:
    report = after(whole, f"DELETE FROM events {HERE} = {number}")
    assert located(report) == [number]
    assert "is missing" in report.findings[0].problem


def test_all_rows_of_a_stream_deleted_are_missed(whole: Path) -> None:
    report = after(whole, f"DELETE FROM events {HERE} > 0")
    assert located(report) == [1]
    assert "and all up to event 5" in report.findings[0].problem


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 4), (1, LAST), (LAST - 1, LAST)])
@pytest.mark.parametrize("columns", [["at", "hash", "payload"], ["payload"], ["hash"], ["number"]])
def test_rows_that_were_swapped_are_located(whole: Path, one: int, other: int, columns: list[str]) -> None:
    with copied(whole) as path, closing(sqlite3.connect(path)) as database:
        if columns == ["number"]:
            for before, behind in ((one, -1), (other, one), (-1, other)):
                database.execute(f"UPDATE events SET number = {behind} {HERE} = {before}")
        else:
            names = ", ".join(columns)
            read = [
                database.execute(f"SELECT {names} FROM events {HERE} = {n}").fetchone() for n in (one, other)
            ]
            marks = ", ".join(f"{name} = ?" for name in columns)
            for number, values in ((one, read[1]), (other, read[0])):
                database.execute(f"UPDATE events SET {marks} {HERE} = {number}", values)
        database.commit()
        places = located(anyio.run(audit, path))
    assert {one, other} <= set(places)


FORGED: Final = (
    "INSERT INTO events (stream, number, at, hash, payload) "
    f"SELECT '{STREAM}', {{number}}, at, hash, payload FROM events WHERE stream = 'system' AND number = 1"
)


@pytest.mark.parametrize("number", [1, 3, LAST])
def test_a_row_between_two_others_is_located(whole: Path, number: int) -> None:
    report = after(
        whole,
        f"UPDATE events SET number = -number {HERE} >= {number}",
        f"UPDATE events SET number = 1 - number {HERE} < 0",
        FORGED.format(number=number),
    )
    assert located(report)[0] == number
    assert LAST + 1 in located(report)


@pytest.mark.parametrize("number", [0, -5, LAST + 1, LAST + 9, 10**15])
def test_a_row_before_the_first_or_behind_the_last_is_located(whole: Path, number: int) -> None:
    assert located(after(whole, FORGED.format(number=number))) == [number]


@pytest.mark.parametrize("number", ["2.5", "'two'", "x'02'"])
def test_a_row_whose_number_is_none_is_found(whole: Path, number: str) -> None:
    ((place, problem),) = [
        (one.number, one.problem) for one in after(whole, FORGED.format(number=number)).findings
    ]
    assert place == (3 if number == "2.5" else LAST + 1)
    assert "whose number is" in problem


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
@pytest.mark.parametrize("forged", [0, -3, LAST + 2, 10**15, "three", b"3", 2.5])
def test_a_number_that_was_changed_leaves_a_gap(whole: Path, number: int, forged: object) -> None:
    report = after(whole, (f"UPDATE events SET number = ? {HERE} = {number}", (forged,)))
    assert number in located(report)


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
@pytest.mark.parametrize(
    "name", ["'systen'", "CAST(stream AS BLOB)", "CAST(x'73FF' AS TEXT)", "stream || ':2'"]
)
def test_a_row_put_into_another_stream_is_missed_here_and_found_there(
    whole: Path, number: int, name: str
) -> None:
    report = after(whole, f"UPDATE events SET stream = {name} {HERE} = {number}")
    here = [one.number for one in report.findings if one.stream == STREAM]
    there = [one for one in report.findings if one.stream != STREAM]
    assert here == [number]
    assert "nothing is kept of its end" in there[-1].problem


def test_a_row_put_behind_those_of_another_stream_is_found_in_both(whole: Path) -> None:
    report = after(whole, f"UPDATE events SET stream = 'system', number = 3 {HERE} = 5")
    assert {(one.stream, one.number) for one in report.findings} == {(STREAM, 5), ("system", 3)}


@pytest.mark.parametrize(
    "assignment",
    ["number = 4", "number = 6", "number = 'five'", "head = lower(hex(zeroblob(32)))", "head = 7"],
)
def test_an_end_that_was_changed_is_found_too(whole: Path, assignment: str) -> None:
    assert not after(whole, f"UPDATE streams SET {assignment} WHERE stream = '{STREAM}'").in_order


def test_a_record_that_was_rewritten_up_to_its_head_is_in_order_until_a_former_head_is_asked_for(
    whole: Path,
) -> None:
    kept = {one.stream: one.head for one in anyio.run(audit, whole).streams}[STREAM]

    async def forged(path: Path) -> tuple[bool, bool]:
        ledger = SqlLedger(f"sqlite:///{path}")
        async with await ledger.claim(PAPER, holder="forger", at=AT) as claim:
            await ledger.append(STREAM, EVENTS[:2], at=AT, claim=claim)
        found = (await Audit(ledger)()).in_order, (await Audit(ledger)(against=kept)).in_order
        await ledger.aclose()
        return found

    with copied(whole) as path:
        change(path, f"DELETE FROM events {HERE} > 0", f"DELETE FROM streams WHERE stream = '{STREAM}'")
        assert anyio.run(forged, path) == (True, False)


def test_a_file_that_is_not_there_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="there is none"):
        anyio.run(audit, tmp_path / "none.db")

    async def stored() -> None:
        await SqlLedger(f"sqlite:///{tmp_path}/none.db", create=False).stored("system")

    with pytest.raises(LedgerUnavailable, match="there is none"):
        anyio.run(stored)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(
    number=st.integers(1, LAST),
    column=st.sampled_from(["payload", "at", "hash"]),
    place=st.integers(0, 10**6),
    bit=st.integers(0, 7),
)
def test_a_bit_of_a_row_that_was_changed_is_found_and_located(
    whole: Path, number: int, column: str, place: int, bit: int
) -> None:
    with copied(whole) as path, closing(sqlite3.connect(path)) as database:
        (text,) = database.execute(f"SELECT CAST({column} AS BLOB) FROM events {HERE} = {number}").fetchone()
        content = bytearray(text)
        content[place % len(content)] ^= 1 << bit
        database.execute(f"UPDATE events SET {column} = CAST(? AS TEXT) {HERE} = {number}", [bytes(content)])
        database.commit()
        assert located(anyio.run(audit, path)) == [number]


@settings(max_examples=40, deadline=None)
@given(
    number=st.integers(1, LAST),
    forged=st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
)
def test_a_number_that_was_changed_to_anything_is_found(whole: Path, number: int, forged: object) -> None:
    with copied(whole) as path, closing(sqlite3.connect(path)) as database:
        try:
            database.execute(f"UPDATE events SET number = ? {HERE} = {number}", [forged])
        except (sqlite3.IntegrityError, UnicodeEncodeError):
            return  # it is taken, or no text
        database.commit()
        (kept,) = database.execute(f"SELECT count(*) FROM events {HERE} = {number}").fetchone()
        places = located(anyio.run(audit, path))
        assert number in places if not kept else places == []
