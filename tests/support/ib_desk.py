"""A connection to IB without a socket: what is asked is answered at once by what a test has written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ib_async.contract import Contract
from ib_async.objects import CommissionReport, Execution
from ib_async.order import Order, OrderState

from planfill.adapters.brokers.ib.connection import Connection
from planfill.adapters.brokers.ib.inbox import Inbox
from planfill.adapters.brokers.ib.settings import IbSettings
from planfill.testing.clock import VirtualClock

ACCOUNT: Final = "DU1234567"
FILLED_AT: Final = datetime(2026, 11, 27, 14, 31, 4, tzinfo=UTC)
SPY: Final = Contract(conId=1, symbol="SPY", secType="STK", exchange="SMART", currency="USD")
Answer = Callable[[Inbox, int], object]


class Client:
    """ib_async's client as far as it is used: takes what is sent, and answers."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._next = 1
        self.sent: list[tuple[str, tuple[Any, ...]]] = []
        self.is_ready = True
        self.open: list[tuple[Contract, Order, OrderState]] = []
        self.completed: list[tuple[Contract, Order, OrderState]] = []
        self.executions: list[tuple[Contract, Execution]] = []
        self.on_place: list[Answer] = []
        self.on_cancel: list[Answer] = []

    def isReady(self) -> bool:
        return self.is_ready

    def disconnect(self) -> None:
        self.is_ready = False

    def updateReqId(self, least: int) -> None:
        self._next = max(self._next, least)

    def getReqId(self) -> int:
        if not self.is_ready:
            raise ConnectionError("Not connected")
        self._next += 1
        return self._next - 1

    def reqIds(self, count: int) -> None:
        self.sent.append(("reqIds", (count,)))

    def reqAllOpenOrders(self) -> None:
        for contract, order, state in self.open:
            self._inbox.openOrder(order.orderId, contract, order, state)
        self._inbox.openOrderEnd()

    def reqCompletedOrders(self, _api_only: object) -> None:
        for one in self.completed:
            self._inbox.completedOrder(*one)
        self._inbox.completedOrdersEnd()

    def reqExecutions(self, number: int, _wanted: object) -> None:
        for contract, execution in self.executions:
            self._inbox.execDetails(number, contract, execution)
        self._inbox.execDetailsEnd(number)

    def placeOrder(self, number: int, contract: Contract, order: Order) -> None:
        if not self.is_ready:
            raise ConnectionError("Not connected")
        self.sent.append(("placeOrder", (number, contract, order)))
        self._answer(self.on_place, number)

    def cancelOrder(self, number: int) -> None:
        if not self.is_ready:
            raise ConnectionError("Not connected")
        self.sent.append(("cancelOrder", (number,)))
        self._answer(self.on_cancel, number)

    def _answer(self, answers: list[Answer], number: int) -> None:
        """Say one thing after the other, each in a turn of the loop of its own."""
        loop, answers = asyncio.get_running_loop(), list(answers)

        def say() -> None:
            if answers:
                answers.pop(0)(self._inbox, number)
                loop.call_soon(say)

        loop.call_soon(say)


def a_connection() -> Connection:
    """Make one that is open, with a client of ours."""
    connection = Connection(IbSettings(timeout_s=0.05), VirtualClock(), lambda: None)
    connection.client = Client(connection.inbox)
    connection.account = ACCOUNT
    connection.utc_offset = timedelta(hours=-5)
    return connection


def stands(status: str, *, filled: float = 0, average: float = 0, perm_id: int = 7) -> Answer:
    """Say how our order stands."""
    return lambda inbox, number: inbox.orderStatus(
        number, status, filled, 0, average, perm_id, 0, 0, IbSettings().client_id, ""
    )


def message(code: int, text: str = "what IB says") -> Answer:
    """Say something about our order."""
    return lambda inbox, number: inbox.error(number, code, text, "")


def an_order(ref: str = "pf-a-0-1", *, perm_id: int = 7, order_id: int = 1, **fields: Any) -> Order:
    """Make an order as IB lists it."""
    chosen = {"action": "BUY", "totalQuantity": 5.0, "orderType": "MKT", "account": ACCOUNT, **fields}
    return Order(orderRef=ref, permId=perm_id, orderId=order_id, clientId=IbSettings().client_id, **chosen)


def an_execution(
    shares: float,
    price: float,
    *,
    exec_id: str = "0001.01",
    perm_id: int = 7,
    ref: str = "pf-a-0-1",
    **fields: Any,
) -> tuple[Contract, Execution]:
    """Make a fill as IB lists it."""
    chosen = {"side": "BOT", "acctNumber": ACCOUNT, "time": FILLED_AT, "orderId": 1, "clientId": 71, **fields}
    return SPY, Execution(execId=exec_id, shares=shares, price=price, permId=perm_id, orderRef=ref, **chosen)


def a_fee(commission: float, *, exec_id: str = "0001.01", currency: str = "USD") -> CommissionReport:
    """Make what a fill has cost."""
    return CommissionReport(execId=exec_id, commission=commission, currency=currency)
