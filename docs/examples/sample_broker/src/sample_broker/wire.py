"""Between the House's words and Planfill's: one way to ask, one table of states, one of refusals."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from planfill.domain.errors import (
    BrokerUnavailable,
    InsufficientFundsError,
    InsufficientQuantityError,
    NotTradableError,
    OrderRejected,
    OutcomeUnknown,
)
from planfill.domain.order import Order, Side
from planfill.domain.report import ExecutionReport, Fill, OrderStatus
from planfill.domain.values import BrokerOrderId, ClientOrderId, Price, Quantity

Line = Callable[[str, str, str], Awaitable[tuple[int, str]]]
"""Sends method, path and body; gives status and text. Raises what a connection raises: ``OSError``."""

SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
STATES: Final = {"open": OrderStatus.NEW, "done": OrderStatus.FILLED, "canceled": OrderStatus.CANCELED}
REFUSALS: Final = {
    "funds": InsufficientFundsError,
    "shares": InsufficientQuantityError,
    "symbol": NotTradableError,
}
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


@contextmanager
def understood() -> Iterator[None]:
    """Turn what cannot be read into doubt: an answer that we do not know proves nothing."""
    try:
        yield
    except (KeyError, TypeError, ValueError, ArithmeticError) as e:
        raise OutcomeUnknown(f"the House's answer cannot be read: {e!r}") from e


class Wire:
    """Asks, and says of every failure what the caller may do about it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """
        Ask the House; give status and document.

        Raises:
            BrokerUnavailable: The request certainly had no effect.
            OutcomeUnknown: It may have had one.

        """
        try:
            status, text = await self._line(method, path, "" if body is None else json.dumps(body))
        except ConnectionRefusedError as e:
            raise BrokerUnavailable("the House does not listen") from e
        except OSError as e:  # a reset, and a time-out: TimeoutError is an OSError
            raise OutcomeUnknown(f"the House was not heard: {e!r}") from e
        if status == _TOO_MANY:
            raise BrokerUnavailable("the House takes no more requests now")
        if status >= _SERVER_ERROR:
            raise OutcomeUnknown(f"the House answered {status}")
        with understood():
            return status, json.loads(text)


def written(order: Order) -> dict[str, object]:
    """Write an order as the House wants it."""
    if order.quantity is None or order.quantity % 1:
        raise OrderRejected(f"the House trades whole shares only, not {order.quantity} of {order.symbol}")
    return {
        "name": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side.lower(),
        "shares": int(order.quantity),
        "limit": None if order.limit_price is None else str(order.limit_price),
    }


def refusal(answer: Any) -> OrderRejected:  # noqa: ANN401 - what JSON holds
    """Read why the House refused an order."""
    with understood():
        why = str(answer["error"])
    return REFUSALS.get(why, OrderRejected)(f"the House refuses: {why}", raw=why)


def report(ticket: Any, at: datetime) -> ExecutionReport:  # noqa: ANN401 - what JSON holds
    """Read what the House says of an order; a state that we do not know counts as working."""
    with understood():
        state, filled = ticket["state"], Decimal(ticket["filled"])
        status = STATES.get(state, OrderStatus.UNKNOWN)
        if status is OrderStatus.NEW and filled:
            status = OrderStatus.PARTIALLY_FILLED
        return ExecutionReport(
            client_order_id=ClientOrderId(ticket["name"]),
            broker_order_id=BrokerOrderId(str(ticket["id"])),
            symbol=ticket["symbol"],
            side=SIDES[ticket["side"]],
            status=status,
            filled_quantity=Quantity(filled),
            average_price=None if ticket["price"] is None else Price(Decimal(ticket["price"])),
            reported_at=at,
            raw=state,
        )


def trade(told: Any) -> Fill:  # noqa: ANN401 - what JSON holds
    """Read one fill."""
    with understood():
        return Fill(
            fill_id=str(told["id"]),
            broker_order_id=BrokerOrderId(str(told["order"])),
            symbol=told["symbol"],
            side=SIDES[told["side"]],
            quantity=Quantity(Decimal(told["shares"])),
            price=Price(Decimal(told["price"])),
            filled_at=datetime.fromisoformat(told["at"]),
        )
