"""Sending an order, or its cancel, over one connection, and what the gateway says to it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ib_async.order import Order as IbOrder

from planfill.adapters.brokers.ib import outcomes
from planfill.adapters.brokers.ib.seen import Seen
from planfill.domain.errors import BrokerConnectionError, BrokerUnavailable, OutcomeUnknown
from planfill.domain.order import OrderType, Side
from planfill.domain.report import TERMINAL, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from planfill.adapters.brokers.ib.asked import Told
    from planfill.adapters.brokers.ib.connection import Connection
    from planfill.adapters.brokers.ib.contracts import Listing
    from planfill.domain.errors import ExecutionError
    from planfill.domain.order import Order

_ACTION: Final = {Side.BUY: "BUY", Side.SELL: "SELL"}
_TYPE: Final = {OrderType.MARKET: "MKT", OrderType.LIMIT: "LMT"}
_USED_BEFORE: Final = 103
# An order that was refused is said to be inactive, and a moment later why; without a reason it is held back.
_GRACE_S: Final = 1.0


async def send(connection: Connection, listing: Listing, order: Order, timeout_s: float) -> Seen:
    """
    Send an order; give how it stands once IB has taken it.

    Raises:
        OrderRejected: IB refused it.
        BrokerUnavailable: It certainly was not taken.
        OutcomeUnknown: It may have been.

    """
    await connection.pace.turn()
    try:
        number = connection.number()
        told = connection.inbox.told(connection.client_id, number, 0)
        connection.client.placeOrder(number, listing.contract, written(order, connection.account))
    except ConnectionError as e:
        raise BrokerUnavailable("the connection was lost before the order was sent") from e
    # Nothing is heard before this waits: what comes is read by the same loop.
    await _heard(connection, number, timeout_s, lambda: _is_decided(told), lambda: _may_be_refused(told))
    if error := _refusal(told):
        if any(code == _USED_BEFORE for code, _ in told.messages):
            connection.client.reqIds(-1)
        raise error
    if not told.perm_id:
        said = "; ".join(outcomes.said(*message) for message in told.messages)
        raise OutcomeUnknown(said or connection.why_silent)
    return Seen(
        ref=order.client_order_id,
        perm_id=told.perm_id,
        client_id=connection.client_id,
        order_id=number,
        symbol=order.symbol,
        side=order.side,
        total=order.quantity or Decimal(0),
        told=told,
    )


async def cancel(connection: Connection, order_id: int, timeout_s: float) -> None:
    """
    Ask for the cancel of an order of ours; one that is done is no error.

    Raises:
        BrokerConnectionError: There is no answer; the order may still be working.

    """
    inbox = connection.inbox
    told = inbox.told(connection.client_id, order_id, 0)
    if outcomes.STATUSES.get(told.status) in TERMINAL:
        return
    words, messages = told.words, len(told.messages)

    def answer() -> list[tuple[int, str]]:
        return [one for one in told.messages[messages:] if not outcomes.is_warning(one[0])]

    def is_taken() -> bool:
        status = outcomes.STATUSES.get(told.status)
        return told.words > words and status in TERMINAL | {OrderStatus.PENDING_CANCEL}

    await connection.pace.turn()
    try:
        connection.client.cancelOrder(order_id)
    except ConnectionError as e:
        raise BrokerConnectionError("the connection was lost before the cancel was sent") from e
    await _heard(connection, order_id, timeout_s, lambda: bool(answer()) or is_taken())
    said = answer()
    if is_taken() or any(code in outcomes.NOT_CANCELABLE for code, _ in said):
        return
    raise BrokerConnectionError(outcomes.said(*said[-1]) if said else connection.why_silent)


def written(order: Order, account: str) -> IbOrder:
    """Write an order of whole shares as IB wants it."""
    wanted = IbOrder(
        action=_ACTION[order.side],
        totalQuantity=int(order.quantity or 0),
        orderType=_TYPE[order.order_type],
        tif="DAY",
        orderRef=order.client_order_id,
        account=account,
    )
    if order.limit_price is not None:
        # A float of so many digits is written as the decimal again.
        wanted.lmtPrice = float(order.limit_price)
    return wanted


async def _heard(
    connection: Connection,
    number: int,
    timeout_s: float,
    is_enough: Callable[[], bool],
    is_nearly: Callable[[], bool] = lambda: False,
) -> None:
    """Wait until enough was said, the connection is lost, or the time is over; less where it is nearly so."""
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout_s
    with connection.inbox.listening(number) as event:
        while not is_enough() and not connection.inbox.closed.is_set():
            if is_nearly():
                until = min(until, loop.time() + _GRACE_S)
            event.clear()
            try:
                async with asyncio.timeout_at(until):
                    await event.wait()
            except TimeoutError:
                return


def _refusal(told: Told) -> ExecutionError | None:
    """Give why IB has refused an order; what has traded was not refused."""
    if told.filled:
        return None
    for code, text in told.messages:
        if error := outcomes.refused(code, text):
            return error
    serious = [one for one in told.messages if not outcomes.is_warning(one[0])]
    if told.status in outcomes.CANCELED_ALREADY and serious:
        return outcomes.refused_after_all(*serious[-1])
    return None


def _is_decided(told: Told) -> bool:
    """Tell whether IB has taken or refused an order: to have passed it on is neither."""
    if _refusal(told):
        return True
    return bool(told.perm_id) and told.status not in outcomes.UNCONFIRMED | outcomes.MAY_BE_REFUSED


def _may_be_refused(told: Told) -> bool:
    return told.status in outcomes.MAY_BE_REFUSED
