"""What a ledger does with files that it cannot use: one clear message, and nothing lost."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from planfill.adapters.ledgers.sql import SqlLedger
from planfill.domain.errors import LedgerCorrupt, LedgerError, LedgerTooNew, LedgerUnavailable
from planfill.testing.events import ACCOUNT, AT, a_start, an_alert, an_execution
from planfill.testing.ledger_cards import assert_chained

NOBODY: Final = 65534
Opener = Callable[..., SqlLedger]


@pytest.fixture
async def open_ledger() -> AsyncIterator[Opener]:
    opened: list[SqlLedger] = []

    def open_ledger(path: Path, *, create: bool = True) -> SqlLedger:
        opened.append(SqlLedger(f"sqlite:///{quote(str(path))}", create=create, busy_timeout_s=0.05))
        return opened[-1]

    yield open_ledger
    for ledger in opened:
        await ledger.aclose()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that every user reaches."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Be bound by permissions; root is not."""
    before = os.geteuid()
    os.seteuid(before or NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


async def a_ledger(path: Path) -> None:
    """Make a ledger with two events."""
    ledger = SqlLedger(f"sqlite:///{path}")
    await ledger.append("system", [an_alert("one"), an_alert("two")], at=AT)
    await ledger.aclose()


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def only_the_lock_is_closed_to_others(folder: Path) -> Path:
    for file in files_in(folder):
        file.chmod(0 if file.suffix == ".lock" else 0o666)
    (lock,) = folder.glob("*.lock")
    return lock


def change(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(sql, values)


async def assert_unusable(ledger: SqlLedger, path: Path, why: str) -> LedgerError:
    """Every use fails with the same message, which names the file."""
    with pytest.raises(LedgerUnavailable, match=why) as caught:
        await ledger.executions()
    assert str(path) in str(caught.value)
    for use in (
        ledger.read("system"),
        ledger.append("system", [an_alert()], at=AT),
        ledger.claim(ACCOUNT, holder="test", at=AT),
        ledger.get_cursors("system"),
        ledger.set_cursors("system", {"log": 1}),
        ledger.behind("log"),
    ):
        with pytest.raises(LedgerUnavailable) as again:
            await use
        assert str(again.value) == str(caught.value)
    return caught.value


async def test_a_directory_is_no_ledger(open_ledger: Opener, tmp_path: Path) -> None:
    error = await assert_unusable(open_ledger(tmp_path), tmp_path, "it is a directory: set ledger.url")
    assert error.__cause__ is not None


async def test_a_missing_folder_is_named_and_not_made(open_ledger: Opener, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "ledger.db"
    await assert_unusable(open_ledger(path), path, f"there is no folder {path.parent}: make it")
    assert not path.parent.exists()


async def test_a_file_is_no_folder(open_ledger: Opener, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "ledger.db"
    await assert_unusable(open_ledger(path), path, "there is no folder")


async def test_a_place_where_no_file_can_be_made_is_named(open_ledger: Opener) -> None:
    path = Path("/proc/planfill.db")
    await assert_unusable(open_ledger(path), path, "it cannot be opened: allow")


@pytest.mark.parametrize("content", [b"not a database, but long enough for a header " * 9, b"short"])
async def test_a_file_of_something_else_is_left_as_it_is(
    open_ledger: Opener, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    await assert_unusable(open_ledger(path), path, "it is no database: set ledger.url")
    assert path.read_bytes() == content
    assert files_in(tmp_path) == [path]


async def test_a_database_of_something_else_is_left_as_it_is(open_ledger: Opener, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    change(path, "CREATE TABLE orders (id)")
    await assert_unusable(open_ledger(path), path, "database of something else, with tables orders")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("orders",)]


async def test_a_read_only_file_cannot_be_used(open_ledger: Opener, open_folder: Path) -> None:
    path = open_folder / "ledger.db"
    await a_ledger(path)
    path.chmod(0o444)
    with as_ordinary_user(), pytest.raises(LedgerUnavailable, match="cannot be written to: allow") as caught:
        await open_ledger(path).append("system", [an_alert()], at=AT)
    assert str(path) in str(caught.value)


async def test_an_unreadable_file_cannot_be_used(open_ledger: Opener, open_folder: Path) -> None:
    path = open_folder / "ledger.db"
    await a_ledger(path)
    path.chmod(0)
    with as_ordinary_user():
        await assert_unusable(open_ledger(path), path, "it cannot be opened: allow")


async def test_a_read_only_folder_cannot_be_used(open_ledger: Opener, open_folder: Path) -> None:
    path = open_folder / "ledger.db"
    path.parent.chmod(0o555)
    with as_ordinary_user():
        await assert_unusable(open_ledger(path), path, "it cannot be opened: allow")


async def test_a_folder_that_nobody_may_enter_cannot_be_used(open_ledger: Opener, open_folder: Path) -> None:
    (open_folder / "secret").mkdir(mode=0)
    path = open_folder / "secret" / "ledger.db"
    with as_ordinary_user():
        await assert_unusable(open_ledger(path), path, "it cannot be opened: allow")
        await assert_unusable(open_ledger(path, create=False), path, "Permission denied")


async def test_a_lock_file_of_somebody_else_is_named(open_ledger: Opener, open_folder: Path) -> None:
    path = open_folder / "ledger.db"
    await a_ledger(path)
    async with await open_ledger(path).claim(ACCOUNT, holder="root", at=AT):
        pass
    lock = only_the_lock_is_closed_to_others(open_folder)
    with as_ordinary_user(), pytest.raises(LedgerUnavailable, match="Permission denied") as caught:
        await open_ledger(path).claim(ACCOUNT, holder="ordinary", at=AT)
    assert str(lock) in str(caught.value)


async def test_another_writer_is_not_waited_for_without_end(open_ledger: Opener, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await a_ledger(path)
    ledger = open_ledger(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match="another program is writing to it"):
            await ledger.append("system", [an_alert("lost")], at=AT)
        assert len(await ledger.read("system")) == 2
        other.execute("ROLLBACK")
    await ledger.append("system", [an_alert("three")], at=AT)
    assert_chained(await ledger.read("system"), length=3)


async def test_a_new_file_that_another_program_holds_is_not_waited_for_without_end(
    open_ledger: Opener, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await assert_unusable(open_ledger(path), path, "another program is writing to it")


async def test_a_full_disk_stores_none_of_the_events(open_ledger: Opener, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path)
    await ledger.append("system", [an_alert("one")], at=AT)
    pragma(ledger, "max_page_count=20")
    with pytest.raises(LedgerUnavailable, match="the disk is full: free some space") as caught:
        await ledger.append("system", [an_alert("x" * 1000)] * 100, at=AT)
    assert str(path) in str(caught.value)
    assert caught.value.__cause__ is not None
    pragma(ledger, "max_page_count=1000000")
    await ledger.append("system", [an_alert("two")], at=AT)
    assert_chained(await ledger.read("system"), length=2)


async def test_a_file_that_is_removed_meanwhile_takes_nothing_more(
    open_ledger: Opener, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path)
    await ledger.append("system", [an_alert()], at=AT)
    path.unlink()
    await assert_unusable(ledger, path, "removed or replaced meanwhile: put it back")


async def test_a_file_that_is_replaced_meanwhile_takes_nothing_more(
    open_ledger: Opener, tmp_path: Path
) -> None:
    path, other = tmp_path / "ledger.db", tmp_path / "other.db"
    await a_ledger(other)
    ledger = open_ledger(path)
    await ledger.append("system", [an_alert()], at=AT)
    other.rename(path)
    await assert_unusable(ledger, path, "removed or replaced meanwhile: put it back")


async def test_a_damaged_file_is_not_used(open_ledger: Opener, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await a_ledger(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(LedgerUnavailable, match="it is damaged: restore it from a copy"):
        await open_ledger(path).read("system")


async def test_a_ledger_of_a_newer_version_is_left_as_it_is(open_ledger: Opener, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await a_ledger(path)
    change(path, "UPDATE ledger_version SET version_num = '0099'")
    with pytest.raises(
        LedgerTooNew, match=r"version 0099, this one knows 0\d+\): upgrade planfill"
    ) as caught:
        await open_ledger(path).claim(ACCOUNT, holder="test", at=AT)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value"),
    [("payload", "{}"), ("payload", b'{"kind": "\xff"}'), ("payload", 7), ("at", "yesterday"), ("at", 7)],
)
async def test_a_row_that_cannot_be_read_is_named(
    open_ledger: Opener, tmp_path: Path, column: str, value: object
) -> None:
    path = tmp_path / "ledger.db"
    await a_ledger(path)
    sql = f"UPDATE events SET {column} = CAST(? AS TEXT) WHERE number = 2"  # noqa: S608 - one of two names
    change(path, sql, value)
    ledger = open_ledger(path)
    with pytest.raises(LedgerCorrupt, match="event 2 of system cannot be read") as caught:
        await ledger.read("system")
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change_it", ["started_at = 'yesterday'", "stream = 'system'", "stream = 'x'"])
async def test_an_execution_that_cannot_be_listed_is_named(
    open_ledger: Opener, tmp_path: Path, change_it: str
) -> None:
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path)
    async with await ledger.claim(ACCOUNT, holder="test", at=AT) as claim:
        await ledger.append(an_execution(), [a_start()], at=AT, claim=claim)
    change(path, f"UPDATE streams SET {change_it}")  # noqa: S608 - from the list above
    with pytest.raises(LedgerCorrupt, match="cannot be read"):
        await ledger.executions()


async def test_an_end_that_is_not_the_end_stops_the_stream(open_ledger: Opener, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await a_ledger(path)
    change(path, "UPDATE streams SET number = 1")
    with pytest.raises(LedgerUnavailable, match="its tables contradict each other"):
        await open_ledger(path).append("system", [an_alert()], at=AT)


async def test_looking_makes_no_file(open_ledger: Opener, tmp_path: Path) -> None:
    for path in (tmp_path / "ledger.db", tmp_path / "missing" / "ledger.db"):
        ledger = open_ledger(path, create=False)
        assert await ledger.executions() == ()
        assert await ledger.read("system") == ()
        assert await ledger.get_cursors("system") == {}
        for write in (
            ledger.append("system", [an_alert()], at=AT),
            ledger.claim(ACCOUNT, holder="test", at=AT),
        ):
            with pytest.raises(LedgerUnavailable, match="there is none yet"):
                await write
    assert files_in(tmp_path) == []


async def test_who_looks_sees_a_ledger_that_is_made_later(open_ledger: Opener, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path, create=False)
    assert await ledger.read("system") == ()
    await a_ledger(path)
    assert len(await ledger.read("system")) == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "planfill.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///planfill.db?mode=ro",
        "sqlite:///planfill.db?",
        "sqlite+aiosqlite:///planfill.db",
        "sqlite://host/planfill.db",
        "postgresql://user:secret@host/name",
    ],
)
def test_a_url_that_names_no_sqlite_file_is_refused(url: str) -> None:
    with pytest.raises(
        LedgerUnavailable, match=r"names no SQLite file: write sqlite:///planfill\.db"
    ) as caught:
        SqlLedger(url)
    assert "secret" not in str(caught.value)


async def test_a_relative_path_stays_where_it_was(
    open_ledger: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = open_ledger(Path("a b%20?#é.db"))
    monkeypatch.chdir("/")
    await ledger.append("system", [an_alert()], at=AT)
    assert (tmp_path / "a b%20?#é.db").exists()


async def test_every_commit_is_on_the_disk_before_it_counts(open_ledger: Opener, tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "ledger.db")
    await ledger.executions()
    assert pragma(ledger, "journal_mode") == "wal"
    assert pragma(ledger, "synchronous") == 2
    assert pragma(ledger, "busy_timeout") == 50


async def test_a_closed_ledger_says_so(open_ledger: Opener, tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "ledger.db")
    claim = await ledger.claim(ACCOUNT, holder="test", at=AT)
    await ledger.aclose()
    with pytest.raises(LedgerUnavailable, match="closed"):
        await ledger.append("system", [an_alert()], at=AT, claim=claim)
    async with await open_ledger(tmp_path / "ledger.db").claim(ACCOUNT, holder="next", at=AT):
        await claim.__aexit__(None, None, None)
    await ledger.aclose()


def pragma(ledger: SqlLedger, name: str) -> object:
    connection = ledger._database._connection
    assert connection is not None
    with ledger._database.file.transaction(connection, writing=False):
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()
