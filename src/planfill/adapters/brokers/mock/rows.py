"""The exchange as rows: what has changed is written, what others changed is read."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from planfill.adapters.brokers.mock.ticket import Ticket, Trade
from planfill.domain.order import Order, Side
from planfill.domain.report import OrderStatus
from planfill.domain.values import BrokerOrderId, Money, Price, Quantity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from planfill.adapters.brokers.mock.balances import Balances
    from planfill.adapters.brokers.mock.exchange import Exchange

LAYOUT: Final = 1
# Numbers and times as text, for who looks in with sqlite3; the first column is the key, and each row ends
# with the version in which it last changed.
_TABLES: Final = {
    "account": ("one", "opened", "cash_usd", "coming", "sold_on", "sold_usd"),
    "positions": ("symbol", "quantity"),
    "orders": (
        "number", "broker_order_id", "client_order_id", "symbol", "side", "status", "filled", "paid_usd",
        "fees_usd", "accepted_at", "changed_at", "due_at", "visible_at", "expires_at", "steps", "rests",
        "first_step", "at_most", "reserve_price", "doom", "refusal", "why", "raw", "terms",
    ),
    "fills": (
        "number", "fill_id", "broker_order_id", "symbol", "side", "quantity", "price", "fees_usd",
        "filled_at",
    ),
}  # fmt: skip
_SELECT: Final = {
    table: f"SELECT {', '.join(columns)} FROM {table} WHERE version > ? ORDER BY 1"  # noqa: S608 - our names
    for table, columns in _TABLES.items()
}
_WRITE: Final = {
    table: f"INSERT OR REPLACE INTO {table} VALUES ({'?, ' * len(columns)}?)"  # noqa: S608 - our names
    for table, columns in _TABLES.items()
}


def layout(db: sqlite3.Connection) -> int | None:
    """Tell which layout the tables have, making them in an empty file; None where it is no book."""
    db.execute("BEGIN IMMEDIATE")
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if found == 0 and empty:
        for table, columns in _TABLES.items():
            db.execute(f"CREATE TABLE {table} ({columns[0]} PRIMARY KEY, {', '.join(columns[1:])}, version)")
            db.execute(f"CREATE INDEX {table}_changed ON {table} (version)")
        db.execute(f"PRAGMA user_version = {LAYOUT}")
        found = LAYOUT
    db.execute("COMMIT")
    return found or None


def version(db: sqlite3.Connection) -> int:
    """Tell the number of the last change; 0 before the first."""
    row = db.execute("SELECT version FROM account").fetchone()
    return int(row[0]) if row else 0


def load(db: sqlite3.Connection, exchange: Exchange, *, after: int) -> None:
    """Read what has changed after a version."""

    def changed(table: str) -> Iterable[tuple[Any, ...]]:
        return db.execute(_SELECT[table], (after,))

    balances, blotter = exchange.balances, exchange.blotter
    for row in changed("account"):
        _take_account(balances, row)
    for symbol, quantity in changed("positions"):
        balances.shares[symbol] = Quantity(Decimal(quantity))
        if not balances.shares[symbol]:
            del balances.shares[symbol]
    for row in changed("orders"):
        exchange.restore(_ticket(row))
    blotter.trades.extend(_trade(row) for row in changed("fills"))
    blotter.all_saved()
    balances.all_saved()
    blotter.stir()


def save(db: sqlite3.Connection, exchange: Exchange, version: int) -> bool:
    """Write what has changed as a new version; tell whether anything has."""
    balances, blotter = exchange.balances, exchange.blotter
    tickets, trades = blotter.unsaved()
    if not (tickets or trades or balances.changed):
        return False
    db.execute(_WRITE["account"], (*_account_row(balances), version))
    db.executemany(
        _WRITE["positions"],
        [(symbol, str(balances.shares.get(symbol, 0)), version) for symbol in balances.unsaved],
    )
    db.executemany(_WRITE["orders"], [(*_order_row(ticket), version) for ticket in tickets])
    db.executemany(_WRITE["fills"], [(*_trade_row(number, trade), version) for number, trade in trades])
    blotter.all_saved()
    balances.all_saved()
    return True


def _account_row(balances: Balances) -> tuple[object, ...]:
    coming = json.dumps([(at.isoformat(), str(usd)) for at, usd in balances.coming])
    sold_on = balances.sold_on.isoformat() if balances.sold_on else None
    return 1, balances.opened, str(balances.cash_usd), coming, sold_on, str(balances.sold_usd)


def _take_account(balances: Balances, row: tuple[Any, ...]) -> None:
    _, opened, cash_usd, coming, sold_on, sold_usd = row
    balances.opened = bool(opened)
    balances.cash_usd = Money(Decimal(cash_usd))
    balances.coming = [(datetime.fromisoformat(at), Money(Decimal(usd))) for at, usd in json.loads(coming)]
    balances.sold_on = date.fromisoformat(sold_on) if sold_on else None
    balances.sold_usd = Money(Decimal(sold_usd))


def _order_row(ticket: Ticket) -> tuple[object, ...]:
    order = ticket.order
    return (
        ticket.number,
        ticket.broker_order_id,
        order.client_order_id,
        order.symbol,
        order.side.value,
        ticket.status.value,
        str(ticket.filled),
        str(ticket.paid_usd),
        str(ticket.fees_usd),
        ticket.accepted_at.isoformat(),
        ticket.changed_at.isoformat(),
        _text(ticket.due_at),
        _text(ticket.visible_at),
        _text(ticket.expires_at),
        ticket.steps,
        ticket.rests,
        _text(ticket.first_step),
        _text(ticket.at_most),
        str(ticket.reserve_price),
        ticket.doom,
        ticket.refusal,
        ticket.why,
        ticket.raw,
        order.model_dump_json(),
    )


def _ticket(row: tuple[Any, ...]) -> Ticket:
    value = dict(zip(_TABLES["orders"], row, strict=True))
    return Ticket(
        number=value["number"],
        broker_order_id=BrokerOrderId(value["broker_order_id"]),
        order=Order.model_validate_json(value["terms"]),
        accepted_at=datetime.fromisoformat(value["accepted_at"]),
        changed_at=datetime.fromisoformat(value["changed_at"]),
        status=OrderStatus(value["status"]),
        filled=Quantity(Decimal(value["filled"])),
        paid_usd=Money(Decimal(value["paid_usd"])),
        fees_usd=Money(Decimal(value["fees_usd"])),
        steps=value["steps"],
        due_at=_time(value["due_at"]),
        visible_at=_time(value["visible_at"]),
        expires_at=_time(value["expires_at"]),
        rests=bool(value["rests"]),
        first_step=_quantity(value["first_step"]),
        at_most=_quantity(value["at_most"]),
        reserve_price=Price(Decimal(value["reserve_price"])),
        doom=value["doom"],
        refusal=value["refusal"],
        why=value["why"],
        raw=value["raw"],
    )


def _trade_row(number: int, trade: Trade) -> tuple[object, ...]:
    return (
        number,
        trade.fill_id,
        trade.broker_order_id,
        trade.symbol,
        trade.side.value,
        str(trade.quantity),
        str(trade.price),
        str(trade.fees_usd),
        trade.filled_at.isoformat(),
    )


def _trade(row: tuple[Any, ...]) -> Trade:
    _, fill_id, broker_order_id, symbol, side, quantity, price, fees_usd, filled_at = row
    return Trade(
        fill_id=fill_id,
        broker_order_id=BrokerOrderId(broker_order_id),
        symbol=symbol,
        side=Side(side),
        quantity=Quantity(Decimal(quantity)),
        price=Price(Decimal(price)),
        fees_usd=Money(Decimal(fees_usd)),
        filled_at=datetime.fromisoformat(filled_at),
    )


def _text(value: datetime | Decimal | None) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _quantity(text: str | None) -> Quantity | None:
    return Quantity(Decimal(text)) if text else None
