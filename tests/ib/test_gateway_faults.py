"""The local gateway goes wrong as it is told to, and what was placed is in its book all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from conversing import a_buy, a_stock, connected, heard, placed
from ib_async import IB
from ib_gateway import Fault, IbGateway

PATIENCE_S = 0.15
_PAUSE_S, _TRIES = 0.05, 100


async def unanswered(asking: Awaitable[Any]) -> None:
    """See that no answer comes, be it that none is sent or that the connection breaks."""
    with pytest.raises((TimeoutError, ConnectionError)):
        await asyncio.wait_for(asking, PATIENCE_S)


@pytest.mark.parametrize(
    "fault", [Fault.HANG, Fault.EMPTY, Fault.UNREADABLE, Fault.CONNECTIVITY, Fault.RESET]
)
async def test_an_order_that_is_not_answered_was_taken(ib: IB, gateway: IbGateway, fault: Fault) -> None:
    gateway.faults.once("place", fault)
    trade = ib.placeOrder(a_stock(), a_buy(1, ref="mine"))
    if fault is Fault.RESET:
        await unanswered(asyncio.ensure_future(ib.reqCurrentTimeAsync()))
        assert not ib.isConnected()
        ib = await connected(gateway)
    else:
        await heard(ib)
        assert trade.orderStatus.status == "PendingSubmit"
    assert [one.order.orderRef for one in await ib.reqCompletedOrdersAsync(apiOnly=False)] == ["mine"]
    ib.disconnect()


async def test_a_lost_request_has_no_effect(ib: IB, gateway: IbGateway) -> None:
    gateway.faults.once("place", Fault.LOST_REQUEST)
    ib.placeOrder(a_stock(), a_buy(1))
    await unanswered(ib.reqCurrentTimeAsync())
    assert gateway.orders() == []


async def test_a_late_request_is_taken_when_nobody_waits_for_it(ib: IB, gateway: IbGateway) -> None:
    gateway.faults.once("place", Fault.DELIVERED_LATE)
    ib.placeOrder(a_stock(), a_buy(1))
    await unanswered(ib.reqCurrentTimeAsync())
    assert gateway.orders() == []
    for _ in range(_TRIES):
        if gateway.orders():
            break
        await asyncio.sleep(_PAUSE_S)
    assert len(gateway.orders()) == 1


async def test_a_request_that_comes_twice_is_one_order(ib: IB, gateway: IbGateway) -> None:
    gateway.hold_fills()
    gateway.faults.once("place", Fault.DELIVERED_TWICE)
    await placed(ib, a_buy(1))
    assert len(gateway.orders()) == 1


async def test_a_paced_request_is_answered_later(ib: IB, gateway: IbGateway) -> None:
    gateway.faults.once("place", Fault.PACED)
    trade = await placed(ib, a_buy(1))
    assert (trade.orderStatus.status, gateway.orders()) == ("PendingSubmit", [])
    async with asyncio.timeout(5):
        await trade.filledEvent
    assert len(gateway.orders()) == 1


async def test_an_order_is_not_listed_for_a_while(ib: IB, gateway: IbGateway) -> None:
    gateway.faults.once("place", Fault.NOT_VISIBLE)
    trade = await placed(ib, a_buy(1))
    assert trade.orderStatus.status == "Filled"
    assert await ib.reqCompletedOrdersAsync(apiOnly=False) == []
    assert await ib.reqExecutionsAsync() == []
    for _ in range(_TRIES):
        if await ib.reqExecutionsAsync():
            break
        await asyncio.sleep(_PAUSE_S)
    assert len(await ib.reqCompletedOrdersAsync(apiOnly=False)) == 1


async def test_what_is_not_told_is_listed(ib: IB, gateway: IbGateway) -> None:
    gateway.faults.once("place", Fault.NOT_TOLD)
    trade = await placed(ib, a_buy(1))
    assert (trade.orderStatus.status, trade.fills) == ("PreSubmitted", [])
    assert len(await ib.reqExecutionsAsync()) == 1


async def test_a_commission_comes_late(ib: IB, gateway: IbGateway) -> None:
    gateway.faults.once("place", Fault.LATE_COMMISSION)
    trade = await placed(ib, a_buy(2))
    assert trade.fills[0].commissionReport.execId == ""
    gateway.report_commissions()
    await heard(ib)
    assert trade.fills[0].commissionReport.commission > 0


async def test_orders_are_shown_as_the_fault_has_them(ib: IB, gateway: IbGateway) -> None:
    await placed(ib, a_buy(2))
    gateway.faults.once("completed_orders", Fault.LATE_FILL, Fault.FUTURE_STATUS, Fault.NO_ID)
    late, future, nameless = [
        (await ib.reqCompletedOrdersAsync(apiOnly=False))[0] for _ in range(3)
    ]  # fmt: skip
    assert (late.orderStatus.status, late.order.filledQuantity) == ("Filled", 0)
    assert (future.orderStatus.status, nameless.order.permId) == ("PendingTeleport", 0)
    gateway.faults.once("executions", Fault.UNPRICED)
    assert await ib.reqExecutionsAsync() == []
    assert len(await ib.reqExecutionsAsync()) == 1


@pytest.mark.parametrize(
    ("fault", "status", "filled"),
    [
        (Fault.CANCEL_IGNORED, "PendingCancel", 0),
        (Fault.FILL_DURING_CANCEL, "Filled", 3),
        (Fault.PARTIAL_FILL_DURING_CANCEL, "Cancelled", 1),
    ],
)
async def test_a_cancel_goes_wrong(
    ib: IB, gateway: IbGateway, fault: Fault, status: str, filled: int
) -> None:
    gateway.hold_fills()
    trade = await placed(ib, a_buy(3))
    gateway.faults.once("cancel", fault)
    ib.cancelOrder(trade.order)
    await heard(ib)
    assert (trade.orderStatus.status, trade.orderStatus.filled) == (status, filled)


async def test_without_interactive_brokers_requests_wait(ib: IB, gateway: IbGateway) -> None:
    codes: list[int] = []
    ib.errorEvent += lambda _id, code, *_: codes.append(code)
    gateway.lose_interactive_brokers()
    trade = ib.placeOrder(a_stock(), a_buy(1))
    await unanswered(ib.reqCurrentTimeAsync())
    assert (codes, trade.orderStatus.status, gateway.orders()) == ([1100], "PendingSubmit", [])
    gateway.find_interactive_brokers()
    await heard(ib)
    assert (codes, trade.orderStatus.status) == ([1100, 1102], "Filled")


async def test_nobody_listens_until_told_otherwise(ib: IB, gateway: IbGateway) -> None:
    gateway.refuse_connections()
    with pytest.raises(ConnectionRefusedError):
        await connected(gateway, 8)
    assert not ib.isConnected()
    gateway.accept_connections()
    again = await connected(gateway)
    again.disconnect()


async def test_an_error_is_said_instead_of_an_answer(ib: IB, gateway: IbGateway) -> None:
    gateway.faults.say("place", 201, "Order rejected - reason:somebody said so")
    trade = await placed(ib, a_buy(1))
    assert (trade.orderStatus.status, gateway.orders()) == ("Cancelled", [])
    assert "somebody said so" in trade.log[-1].message


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        (Fault.FEED_LOSES, ["PreSubmitted", "Filled"]),
        (Fault.FEED_REPEATS, ["PreSubmitted", "Filled"]),
        (Fault.FEED_REORDERS, ["PreSubmitted", "Filled"]),
        (Fault.FEED_UNREADABLE, ["PreSubmitted", "Filled"]),
        (Fault.FEED_SILENT, ["PreSubmitted"]),
    ],
)
async def test_what_is_told_goes_wrong(ib: IB, gateway: IbGateway, fault: Fault, statuses: list[str]) -> None:
    (gateway.faults.always if fault is Fault.FEED_SILENT else gateway.faults.once)("told", fault)
    trade = await placed(ib, a_buy(2))
    seen = list(dict.fromkeys(entry.status for entry in trade.log))
    assert seen == ["PendingSubmit", *statuses]
    lost = fault in {Fault.FEED_LOSES, Fault.FEED_UNREADABLE, Fault.FEED_SILENT}
    assert len(trade.fills) == (0 if lost else 1)
    assert gateway.faults.met[fault] >= 1
