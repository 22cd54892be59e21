"""What stands at the exchange and in the ledger after a run, and what of it a crash must not change."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from planfill.adapters.brokers.mock.exchange import Exchange
from planfill.adapters.brokers.mock.ticket import Ticket
from planfill.adapters.ledgers.memory import MemoryStore
from planfill.domain.chain import GENESIS, link
from planfill.domain.outcome import Reason
from planfill.domain.result import ExecutionResult


class BookOrder(NamedTuple):
    """An order as the exchange has it; numbers as Decimal, so that 1 and 1.0 are equal."""

    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    status: str
    filled: Decimal
    paid_usd: Decimal
    fills: tuple[tuple[Decimal, Decimal], ...]


class Book(NamedTuple):
    """What stands at the exchange: its orders, whom it refused, positions and cash."""

    orders: tuple[BookOrder, ...]
    refused: frozenset[str]
    positions: dict[str, Decimal]
    cash_usd: Decimal

    @staticmethod
    def in_file(path: Path) -> Book:
        """Look into the file of the exchange, past all code of ours."""
        with closing(sqlite3.connect(path)) as db:
            found = db.execute(
                "SELECT broker_order_id, client_order_id, symbol, side, json_extract(terms, '$.quantity'), "
                "status, filled, paid_usd, refusal FROM orders ORDER BY number"
            ).fetchall()
            fills = db.execute(
                "SELECT broker_order_id, quantity, price FROM fills ORDER BY number"
            ).fetchall()
            positions = db.execute("SELECT symbol, quantity FROM positions").fetchall()
            (cash,) = db.execute("SELECT cash_usd FROM account").fetchone()
        return _book(found, fills, positions, cash)

    @staticmethod
    def in_memory(exchange: Exchange) -> Book:
        """Look into an exchange that has no file."""
        blotter, balances = exchange.blotter, exchange.balances

        def row(ticket: Ticket) -> tuple[object, ...]:
            order, quantity = ticket.order, ticket.order.quantity
            words = (order.client_order_id, order.symbol, order.side.value, quantity, ticket.status.value)
            return (ticket.broker_order_id, *words, ticket.filled, ticket.paid_usd, ticket.refusal)

        fills = [(trade.broker_order_id, trade.quantity, trade.price) for trade in blotter.trades]
        return _book(map(row, blotter.tickets), fills, balances.shares.items(), balances.cash_usd)


def _book(
    orders: Iterable[Sequence[Any]],
    fills: Iterable[Sequence[Any]],
    positions: Iterable[tuple[str, Any]],
    cash: object,
) -> Book:
    steps: dict[str, list[tuple[Decimal, Decimal]]] = {}
    for broker_order_id, quantity, price in fills:
        steps.setdefault(broker_order_id, []).append((Decimal(quantity), Decimal(price)))
    taken, refused = [], set()
    for broker_order_id, name, symbol, side, quantity, status, filled, paid, refusal in orders:
        if refusal:
            refused.add(name)
            continue
        own = tuple(steps.get(broker_order_id, ()))
        one = BookOrder(name, symbol, side, Decimal(quantity), status, Decimal(filled), Decimal(paid), own)
        taken.append(one)
    held = {symbol: Decimal(shares) for symbol, shares in positions if Decimal(shares)}
    return Book(tuple(sorted(taken)), frozenset(refused), held, Decimal(str(cash)))


class LedgerRow(NamedTuple):
    """One event as the ledger stores it."""

    stream: str
    number: int
    at: str
    hash: str
    payload: str


def rows_in_file(path: Path) -> tuple[list[LedgerRow], dict[str, str]]:
    """Read all events and the head of each stream, past all code of ours."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT stream, number, at, hash, payload FROM events ORDER BY stream, number")
        rows = [LedgerRow(*row) for row in found]
        heads = dict(db.execute("SELECT stream, head FROM streams").fetchall())
    return rows, heads


def rows_in_memory(store: MemoryStore) -> tuple[list[LedgerRow], dict[str, str]]:
    """Read all events of a ledger in memory."""
    rows = [
        LedgerRow(name, row.number, row.at, row.hash, row.payload)
        for name, stream in sorted(store.streams.items())
        for row in stream.rows
    ]
    return rows, {name: stream.head for name, stream in store.streams.items()}


