"""What happens between two requests, or two messages: nothing is taken for what it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ib_async.contract import Contract
from ib_async.order import Order, OrderState
from ib_desk import SPY, a_connection, an_order

from planfill.adapters.brokers.ib.account import IbAccount
from planfill.adapters.brokers.ib.asked import Lost
from planfill.adapters.brokers.ib.broker import IbBroker
from planfill.adapters.brokers.ib.connection import Connection
from planfill.adapters.brokers.ib.contracts import Contracts
from planfill.adapters.brokers.ib.gateway import Gateway, never
from planfill.adapters.brokers.ib.orders import look
from planfill.adapters.brokers.ib.quotes import IbMarketData
from planfill.adapters.brokers.ib.records import IbRecords
from planfill.adapters.brokers.ib.settings import IbSettings
from planfill.domain.errors import BrokerConnectionError, OrderNotFound
from planfill.domain.values import ClientOrderId
from planfill.testing.clock import VirtualClock

NOON = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


class At(VirtualClock):
    """A clock that says what it is told."""

    time = NOON

    def now(self) -> datetime:
        return self.time


class Desk(Gateway):
    """A gateway that is connected to the desk."""

    def __init__(self, connection: Connection) -> None:
        self.at = At()
        super().__init__(IbSettings(timeout_s=0.05), self.at)
        self._connection = connection

    def account(self) -> IbAccount:
        return IbAccount(self, IbMarketData(self, Contracts(self, self.at), self.at))


def desk_at_midnight(connection: Connection) -> Desk:
    """Give a gateway whose day ends while the list of fills is read."""
    desk, ask = Desk(connection), connection.client.reqExecutions

    def late(number: int, wanted: object) -> None:
        ask(number, wanted)
        desk.at.time = MIDNIGHT + A_SECOND

    connection.client.reqExecutions, desk.at.time = late, MIDNIGHT - A_SECOND
    return desk


async def test_an_answer_that_nobody_waits_for_any_more_is_not_the_answer_to_the_next() -> None:
    connection = a_connection()
    connection.client.reqAllOpenOrders = lambda: None
    asking = asyncio.create_task(look(connection, NOON))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert connection.inbox.questions
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    assert not connection.is_open
    with pytest.raises(Lost):
        await look(connection, NOON)


async def test_lists_that_a_midnight_has_emptied_prove_nothing_of_the_day_before() -> None:
    desk = desk_at_midnight(connection := a_connection())
    broker = IbBroker(desk, Contracts(desk, desk.at), desk.account(), desk.at)
    with pytest.raises(OrderNotFound) as caught:
        await broker.get_order_status(ClientOrderId("pf-a-0-1"))
    assert not caught.value.tells_of(MIDNIGHT - A_SECOND)
    desk = desk_at_midnight(connection)
    with pytest.raises(BrokerConnectionError, match="2026-11-28 00:00"):
        await IbRecords(desk, desk.at).list_fills(MIDNIGHT - timedelta(hours=8))


@pytest.mark.parametrize(
    ("told", "held"), [([7], 7), ([7, 0], None), ([7, 4], 4), ([7, -3], None), ([0, 7], 7)]
)
async def test_of_what_is_held_the_last_word_counts(told: Sequence[float], held: int | None) -> None:
    connection = a_connection()

    def say() -> None:
        for shares in told:
            connection.inbox.position(connection.account, SPY, shares, 400)
        connection.inbox.positionEnd()

    connection.client.reqPositions = say
    connection.client.cancelPositions = lambda: None
    found = await Desk(connection).account().get_positions(["SPY"])
    assert found == ({} if held is None else {"SPY": Decimal(held)})


async def test_a_share_abroad_of_the_same_symbol_is_not_what_is_sold() -> None:
    connection = a_connection()
    abroad = Contract(conId=99, symbol="SPY", secType="STK", exchange="LSEETF", currency="USD")

    def say() -> None:
        connection.inbox.position(connection.account, abroad, 7, 400)
        connection.inbox.positionEnd()

    connection.client.reqPositions = say
    connection.client.cancelPositions = lambda: None
    account = Desk(connection).account()
    assert await account.sellable(["SPY"], never, contract=SPY.conId) == {}
    assert await account.sellable(["SPY"], never, contract=abroad.conId) == {"SPY": Decimal(7)}


async def test_who_asks_next_for_what_is_held_is_not_cut_short_by_who_asked_before() -> None:
    connection, said = a_connection(), list[str]()

    def say() -> None:
        said.append("asked")
        connection.inbox.positionEnd()

    connection.client.reqPositions = say
    connection.client.cancelPositions = lambda: said.append("ended")
    account = Desk(connection).account()
    # So many that some of them wait for their turn to say something.
    await asyncio.gather(*(account.get_positions(["SPY"]) for _ in range(25)))
    assert said == ["asked", "ended"] * 25


def an_account_with(order: Order, contract: Contract = SPY, *more: tuple[str, str, str]) -> IbAccount:
    """Give an account of 10 000 dollars at which an order works."""
    connection = a_connection()

    def tell(number: int, _group: str, _tags: str) -> None:
        connection.inbox.accountSummary(number, connection.account, "TotalCashValue", "10000", "USD")
        for one in more:
            connection.inbox.accountSummary(number, connection.account, *one)
        connection.inbox.accountSummaryEnd(number)

    connection.client.open = [(contract, order, OrderState(status="Submitted"))]
    connection.client.reqAccountSummary = tell
    connection.client.cancelAccountSummary = lambda _: None
    return Desk(connection).account()


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"lmtPrice": 400.1}, "2000.50"),
        ({"lmtPrice": 400.1, "totalQuantity": 0.0, "cashQty": 750.0}, "750"),
        ({"lmtPrice": 400.1, "action": "SELL"}, "0"),
    ],
)
async def test_what_open_buys_may_still_cost_counts_also_where_a_person_wants_them_in_dollars(
    fields: dict[str, Any], cost: str
) -> None:
    account = await an_account_with(an_order("by hand", **fields)).get_account()
    assert account.open_buys_usd == Decimal(cost)


async def test_an_open_buy_in_other_money_is_not_counted_as_one_in_dollars() -> None:
    abroad = Contract(conId=3, symbol="VOD", secType="STK", exchange="LSE", currency="GBP")
    with pytest.raises(BrokerConnectionError, match="open buy of VOD may cost in dollars"):
        await an_account_with(an_order("by hand", lmtPrice=70), abroad).get_account()


async def test_money_of_other_countries_buys_nothing_in_dollars() -> None:
    ledger = [
        ("TotalCashBalance", "1500.25", "USD"),
        ("TotalCashBalance", "10000", "BASE"),
        ("Currency", "USD", "USD"),
        ("SettledCash", "10000", "USD"),
    ]
    account = await an_account_with(an_order("by hand", lmtPrice=1), SPY, *ledger).get_account()
    assert (account.cash_usd, account.settled_usd) == (Decimal("1500.25"), Decimal("1500.25"))
