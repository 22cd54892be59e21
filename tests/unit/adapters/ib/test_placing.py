"""Sending and canceling: what is an acceptance, what a refusal, and what is neither."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ib_desk import SPY, Answer, a_connection, message, stands

from planfill.adapters.brokers.ib.connection import Connection
from planfill.adapters.brokers.ib.contracts import Listing
from planfill.adapters.brokers.ib.placing import cancel, send
from planfill.adapters.brokers.ib.seen import Seen
from planfill.domain import errors as err
from planfill.domain.market import Instrument
from planfill.domain.report import OrderStatus
from planfill.testing.venue import a_new_order

LISTING = Listing(SPY, Instrument(symbol="SPY"))
SOON_S = 0.05


async def place(connection: Connection, *answers: Answer) -> Seen:
    connection.client.on_place = answers
    return await send(connection, LISTING, a_new_order("SPY", "5", name="pf-a-0-1"), SOON_S)


@pytest.mark.parametrize(
    ("answers", "status", "filled"),
    [
        ([stands("PreSubmitted")], OrderStatus.NEW, 0),
        ([stands("PendingSubmit"), stands("Submitted")], OrderStatus.NEW, 0),
        ([stands("PendingSubmit")], OrderStatus.PENDING_NEW, 0),
        ([stands("Submitted", filled=2, average=400)], OrderStatus.PARTIALLY_FILLED, 2),
        ([stands("Submitted", filled=5, average=400)], OrderStatus.FILLED, 5),
        ([message(399), stands("PreSubmitted")], OrderStatus.NEW, 0),
        ([stands("PendingTeleport")], OrderStatus.UNKNOWN, 0),
        # One that waits in TWS for a person may yet work.
        ([message(383), stands("Inactive")], OrderStatus.SUSPENDED, 0),
        ([stands("Inactive")], OrderStatus.SUSPENDED, 0),
        ([stands("Cancelled")], OrderStatus.CANCELED, 0),
        # What has traded was not refused, whatever is said of the rest.
        ([stands("Cancelled", filled=2, average=400), message(201)], OrderStatus.CANCELED, 2),
    ],
)
async def test_an_order_that_ib_has_taken_is_reported_as_it_stands(
    answers: list[Answer], status: OrderStatus, filled: int
) -> None:
    connection = a_connection()
    seen = await place(connection, *answers)
    assert (seen.status, seen.filled) == (status, Decimal(filled))
    assert (seen.perm_id, seen.ref) == (7, "pf-a-0-1")
    (_, (_, contract, order)), *_ = connection.client.sent
    assert (contract, order.orderRef, order.totalQuantity) == (SPY, "pf-a-0-1", 5)
    assert (order.action, order.orderType, order.tif, order.account) == ("BUY", "MKT", "DAY", "DU1234567")


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([message(201, "insufficient"), stands("Inactive")], err.InsufficientFundsError),
        ([stands("Inactive"), message(201, "insufficient")], err.InsufficientFundsError),
        ([stands("PendingSubmit"), message(110)], err.PriceIncrementError),
        ([stands("Cancelled"), message(202, "the exchange said no")], err.OrderRejected),
        ([message(98765), stands("Cancelled")], err.OrderRejected),
        ([message(321, "the API is in Read-Only mode")], err.NotAuthorizedError),
        ([message(504, "Not connected")], err.BrokerUnavailable),
        ([], err.OutcomeUnknown),
        ([message(98765, "nobody knows what")], err.OutcomeUnknown),
        ([stands("Submitted", perm_id=0)], err.OutcomeUnknown),
        ([lambda inbox, _: inbox.setEventsDone()], err.OutcomeUnknown),
    ],
)
async def test_what_is_no_acceptance_is_a_refusal_or_in_doubt(
    answers: list[Answer], error: type[Exception]
) -> None:
    with pytest.raises(err.ExecutionError) as caught:
        await place(a_connection(), *answers)
    assert type(caught.value) is error


async def test_a_number_that_was_used_before_placed_nothing_and_a_new_one_is_asked_for() -> None:
    connection = a_connection()
    with pytest.raises(err.BrokerUnavailable):
        await place(connection, message(103, "Duplicate order id"))
    assert connection.client.sent[-1] == ("reqIds", (-1,))
    connection.inbox.nextValidId(40)
    assert connection.number() == 40


async def test_without_a_connection_nothing_is_sent() -> None:
    connection = a_connection()
    connection.client.is_ready = False
    with pytest.raises(err.BrokerUnavailable):
        await place(connection)
    assert not connection.client.sent


async def test_a_limit_is_written_as_the_decimal_that_it_is() -> None:
    connection = a_connection()
    connection.client.on_place = [stands("Submitted")]
    await send(connection, LISTING, a_new_order("SPY", "5", limit=Decimal("396.33")), SOON_S)
    ((_, (_, _, order)),) = connection.client.sent
    assert (order.orderType, str(order.lmtPrice)) == ("LMT", "396.33")


@pytest.mark.parametrize(
    "answers",
    [
        [stands("PendingCancel")],
        [stands("Cancelled")],
        [stands("Filled", filled=5, average=400)],
        *([message(code)] for code in (161, 202, 10147, 10148)),
        [message(399), stands("PendingCancel")],
    ],
)
async def test_a_cancel_is_taken_or_comes_too_late(answers: list[Answer]) -> None:
    connection = a_connection()
    await place(connection, stands("Submitted"))
    connection.client.on_cancel = answers
    await cancel(connection, 1, SOON_S)
    assert connection.client.sent[-1] == ("cancelOrder", (1,))


@pytest.mark.parametrize("answers", [[], [stands("Submitted")], [message(98765)], [message(399)]])
async def test_a_cancel_without_an_answer_is_an_error(answers: list[Answer]) -> None:
    connection = a_connection()
    await place(connection, stands("Submitted"))
    connection.client.on_cancel = answers
    with pytest.raises(err.BrokerConnectionError):
        await cancel(connection, 1, SOON_S)


async def test_what_is_done_is_not_canceled_and_without_a_connection_nothing_is() -> None:
    connection = a_connection()
    await place(connection, stands("Filled", filled=5, average=400))
    await cancel(connection, 1, SOON_S)
    assert len(connection.client.sent) == 1
    await place(connection, stands("Submitted", perm_id=8))
    connection.client.is_ready = False
    with pytest.raises(err.BrokerConnectionError, match="before the cancel was sent"):
        await cancel(connection, 2, SOON_S)
