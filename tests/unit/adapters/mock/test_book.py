"""The book in its file: what one process does, every other sees."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from planfill.adapters.brokers.mock import MockBroker, MockSettings, Script, brokerage, rehearsal
from planfill.adapters.brokers.mock.faults import RejectLate
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.brokers.mock.sqlite_book import SqliteBook
from planfill.domain.errors import (
    BrokerUnavailable,
    InsufficientFundsError,
    OrderConflict,
    SettingsError,
)
from planfill.domain.order import Order, Side
from planfill.domain.report import OrderStatus
from planfill.domain.values import Quantity
from planfill.testing.clock import START, VirtualClock
from planfill.testing.venue import a_new_order

Mock = Callable[..., MockBroker]

# Places two orders, the second of them still working, and dies of SIGKILL in the middle of a third.
_VICTIM = """
import asyncio, os, signal, sys
from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.brokers.mock.exchange import Exchange
from planfill.testing.clock import VirtualClock
from planfill.testing.venue import a_new_order

async def main():
    settings = MockSettings(prices={"SPY": "100"}, book=sys.argv[1], cash=1000, holdings={})
    broker = MockBroker(settings, VirtualClock())
    await broker.place_order(a_new_order("SPY", "1.5", name="pf-1"))
    broker.desk.hold_fills()
    await broker.place_order(a_new_order("SPY", "2", name="pf-2"))
    place = Exchange.place
    def die(*arguments):
        place(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    Exchange.place = die
    await broker.place_order(a_new_order("SPY", "3", name="pf-3"))

asyncio.run(main())
"""

# Places the orders that everybody places, and as many of its own.
_RIVAL = """
import asyncio, json, sys
from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.testing.clock import VirtualClock
from planfill.testing.venue import a_new_order

async def main():
    settings = MockSettings(prices={"SPY": "100"}, book=sys.argv[1], cash=100000, holdings={})
    broker = MockBroker(settings, VirtualClock())
    ids = []
    for number in range(25):
        shared = await broker.place_order(a_new_order("SPY", "1", name=f"pf-shared-{number}"))
        await broker.place_order(a_new_order("SPY", "1", name=f"pf-{sys.argv[2]}-{number}"))
        ids.append(shared.broker_order_id)
    print(json.dumps(ids))

asyncio.run(main())
"""


def _table(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE ledger (number INTEGER)")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.db"


async def test_another_object_sees_all_of_it(mock: Mock, path: Path, clock: VirtualClock) -> None:
    first = mock(book=path, fill_delay_s=5, partial_fills=1, fee_bps=1, proceeds_delay_s=60)
    orders = [
        a_new_order("QQQ", "3"),
        a_new_order("SPY", "2.5", side=Side.SELL),
        a_new_order("KO", "9", limit=Decimal("0.4")),
        a_new_order("SPY", "1", side=Side.SELL, limit=Decimal(500)),
    ]
    for order in orders:
        await first.place_order(order)
    with pytest.raises(InsufficientFundsError):
        await first.place_order(a_new_order("QQQ", "5000"))
    await clock.sleep(5)
    await first.wait(0)
    second = mock(book=path, fill_delay_s=5, partial_fills=1, fee_bps=1, proceeds_delay_s=60)
    assert await second.list_orders(START) == await first.list_orders(START)
    assert await second.list_fills(START) == await first.list_fills(START)
    assert await second.get_account() == await first.get_account()
    assert await second.get_sellable(["SPY", "QQQ"]) == await first.get_sellable(["SPY", "QQQ"])
    await clock.sleep(100)
    assert await second.get_account() == await first.get_account()
    assert second.desk.cash() == first.desk.cash() != 1000
    assert (await second.get_order_status(orders[0].client_order_id)).is_terminal


async def test_two_at_once_see_each_other_at_every_call(mock: Mock, path: Path) -> None:
    one, other = mock(book=path), mock(book=path)
    order = a_new_order("SPY", "2", limit=Decimal(90))
    placed = await one.place_order(order)
    assert (await other.place_order(order)).broker_order_id == placed.broker_order_id
    with pytest.raises(OrderConflict):
        await other.place_order(a_new_order("SPY", "3", name=order.client_order_id))
    await other.cancel_order(order.client_order_id)
    assert (await one.get_order_status(order.client_order_id)).status is OrderStatus.CANCELED
    assert (await one.get_account()).open_buys_usd == 0
    await one.place_order(a_new_order("SPY", "10", side=Side.SELL))
    assert await other.get_sellable(["SPY"]) == {}


async def test_a_refusal_is_remembered_by_every_process(mock: Mock, path: Path) -> None:
    order = a_new_order("SPY", "11")
    for _ in range(2):
        with pytest.raises(InsufficientFundsError, match=r"1100\.00 needed"):
            await mock(book=path).place_order(order)
        await mock(book=path).place_order(a_new_order("SPY", "5", side=Side.SELL))


async def test_what_a_script_did_to_an_order_holds_in_every_process(
    mock: Mock, path: Path, clock: VirtualClock
) -> None:
    order = a_new_order("SPY")
    await mock(Script(On("place_order", RejectLate("halted"))), book=path, fill_delay_s=1).place_order(order)
    await clock.sleep(1)
    assert (await mock(book=path).get_order_status(order.client_order_id)).raw == "halted"


async def test_a_killed_process_leaves_its_orders_and_no_half_of_one(mock: Mock, path: Path) -> None:
    command = [sys.executable, "-c", _VICTIM, str(path)]
    victim = await anyio.run_process(command, check=False, env=_environment())
    assert victim.returncode == -signal.SIGKILL
    survivor = mock(book=path, prices={"SPY": "100"}, holdings="plan", cash=None)
    reports = {one.client_order_id: one for one in await survivor.list_orders(START)}
    assert reports.keys() == {"pf-1", "pf-2"}
    assert [one.status for one in reports.values()] == [OrderStatus.FILLED, OrderStatus.NEW]
    assert survivor.desk.positions() == {"SPY": Decimal("1.5")}
    survivor.desk.let_fill("SPY")
    assert survivor.desk.positions() == {"SPY": Decimal("3.5")}
    assert survivor.desk.cash() == 1000 - Decimal("1.5") * Decimal("100.0201") - 2 * 100


def test_processes_that_begin_at_once_share_one_book(mock: Mock, path: Path) -> None:
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", _RIVAL, str(path), str(number)],
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        for number in range(4)
    ]
    ids = [json.loads(rival.communicate(timeout=60)[0]) for rival in rivals]
    assert ids == [ids[0]] * 4
    broker = mock(book=path, prices={"SPY": "100"})
    assert broker.desk.positions() == {"SPY": 125}
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT count(*), count(DISTINCT client_order_id) FROM orders").fetchone()
    db.close()
    assert rows == (125, 125)


async def test_only_what_has_changed_is_written(mock: Mock, path: Path) -> None:
    broker = mock(book=path)
    await broker.place_order(a_new_order("SPY"))
    await broker.place_order(a_new_order("QQQ"))
    await broker.list_orders(START)
    await broker.cancel_order((await broker.list_orders(START))[0].client_order_id)
    db = sqlite3.connect(path)
    versions = [
        [row[0] for row in db.execute(f"SELECT version FROM {table} ORDER BY 1")]  # noqa: S608 - ours
        for table in ("account", "positions", "orders", "fills")
    ]
    db.close()
    # 1 opens the account, 2 and 3 are the two orders.
    assert versions == [[3], [2, 3], [2, 3], [2, 3]]


async def test_a_position_that_is_gone_is_gone_for_all(mock: Mock, path: Path) -> None:
    one, other = mock(book=path), mock(book=path)
    await one.place_order(a_new_order("SPY", "10", side=Side.SELL))
    assert other.desk.positions() == {}
    assert mock(book=path).desk.positions() == {}


async def test_a_bug_in_the_middle_of_an_operation_leaves_no_trace(mock: Mock, path: Path) -> None:
    broker = mock(book=path)
    broker.desk.hold_fills()
    heard: list[str] = []
    broker.desk.on_change(lambda: heard.append("something"))

    def blunder() -> None:
        with broker.desk.book.change() as exchange:
            exchange.place(a_new_order("SPY"), START)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        blunder()
    assert await broker.list_orders(START) == []
    assert (await broker.get_account()).open_buys_usd == 0
    assert (await broker.place_order(a_new_order("SPY"))).status is OrderStatus.NEW
    broker.desk.let_fill("SPY")
    assert heard


async def test_a_book_that_cannot_be_used_any_more_is_a_broker_that_cannot_be_reached(
    mock: Mock, path: Path
) -> None:
    broker = mock(book=path)
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE orders")
    db.close()
    order: Order = a_new_order("SPY")
    with pytest.raises(BrokerUnavailable, match="no such table"):
        await broker.place_order(order)
    with pytest.raises(BrokerUnavailable, match="no such table"):
        await broker.get_order_status(order.client_order_id)


async def test_a_connection_that_is_gone_is_a_broker_that_cannot_be_reached(mock: Mock, path: Path) -> None:
    broker = mock(book=path)
    book = broker.desk.book
    assert isinstance(book, SqliteBook)
    book._db.close()
    with pytest.raises(BrokerUnavailable, match="closed"):
        await broker.get_account()
    with pytest.raises(BrokerUnavailable, match="closed"):
        await broker.place_order(a_new_order("SPY"))


async def test_a_step_that_was_read_twice_fills_once(mock: Mock, path: Path, clock: VirtualClock) -> None:
    one, other = (mock(book=path, fill_delay_s=5, partial_fills=1) for _ in range(2))
    # The name decides how much the first of two steps fills: of some names it is all but the share below.
    order = a_new_order("SPY", "10", name="pf-in-two-steps-1")
    placed = await one.place_order(order)
    other.desk.let_fill("SPY", Quantity(Decimal(1)))
    await clock.sleep(5)
    report = await one.get_order_status(order.client_order_id)
    assert placed.filled_quantity < report.filled_quantity < 10
    assert len(await one.list_fills(START)) == 2


async def test_a_book_that_cannot_be_written_places_nothing(mock: Mock, path: Path) -> None:
    broker = mock(book=path)
    db = sqlite3.connect(path)
    db.execute("CREATE TRIGGER full BEFORE INSERT ON fills BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    order = a_new_order("SPY")
    with pytest.raises(BrokerUnavailable, match="disk full"):
        await broker.place_order(order)
    db.execute("DROP TRIGGER full")
    db.close()
    assert await broker.list_orders(START) == []
    assert broker.desk.positions() == {"SPY": 10}
    assert (await broker.place_order(order)).is_terminal


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_text("not a book" * 100), "not a database"),
        (_table, "no book of this version"),
        (lambda path: _table(path, "PRAGMA user_version = 99"), "no book of this version"),
    ],
    ids=["folder", "text", "another database", "another version"],
)
def test_what_is_no_book_is_refused_and_left_alone(
    mock: Mock, path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(SettingsError) as refusal:
        mock(book=path)
    (problem,) = refusal.value.problems
    assert problem.path == "mock.book"
    assert message in problem.message
    assert before == (path.read_bytes() if path.is_file() else b"")


def test_a_folder_in_which_nothing_can_be_made_is_refused(mock: Mock, path: Path) -> None:
    path.symlink_to(path.parent / "no folder" / "book.db")
    with pytest.raises(SettingsError) as refusal:
        mock(book=path)
    (problem,) = refusal.value.problems
    assert problem.path == "mock.book"
    assert "unable to open database file; allow writing to its folder" in problem.message


def test_a_book_in_a_folder_that_is_not_there_is_refused(mock: Mock, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no folder"):
        mock(book=tmp_path / "nowhere" / "book.db")


async def test_a_rehearsal_sees_the_book_and_leaves_it_as_it_is(mock: Mock, path: Path) -> None:
    broker = mock(book=path)
    await broker.place_order(a_new_order("SPY", "1"))
    settings = MockSettings(prices={"SPY": "100"}, book=path)
    family = rehearsal(settings, VirtualClock())
    await family.broker.place_order(a_new_order("SPY", "2"))
    assert await family.account.get_sellable(["SPY"]) == {"SPY": 13}
    assert broker.desk.positions() == {"SPY": Quantity(Decimal(11))}


async def test_the_plugin_builds_the_family_on_the_book(mock: Mock, path: Path) -> None:
    settings = MockSettings(prices={"SPY": "100"}, book=path, cash=Decimal(500), holdings={})
    family = brokerage(settings, VirtualClock())
    await family.broker.place_order(a_new_order("SPY", "2"))
    assert mock(book=path).desk.positions() == {"SPY": 2}
    assert (await family.account.get_account()).key.number == "MOCK-1"


def test_a_rehearsal_makes_no_file(path: Path) -> None:
    rehearsal(MockSettings(prices={"SPY": "100"}, book=path), VirtualClock())
    assert not path.exists()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
