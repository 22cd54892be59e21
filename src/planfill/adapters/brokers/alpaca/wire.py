"""Orders as Alpaca writes them, and what its words mean."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pydantic import ValidationError

from planfill.adapters.brokers.alpaca.transport import text_of
from planfill.domain.numerals import plain
from planfill.domain.order import Order, OrderType, Side, TimeInForce
from planfill.domain.report import ExecutionReport, Fill, OrderStatus
from planfill.domain.values import ZERO_SHARES, BrokerOrderId, ClientOrderId, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every status that alpaca-py knows; a test compares. Of the rare ones Alpaca says that the order still works.
STATUSES: Final[dict[str, OrderStatus]] = {
    "new": OrderStatus.NEW,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "done_for_day": OrderStatus.DONE_FOR_DAY,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "replaced": OrderStatus.REPLACED,
    "pending_cancel": OrderStatus.PENDING_CANCEL,
    "pending_replace": OrderStatus.PENDING_REPLACE,
    "pending_review": OrderStatus.PENDING_NEW,
    "accepted": OrderStatus.PENDING_NEW,
    "pending_new": OrderStatus.PENDING_NEW,
    "accepted_for_bidding": OrderStatus.NEW,
    "stopped": OrderStatus.NEW,
    "rejected": OrderStatus.REJECTED,
    "suspended": OrderStatus.SUSPENDED,
    "calculated": OrderStatus.NEW,
    "held": OrderStatus.NEW,
}
_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
SIDE: Final = {Side.BUY: "buy", Side.SELL: "sell"}
_TYPE: Final = {OrderType.MARKET: "market", OrderType.LIMIT: "limit"}
_TIME_IN_FORCE: Final = {TimeInForce.DAY: "day"}


class Unreadable(ValueError):
    """What Alpaca answered is not what it documents. It does not say whether there is an order."""


def body_of(order: Order) -> dict[str, str | bool]:
    """Write an order; numbers are strings, so that none of them passes through a float."""
    body: dict[str, str | bool] = {
        "symbol": order.symbol,
        "side": SIDE[order.side],
        "type": _TYPE[order.order_type],
        "time_in_force": _TIME_IN_FORCE[order.time_in_force],
        "client_order_id": order.client_order_id,
        "extended_hours": order.extended_hours,
    }
    numbers = {"qty": order.quantity, "notional": order.notional, "limit_price": order.limit_price}
    return body | {name: plain(number) for name, number in numbers.items() if number is not None}


def report_of(answer: object) -> ExecutionReport:
    """
    Read what Alpaca says of one order.

    Raises:
        Unreadable: It has no id, or something else that it must have.

    """
    try:
        order = _object(answer)
        return ExecutionReport(
            client_order_id=ClientOrderId(_text(order, "client_order_id")),
            broker_order_id=_id(order, "id"),
            symbol=_text(order, "symbol"),
            side=_SIDES[_text(order, "side")],
            status=STATUSES.get(_text(order, "status"), OrderStatus.UNKNOWN),
            filled_quantity=Quantity(_number(order, "filled_qty") or ZERO_SHARES),
            average_price=_price(order, "filled_avg_price"),
            replaced_by=_id(order, "replaced_by") if order.get("replaced_by") else None,
            reported_at=_time(order, "updated_at"),
            raw=text_of(answer),
        )
    except (KeyError, InvalidOperation, ValidationError, ValueError) as e:
        msg = f"no order that can be read: {text_of(answer)[:200]}"
        raise Unreadable(msg) from e


def reports_of(answer: object) -> list[ExecutionReport]:
    """
    Read a list of orders; those that cannot be read (others', of other kinds) are passed over.

    Raises:
        Unreadable: It is no list.

    """
    reports = []
    for one in list_of(answer):
        try:
            reports.append(report_of(one))
        except Unreadable:
            continue
    return reports


def fill_of(answer: object) -> Fill:
    """
    Read one activity of the kind ``FILL``.

    Raises:
        Unreadable: Something is missing.

    """
    try:
        fill = _object(answer)
        return Fill(
            fill_id=_text(fill, "id"),
            broker_order_id=_id(fill, "order_id"),
            symbol=_text(fill, "symbol"),
            side=_SIDES[_text(fill, "side").removesuffix("_short")],
            quantity=Quantity(_needed(fill, "qty")),
            price=Price(_needed(fill, "price")),
            filled_at=_time(fill, "transaction_time"),
        )
    except (KeyError, InvalidOperation, ValidationError, ValueError) as e:
        msg = f"no fill that can be read: {text_of(answer)[:200]}"
        raise Unreadable(msg) from e


def list_of(answer: object) -> list[Any]:
    """Read a list; raises ``Unreadable`` where it is none."""
    if not isinstance(answer, list):
        msg = f"no list: {text_of(answer)[:200]}"
        raise Unreadable(msg)
    return answer


def amount(record: Mapping[str, Any], name: str) -> Decimal | None:
    """Read a number that may be missing; raises ``Unreadable`` where it is something else."""
    try:
        return _number(record, name)
    except (InvalidOperation, ValueError) as e:
        msg = f"{name} is {record.get(name)!r}"
        raise Unreadable(msg) from e


def moment(record: Mapping[str, Any], name: str) -> datetime:
    """Read a time with its zone; raises ``Unreadable`` where there is none."""
    try:
        return _time(record, name)
    except (KeyError, ValueError) as e:
        msg = f"{name} is {record.get(name)!r}"
        raise Unreadable(msg) from e


def _object(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        msg = "no JSON object"
        raise Unreadable(msg)
    return answer


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record[name]
    if not isinstance(value, str) or not value:
        msg = f"{name} is {value!r}"
        raise Unreadable(msg)
    return value


def _id(record: Mapping[str, Any], name: str) -> BrokerOrderId:
    return BrokerOrderId(str(UUID(_text(record, name))))


def _number(record: Mapping[str, Any], name: str) -> Decimal | None:
    value = record.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        msg = f"{name} is {value!r}"
        raise Unreadable(msg)
    number = Decimal(value)
    if not number.is_finite():
        msg = f"{name} is {value!r}"
        raise Unreadable(msg)
    return number


def _needed(record: Mapping[str, Any], name: str) -> Decimal:
    number = _number(record, name)
    if number is None:
        msg = f"{name} is missing"
        raise Unreadable(msg)
    return number


def _price(record: Mapping[str, Any], name: str) -> Price | None:
    """Read a price; 0 and nothing stand for one that is not known yet."""
    number = _number(record, name)
    return Price(number) if number else None


def _time(record: Mapping[str, Any], name: str) -> datetime:
    at = datetime.fromisoformat(_text(record, name))
    if at.tzinfo is None:
        msg = f"{name} has no zone"
        raise Unreadable(msg)
    return at
