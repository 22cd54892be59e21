"""IB's lists of today's orders."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from ib_async.contract import Contract
from ib_async.order import Order
from loguru import logger

from planfill.adapters.brokers.ib.asked import COMPLETED, OPEN, Listed, Told
from planfill.adapters.brokers.ib.contracts import symbol_of
from planfill.adapters.brokers.ib.fills import STOCK, Trade, read_trades
from planfill.adapters.brokers.ib.numbers import number
from planfill.adapters.brokers.ib.outcomes import STATUSES
from planfill.adapters.brokers.ib.seen import Seen
from planfill.domain.identity import stem_in
from planfill.domain.order import Side
from planfill.domain.report import TERMINAL, ExecutionReport, OrderStatus
from planfill.domain.values import ZERO_USD, Money, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from planfill.adapters.brokers.ib.connection import Connection

SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}


class Working(NamedTuple):
    """An order that may yet trade, and for how much."""

    contract: Contract
    order: Order
    left: Decimal


async def look(connection: Connection, now: datetime) -> list[Seen]:
    """
    Read what is open, what has ended today, and today's fills; shares of the account only.

    In this order: an order that ends meanwhile, or fills, is in a later list.

    Raises:
        Lost, Refused, ValueError: It is not known what there is.

    """
    client = connection.client
    working: list[Listed] = await connection.unnumbered(OPEN, client.reqAllOpenOrders)
    stood = [_open(connection, one) for one in working if _is_ours(connection, one)]
    ended: list[Listed] = await connection.unnumbered(
        COMPLETED,
        lambda: client.reqCompletedOrders(False),  # noqa: FBT003 - ib_async's: also those placed by hand
    )
    trades = await read_trades(connection, now)
    words = {told.perm_id: told for told in connection.inbox.orders.values() if told.perm_id}
    found = {one.perm_id: one for one in stood if one.perm_id}
    # What has no number of IB's cannot be told to be the same as anything else.
    unnumbered = [one for one in stood if not one.perm_id]
    for one in ended:
        if _is_ours(connection, one):
            seen = _completed(one, words)
            if seen.perm_id:
                found[seen.perm_id] = seen
            else:
                unnumbered.append(seen)
    for trade in trades:
        known = found.get(trade.perm_id) if trade.perm_id else None
        seen = _traded(trade, words) if known is None else replace(known, trade=trade)
        if seen.perm_id:
            found[seen.perm_id] = seen
        else:
            unnumbered.append(seen)
    return [*found.values(), *unnumbered]


async def look_at_open(connection: Connection) -> list[Working]:
    """Read what works on the account, of whatever kind; raises as ``look``."""
    listed: list[Listed] = await connection.unnumbered(OPEN, connection.client.reqAllOpenOrders)
    found: dict[object, Working] = {}
    for one in listed:
        told = connection.inbox.told(one.order.clientId, one.order.orderId, one.order.permId)
        if one.order.account in {"", connection.account} and STATUSES.get(told.status) not in TERMINAL:
            left = (number(one.order.totalQuantity) or Decimal(0)) - (number(told.filled) or Decimal(0))
            # What is pushed while the list is told stands in it as well; what has no number is nothing else.
            same = told.perm_id or id(one)
            found[same] = Working(one.contract, one.order, max(left, Decimal(0)))
    return list(found.values())


def one_report(name: str, orders: Sequence[Seen], at: datetime) -> ExecutionReport:
    """
    Report on what IB has under one name of ours: one order, as a rule.

    IB lets a name be used twice. What was refused is then passed over; what is left is added up, so that
    nothing that was bought is missing, whichever of them bought it.
    """
    reports = [one.report(name, at) for one in sorted(orders, key=lambda one: one.perm_id)]
    taken = [one for one in reports if one.status is not OrderStatus.REJECTED or one.filled_quantity]
    if len(taken) < 2:  # noqa: PLR2004
        return (taken or reports)[-1]
    _shout(name, tuple(one.broker_order_id for one in taken))
    quantity = Quantity(sum((one.filled_quantity for one in taken), Decimal(0)))
    filled = [one for one in taken if one.filled_quantity]
    paid = [one.filled_quantity * one.average_price for one in filled if one.average_price is not None]
    fees = [one.fees_usd for one in filled if one.fees_usd is not None]
    is_priced = bool(filled) and len(paid) == len(filled)
    working = [one for one in taken if not one.is_terminal]
    return ExecutionReport.model_validate(
        {
            **dict((working or sorted(taken, key=lambda one: one.status is OrderStatus.FILLED))[-1]),
            "broker_order_id": taken[0].broker_order_id,
            "filled_quantity": quantity,
            "average_price": Price(sum(paid, Decimal(0)) / quantity) if is_priced else None,
            "fees_usd": Money(sum(fees, ZERO_USD)) if filled and len(fees) == len(filled) else None,
            "raw": "; ".join(one.raw for one in taken),
        }
    )


@cache
def _shout(name: str, numbers: tuple[str, ...]) -> None:
    """Say, once, that there are more orders than there should be."""
    listed = ", ".join(numbers)
    logger.critical("IB has {} orders under {}: {}; all of them count", len(numbers), name, listed)


def names_of(seen: Sequence[Seen]) -> Mapping[str, list[Seen]]:
    """Group orders by their names; whatever others call theirs may recur, so those go by IB's number."""
    found: dict[str, list[Seen]] = {}
    for one in seen:
        name = one.ref if stem_in(one.ref) is not None else f"ib-{one.perm_id}"
        found.setdefault(name, []).append(one)
    return found


def _is_ours(connection: Connection, listed: Listed) -> bool:
    on_account = listed.order.account in {"", connection.account}
    return on_account and listed.contract.secType == STOCK and listed.order.action in SIDES


def _open(connection: Connection, listed: Listed) -> Seen:
    order = listed.order
    return Seen(
        ref=order.orderRef,
        perm_id=order.permId,
        client_id=order.clientId,
        order_id=order.orderId,
        symbol=symbol_of(listed.contract),
        side=SIDES[order.action],
        total=number(order.totalQuantity) or Decimal(0),
        told=connection.inbox.told(order.clientId, order.orderId, order.permId),
    )


def _completed(listed: Listed, words: Mapping[int, Told]) -> Seen:
    order, state = listed.order, listed.state
    # This list does not say which program has placed an order, and of an order of 5 that it is for 0. That is
    # not taken from another list: what is over is told the same whenever it is asked for.
    return Seen(
        ref=order.orderRef,
        perm_id=order.permId,
        client_id=0,
        order_id=0,
        symbol=symbol_of(listed.contract),
        side=SIDES[order.action],
        total=number(order.totalQuantity) or Decimal(0),
        told=words.get(order.permId, Told()),
        ended_as=state.status,
        ended_how=state.completedStatus,
        ended_at=state.completedTime,
        filled_in_all=number(order.filledQuantity),
    )


def _traded(trade: Trade, words: Mapping[int, Told]) -> Seen:
    """See an order of which only its fills are listed: how it stands, the last word on it says, if any."""
    return Seen(
        ref=trade.ref,
        perm_id=trade.perm_id,
        client_id=trade.client_id,
        order_id=trade.order_id,
        symbol=trade.fills[0].symbol,
        side=trade.fills[0].side,
        total=Decimal(0),
        told=words.get(trade.perm_id, Told()),
        trade=trade,
    )
