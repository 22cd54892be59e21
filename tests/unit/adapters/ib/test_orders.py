"""What IB's three lists say together of orders and fills."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from ib_async.contract import Contract
from ib_async.order import OrderState
from ib_desk import FILLED_AT, SPY, a_connection, a_fee, an_execution, an_order, message, stands

from planfill.adapters.brokers.ib.asked import Lost
from planfill.adapters.brokers.ib.connection import Connection
from planfill.adapters.brokers.ib.fills import in_order, read_trades
from planfill.adapters.brokers.ib.orders import look, look_at_open, names_of, one_report
from planfill.domain.order import Side
from planfill.domain.report import ExecutionReport, OrderStatus

ZERO = Decimal(0)
NOW = FILLED_AT + timedelta(minutes=1)
OPTION = Contract(conId=2, symbol="SPY", secType="OPT", exchange="SMART", currency="USD", multiplier="100")


def lists(connection: Connection, **chosen: Any) -> None:
    for name, rows in chosen.items():
        setattr(connection.client, name, rows)


def working(status: str = "Submitted", **fields: Any) -> tuple[Contract, Any, OrderState]:
    return SPY, an_order(**fields), OrderState(status=status)


def ended(status: str, how: str = "", **fields: Any) -> tuple[Contract, Any, OrderState]:
    state = OrderState(status=status, completedStatus=how, completedTime="20261127 09:31:05 US/Eastern")
    chosen = {"totalQuantity": 0.0, "order_id": 0, **fields}
    return SPY, an_order(**chosen), state


async def report(connection: Connection, name: str = "pf-a-0-1") -> ExecutionReport:
    found = names_of(await look(connection, NOW))
    return one_report(name, found[name], NOW)


async def test_an_open_order_stands_as_it_was_told_last() -> None:
    connection = a_connection()
    lists(connection, open=[working()])
    told = await report(connection)
    assert (told.status, told.filled_quantity, told.average_price) == (OrderStatus.NEW, ZERO, None)
    assert (told.broker_order_id, told.symbol, told.side) == ("7", "SPY", Side.BUY)
    assert told.reported_at == NOW
    assert '"status":"Submitted"' in told.raw


async def test_fills_price_an_order_and_their_fees_come_when_all_are_told() -> None:
    connection = a_connection()
    fills = [an_execution(2, 400.1), an_execution(1, 400.4, exec_id="0002.01")]
    lists(connection, open=[working()], executions=fills)
    connection.inbox.commissionReport(a_fee(1.0))
    told = await report(connection)
    assert (told.status, told.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, Decimal(3))
    assert (told.average_price, told.fees_usd) == (Decimal("400.2"), None)
    connection.inbox.commissionReport(a_fee(0.35, exec_id="0002.01"))
    assert (await report(connection)).fees_usd == Decimal("1.35")


async def test_the_fee_of_a_fill_that_has_just_happened_is_waited_for() -> None:
    connection = a_connection()
    lists(connection, executions=[an_execution(5, 400)])
    asyncio.get_running_loop().call_later(0.01, connection.inbox.commissionReport, a_fee(1.0))
    (trade,) = await read_trades(connection, FILLED_AT + timedelta(seconds=1))
    assert trade.fees_usd == 1


async def test_the_fills_of_an_order_are_one_trade_whatever_else_they_say_of_it() -> None:
    connection = a_connection()
    by_hand = an_execution(3, 400, exec_id="0002.01", orderId=0, clientId=0)
    lists(connection, open=[working()], executions=[an_execution(2, 400), by_hand])
    assert (await report(connection)).filled_quantity == 5


async def test_a_fee_in_another_currency_is_not_told_in_dollars() -> None:
    connection = a_connection()
    lists(connection, executions=[an_execution(5, 400)])
    connection.inbox.commissionReport(a_fee(1.0, currency="EUR"))
    (trade,) = await read_trades(connection, NOW)
    assert trade.fees_usd is None


async def test_a_corrected_fill_counts_once_as_it_is_now() -> None:
    connection = a_connection()
    fills = [an_execution(5, 400), an_execution(5, 399, exec_id="0001.02"), an_execution(5, 400)]
    lists(connection, executions=fills)
    (trade,) = await read_trades(connection, NOW)
    assert (trade.quantity, trade.average) == (Decimal(5), Decimal(399))
    assert [fill.fill_id for fill in in_order([trade], FILLED_AT)] == ["0001.02"]
    assert not in_order([trade], NOW)


@pytest.mark.parametrize(
    ("status", "how", "filled", "expected"),
    [
        ("Filled", "Filled Size: 5", 5.0, OrderStatus.FILLED),
        ("Cancelled", "Cancelled by Trader", 0.0, OrderStatus.CANCELED),
        ("Cancelled", "Cancelled by Trader", 2.0, OrderStatus.CANCELED),
        ("Cancelled", "Rejected by System: no", 0.0, OrderStatus.REJECTED),
        ("Inactive", "", 0.0, OrderStatus.REJECTED),
        ("PendingTeleport", "", 0.0, OrderStatus.UNKNOWN),
    ],
)
async def test_an_order_that_has_ended_stands_as_that_list_says(
    status: str, how: str, filled: float, expected: OrderStatus
) -> None:
    connection = a_connection()
    # It was still open when that list was read.
    lists(connection, open=[working()], completed=[ended(status, how, filledQuantity=filled)])
    told = await report(connection)
    assert (told.status, told.filled_quantity, told.average_price) == (expected, Decimal(filled), None)


async def test_a_report_on_what_is_over_is_the_same_whenever_it_is_asked_for() -> None:
    connection = a_connection()
    lists(connection, completed=[ended("Cancelled")])
    assert (await report(connection)).reported_at == FILLED_AT + timedelta(seconds=1)


async def test_what_ended_while_the_lists_were_told_is_reported_as_ever_after() -> None:
    connection = a_connection()
    lists(connection, completed=[ended("Cancelled")])
    after = await report(connection)
    lists(connection, open=[working()])
    assert await report(connection) == after


async def test_a_state_prices_what_its_fills_do_not_account_for() -> None:
    connection = a_connection()
    lists(connection, open=[working()])
    stands("Filled", filled=5, average=400.25)(connection.inbox, 1)
    connection.client.open = [working("Filled")]
    told = await report(connection)
    assert (told.status, told.average_price) == (OrderStatus.FILLED, Decimal("400.25"))
    assert told.fees_usd is None


async def test_of_an_order_of_which_only_fills_are_listed_nobody_knows_whether_it_is_done() -> None:
    connection = a_connection()
    lists(connection, executions=[an_execution(5, 400)])
    told = await report(connection)
    assert (told.status, told.filled_quantity, told.average_price) == (
        OrderStatus.UNKNOWN,
        Decimal(5),
        Decimal(400),
    )
    stands("Filled", filled=5, average=400)(connection.inbox, 1)
    done = await report(connection)
    assert (done.status, done.reported_at) == (OrderStatus.FILLED, FILLED_AT)


async def test_an_order_is_over_only_when_it_is_said_how_much_was_filled() -> None:
    connection = a_connection()
    stands("Submitted")(connection.inbox, 1)
    lists(connection, open=[working("Filled")])
    told = await report(connection)
    assert (told.status, told.filled_quantity) == (OrderStatus.NEW, ZERO)
    stands("Filled", filled=3, average=400)(connection.inbox, 1)
    assert (await report(connection)).status is OrderStatus.UNKNOWN
    stands("Filled", filled=5, average=400)(connection.inbox, 1)
    assert (await report(connection)).status is OrderStatus.FILLED


async def test_what_was_refused_is_not_called_held_back() -> None:
    connection = a_connection()
    stands("Inactive")(connection.inbox, 1)
    lists(connection, open=[working("Inactive")])
    assert (await report(connection)).status is OrderStatus.SUSPENDED
    message(201, "insufficient")(connection.inbox, 1)
    assert (await report(connection)).status is OrderStatus.REJECTED


async def test_other_accounts_and_what_is_no_share_are_passed_over() -> None:
    connection = a_connection()
    theirs = working(account="DU7654321")
    option = (OPTION, an_order(perm_id=9, order_id=2), OrderState(status="Submitted"))
    lists(connection, open=[theirs, option], completed=[ended("Filled", account="DU7654321")])
    lists(connection, executions=[(OPTION, an_execution(1, 3)[1])])
    assert await look(connection, NOW) == []
    assert [one.contract.secType for one in await look_at_open(connection)] == ["OPT"]


async def test_an_open_order_that_is_pushed_while_the_list_is_told_locks_its_shares_once() -> None:
    connection = a_connection()
    lists(connection, open=[working(), working()])
    assert len(await look_at_open(connection)) == 1


async def test_an_order_without_a_number_is_seen_and_has_none() -> None:
    connection = a_connection()
    lists(connection, open=[working(perm_id=0)])
    assert [(one.ref, one.perm_id) for one in await look(connection, NOW)] == [("pf-a-0-1", 0)]


async def test_orders_without_a_number_do_not_hide_each_other() -> None:
    connection = a_connection()
    others = [ended("Cancelled", ref="theirs", perm_id=0), ended("Cancelled", perm_id=0)]
    outside = [an_execution(1, 400, perm_id=0), an_execution(2, 400, exec_id="2.01", perm_id=0, ref="theirs")]
    lists(connection, completed=[*others, others[0]], executions=outside)
    refs = [one.ref for one in await look(connection, NOW)]
    assert sorted(refs) == ["pf-a-0-1", "pf-a-0-1", "theirs", "theirs", "theirs"]


async def test_a_list_that_is_not_waited_for_ends_the_connection() -> None:
    connection = a_connection()
    connection.client.reqAllOpenOrders = lambda: None
    asking = asyncio.create_task(look(connection, NOW))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not connection.is_open


async def test_two_orders_under_a_name_of_ours_are_added_up() -> None:
    connection = a_connection()
    second = ended("Filled", perm_id=8, filledQuantity=5.0)
    lists(
        connection,
        open=[working()],
        completed=[second],
        executions=[an_execution(2, 400), an_execution(5, 401, exec_id="0002.01", perm_id=8)],
    )
    told = await report(connection)
    assert (told.broker_order_id, told.status) == ("7", OrderStatus.PARTIALLY_FILLED)
    assert told.filled_quantity == 7
    assert told.average_price == Decimal(2 * 400 + 5 * 401) / 7
    lists(connection, open=[], completed=[ended("Cancelled", filledQuantity=2.0), second])
    assert (await report(connection)).status is OrderStatus.FILLED


async def test_beside_an_order_that_was_taken_a_refused_one_of_its_name_is_passed_over() -> None:
    connection = a_connection()
    lists(connection, completed=[ended("Inactive"), ended("Cancelled", perm_id=8)])
    told = await report(connection)
    assert (told.broker_order_id, told.status) == ("8", OrderStatus.CANCELED)


async def test_orders_of_others_go_by_ibs_number_since_their_names_may_recur() -> None:
    connection = a_connection()
    lists(connection, open=[working(ref="alpha"), working(ref="alpha", perm_id=8, order_id=2)])
    assert list(names_of(await look(connection, NOW))) == ["ib-7", "ib-8"]


async def test_a_list_with_what_cannot_be_read_is_no_list() -> None:
    connection = a_connection()
    inbox = connection.inbox

    def unreadable() -> None:
        inbox.exception("Error handling fields: ['5', ...]")
        inbox.openOrderEnd()

    connection.client.reqAllOpenOrders = unreadable
    with pytest.raises(Lost, match="cannot be read"):
        await look(connection, NOW)
    assert connection.inbox.closed.is_set()


async def test_a_list_that_does_not_come_in_time_ends_the_connection() -> None:
    connection = a_connection()
    connection.client.reqCompletedOrders = lambda _: None
    with pytest.raises(Lost, match="in time"):
        await look(connection, NOW)
    assert not connection.is_open
    with pytest.raises(Lost):
        await look(connection, NOW)