def check_chains(rows: Iterable[LedgerRow], heads: dict[str, str]) -> None:
    """Recompute the chain of every stream, from its beginning to the head that is kept of it."""
    ends = dict.fromkeys(heads, (0, GENESIS))
    for row in rows:
        number, head = ends[row.stream]
        assert row.number == number + 1, f"{row.stream}: event {row.number} follows {number}"
        assert row.hash == link(head, row.stream, row.number, row.at, row.payload), row
        ends[row.stream] = (row.number, row.hash)
    assert {stream: head for stream, (_, head) in ends.items()} == heads


class Outcome(NamedTuple):
    """What a crash must not change."""

    result: dict[str, Any]
    book: Book

    def __str__(self) -> str:
        return json.dumps([self.result, self.book], default=str, indent=1)


# What is not compared, and why; anything else that differs is a fault.
_TIMES: Final = frozenset(
    {
        # A run that crashed ends later; one that crashed before its first commit also starts anew.
        "started_at",
        "finished_at",
        # The hash of the last record: that has a time in it, and a crash leaves a record of its own.
        "ledger_head",
    }
)
_NUMBERING: Final = frozenset(
    {
        # The exchange numbers orders as they come, and what is sent again comes later. That the number is
        # the one under which the exchange has the order of this name, ``outcome`` checks.
        "broker_order_id",
    }
)


def outcome(
    result: ExecutionResult, book: Book, numbers: dict[str, str], rows: Iterable[LedgerRow]
) -> Outcome:
    """
    Give what must be equal with and without a crash: everything that is said, and everything that is.

    Of the result all but the times and the numbering above. Of the exchange: every order under its name,
    with its terms, its end and its fills step by step, none twice; who was refused (how often does not
    matter: an exchange without unique ids is asked again whenever the answer was lost, and a refusal
    leaves nothing behind); positions; and cash to the last digit. Times and deadlines of orders are not
    compared: an order that is sent after the crash has a quote and a deadline of its own.

    One word of the result may differ. Where the process dies after the exchange has taken its cancel and
    before that is recorded, the ledger does not know who canceled: the reason is CANCELED, not DEADLINE.
    """
    names = [order.client_order_id for order in book.orders]
    assert len(set(names)) == len(names), f"an order stands twice at the exchange: {names}"
    told = result.model_dump(mode="json", exclude=set(_TIMES))
    canceled = {event["client_order_id"] for event in _events(rows) if event["kind"] == "cancel_requested"}
    for line in told["lines"]:
        name = line["client_order_id"]
        if name in names:
            assert line["broker_order_id"] == numbers[name], line
        if line["reason"] == Reason.CANCELED and name not in canceled:
            line["reason"] = Reason.DEADLINE.value
        for field in _NUMBERING:
            del line[field]
    return Outcome(told, book)


def _events(rows: Iterable[LedgerRow]) -> list[dict[str, Any]]:
    return [json.loads(row.payload) for row in rows if row.stream.startswith("execution/")]


def difference(found: Outcome, expected: Outcome) -> str:
    """Say in what an outcome differs."""
    pairs = zip(str(found).splitlines(), str(expected).splitlines(), strict=False)
    return "; ".join(f"{one.strip()} instead of {other.strip()}" for one, other in pairs if one != other)


def numbers_in_file(path: Path) -> dict[str, str]:
    """Read under which number the exchange has the order of each name."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT client_order_id, broker_order_id FROM orders WHERE refusal = ''")
        return dict(found.fetchall())


def check_record(rows: Sequence[LedgerRow], told: Iterable[int]) -> None:
    """Check that no order was recorded twice, and that the listener was told of every event."""
    recorded = [e["order"]["client_order_id"] for e in _events(rows) if e["kind"] == "order_recorded"]
    assert len(set(recorded)) == len(recorded), f"an order was recorded twice: {recorded}"
    assert set(told) == {row.number for row in rows if row.stream.startswith("execution/")}
