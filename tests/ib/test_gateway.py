"""The local gateway does what TWS does, as far as ib_async can tell."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from conversing import a_buy, a_stock, connected, heard, placed, raw
from ib_async import IB, ExecutionFilter, Position
from ib_async.wrapper import RequestError
from ib_gateway import IbGateway, Market

from planfill.domain.values import Quantity

DOLLARS = ("TotalCashValue", "AvailableFunds", "BuyingPower", "SettledCash", "GrossPositionValue")


async def test_who_connects_learns_the_account_and_the_next_order_id(ib: IB, market: Market) -> None:
    assert ib.client.serverVersion() == 178
    assert ib.managedAccounts() == [market.number]
    told = await ib.reqCurrentTimeAsync()
    assert abs((market.clock.now() - told).total_seconds()) < 2


async def test_a_stock_is_known_by_its_name_and_by_its_number(ib: IB) -> None:
    (by_name,) = await ib.reqContractDetailsAsync(a_stock("BRK B"))
    assert by_name.contract is not None
    (by_number,) = await ib.reqContractDetailsAsync(a_stock("", conId=by_name.contract.conId))
    assert by_number.contract == by_name.contract
    assert (by_name.contract.symbol, by_name.minTick, by_name.sizeIncrement) == ("BRK B", 0.01, 0.0001)
    assert "SMART" in by_name.validExchanges
    (whole,) = await ib.reqContractDetailsAsync(a_stock("NVR"))
    (gone,) = await ib.reqContractDetailsAsync(a_stock("LEHMQ"))
    assert (whole.sizeIncrement, gone.validExchanges) == (1, "VALUE")


async def test_what_does_not_exist_has_no_definition(ib: IB) -> None:
    nowhere = a_stock("NOSUCH", conId=1)
    for asking in (ib.reqContractDetailsAsync(a_stock("NOSUCH")), ib.reqTickersAsync(nowhere)):
        with pytest.raises(RequestError) as e:
            await asking
        assert e.value.code == 200


async def test_the_hours_say_whether_it_is_open(ib: IB, gateway: IbGateway) -> None:
    (open_now,) = await ib.reqContractDetailsAsync(a_stock())
    (session,) = open_now.liquidSessions()
    assert session.start <= gateway.market.clock.now() < session.end
    gateway.close_market()
    (closed,) = await ib.reqContractDetailsAsync(a_stock())
    assert ":CLOSED;" in closed.liquidHours
    assert closed.liquidSessions()[0].start > gateway.market.clock.now()


async def test_a_snapshot_has_bid_ask_and_last_with_their_sizes(ib: IB) -> None:
    stocks = [a_stock(one) for one in ("SPY", "ZERO", "MINUS", "WORDS")]
    await ib.qualifyContractsAsync(*stocks)
    ticker, zero, minus, words = await ib.reqTickersAsync(*stocks)
    assert 390 < ticker.bid < ticker.ask < 400
    assert (ticker.bidSize, ticker.askSize, ticker.last) == (100, 100, 396.33)
    assert ticker.lastTimestamp is not None
    assert (zero.ask, minus.ask) == (0, -3)
    assert words.bid > words.ask


async def test_the_account_says_what_it_has(ib: IB, gateway: IbGateway) -> None:
    gateway.hold_fills()
    await placed(ib, a_buy(10))
    summary = {one.tag: one.value for one in await ib.accountSummaryAsync() if one.currency == "USD"}
    cash, free, power, settled, shares = (Decimal(summary[tag]) for tag in DOLLARS)
    assert cash == settled == 100_000
    assert shares == Decimal("1650.39")
    assert free == power < cash - 3900


async def test_a_third_summary_is_refused_until_one_is_ended(ib: IB) -> None:
    for _ in range(2):
        await ib.reqAccountSummaryAsync()
    with pytest.raises(RequestError) as e:
        await ib.reqAccountSummaryAsync()
    assert e.value.code == 322
    raw(ib).cancelAccountSummary(e.value.reqId - 1)
    await ib.reqAccountSummaryAsync()


async def test_updates_have_the_values_and_the_holdings(ib: IB, market: Market) -> None:
    await ib.reqAccountUpdatesAsync(market.number)
    assert {one.tag: one.value for one in ib.accountValues()}["TotalCashBalance"] == "100000.00"
    (held,) = ib.portfolio()
    assert (held.contract.symbol, held.position, held.marketPrice) == ("MSFT", 7, 235.77)


async def test_a_market_order_is_acknowledged_filled_and_paid(ib: IB, market: Market) -> None:
    trade = await placed(ib, a_buy(3, ref="mine"))
    assert [entry.status for entry in trade.log][:2] == ["PendingSubmit", "PreSubmitted"]
    status = trade.orderStatus
    assert (status.status, status.filled, status.remaining) == ("Filled", 3, 0)
    assert 396 < status.avgFillPrice < 397
    (fill,) = trade.fills
    assert (fill.execution.side, fill.execution.shares, fill.execution.orderRef) == ("BOT", 3, "mine")
    assert fill.execution.permId == trade.order.permId > 0
    assert fill.commissionReport.commission == 0.02
    assert dict(market.desk.positions()) == {"MSFT": 7, "SPY": 3}


async def test_positions_are_told_as_they_change(ib: IB) -> None:
    def held() -> dict[str, float]:
        return {one.contract.symbol: one.position for one in ib.positions()}

    assert held() == {"MSFT": 7}
    await placed(ib, a_buy(2))
    await placed(ib, a_buy(7, action="SELL"), "MSFT")
    assert held() == {"SPY": 2}
    raw(ib).cancelPositions()
    await placed(ib, a_buy(1))
    assert held() == {"SPY": 2}
    assert [type(one) for one in await ib.reqPositionsAsync()] == [Position]


async def test_an_order_fills_in_steps(ib: IB, gateway: IbGateway) -> None:
    gateway.hold_fills()
    trade = await placed(ib, a_buy(5))
    seen = []
    for shares in (Quantity(Decimal(2)), Quantity(Decimal(1)), None):
        gateway.let_fill("SPY", shares)
        await heard(ib)
        seen.append((trade.orderStatus.status, trade.orderStatus.filled, trade.fills[-1].execution.cumQty))
    assert seen == [("Submitted", 2, 2), ("Submitted", 3, 3), ("Filled", 5, 5)]


async def test_a_limit_waits_for_its_price(ib: IB, gateway: IbGateway) -> None:
    trade = await placed(ib, a_buy(2, limit=350))
    (open_order,) = await ib.reqAllOpenOrdersAsync()
    assert (open_order.order.orderType, open_order.order.lmtPrice) == ("LMT", 350)
    assert trade.orderStatus.status == "Submitted"
    gateway.move("SPY", Decimal("349.5"))
    await heard(ib)
    assert trade.orderStatus.status == "Filled"
    assert trade.orderStatus.avgFillPrice <= 350


async def test_a_cancel_is_pending_and_then_done(ib: IB, gateway: IbGateway) -> None:
    gateway.hold_fills()
    errors = errors_of(ib)
    trade = await placed(ib, a_buy(2))
    ib.cancelOrder(trade.order)
    await heard(ib)
    assert [entry.status for entry in trade.log][-2:] == ["PendingCancel", "Cancelled"]
    assert errors == [(trade.order.orderId, 202)]
    raw(ib).cancelOrder(trade.order.orderId)
    raw(ib).cancelOrder(4711)
    await heard(ib)
    assert errors[1:] == [(trade.order.orderId, 10148), (4711, 10147)]


async def test_what_has_ended_is_listed_without_what_tws_does_not_tell(ib: IB, gateway: IbGateway) -> None:
    filled = await placed(ib, a_buy(2, ref="one"))
    gateway.hold_fills()
    canceled = await placed(ib, a_buy(3, ref="two"))
    gateway.let_fill("SPY", Quantity(Decimal(1)))
    ib.cancelOrder(canceled.order)
    listed = {one.order.orderRef: one for one in await ib.reqCompletedOrdersAsync(apiOnly=False)}
    one, two = listed["one"], listed["two"]
    assert (one.order.permId, two.order.permId) == (filled.order.permId, canceled.order.permId)
    assert (one.orderStatus.status, two.orderStatus.status) == ("Filled", "Cancelled")
    assert (one.order.filledQuantity, one.order.totalQuantity) == (2, 0)
    assert (two.order.filledQuantity, two.order.totalQuantity) == (1, 3)
    assert (one.order.orderId, one.order.clientId, one.orderStatus.avgFillPrice) == (0, 0, 0)


async def test_executions_are_listed_by_client_symbol_and_time(ib: IB, gateway: IbGateway) -> None:
    await placed(ib, a_buy(1))
    await placed(ib, a_buy(2), "KO")
    assert [fill.execution.shares for fill in await ib.reqExecutionsAsync()] == [1, 2]
    soon, before = "20990101 00:00:00 US/Eastern", "20200101-00:00:00"
    for narrowed, expected in (
        ({"symbol": "KO"}, [2]),
        ({"clientId": 8}, []),
        ({"clientId": 7, "acctCode": gateway.market.number}, [1, 2]),
        ({"acctCode": "DU0"}, []),
        ({"time": soon}, []),
        ({"time": before}, [1, 2]),
    ):
        wanted: dict[str, Any] = narrowed
        fills = await ib.reqExecutionsAsync(ExecutionFilter(**wanted))
        assert [fill.execution.shares for fill in fills] == expected


async def test_an_order_id_is_used_once_and_never_less_than_another(ib: IB, gateway: IbGateway) -> None:
    gateway.hold_fills()
    errors = errors_of(ib)
    trade = await placed(ib, a_buy(2))
    order_id = trade.order.orderId
    raw(ib).placeOrder(order_id, a_stock(), a_buy(2))
    await heard(ib)
    assert (len(gateway.orders()), errors) == (1, [])
    raw(ib).placeOrder(order_id, a_stock(), a_buy(3))
    raw(ib).placeOrder(order_id - 1, a_stock(), a_buy(2))
    gateway.let_fill("SPY")
    raw(ib).placeOrder(order_id, a_stock(), a_buy(2))
    await heard(ib)
    assert [code for _, code in errors] == [105, 103, 103]
    assert len(gateway.orders()) == 1


async def test_two_orders_of_one_reference_are_two(ib: IB, gateway: IbGateway) -> None:
    for _ in range(2):
        await placed(ib, a_buy(1, ref="same"))
    assert [paper.terms.ref for paper in gateway.orders()] == ["same", "same"]


async def test_what_was_placed_is_found_again_after_the_connection_broke(ib: IB, gateway: IbGateway) -> None:
    done = await placed(ib, a_buy(1, ref="done"))
    gateway.hold_fills()
    works = await placed(ib, a_buy(2, ref="works"))
    gateway.drop_connections()
    again = await connected(gateway)
    assert [one.order.orderRef for one in await again.reqAllOpenOrdersAsync()] == ["works"]
    assert again.openTrades()[0].order.orderId == works.order.orderId
    assert [one.order.orderRef for one in await again.reqCompletedOrdersAsync(apiOnly=False)] == ["done"]
    assert [fill.execution.permId for fill in await again.reqExecutionsAsync()] == [done.order.permId]
    assert again.client.getReqId() > works.order.orderId
    again.cancelOrder(again.openTrades()[0].order)
    await heard(again)
    assert not again.openTrades()
    again.disconnect()


async def test_another_client_sees_the_order_and_cannot_cancel_it(ib: IB, gateway: IbGateway) -> None:
    gateway.hold_fills()
    trade = await placed(ib, a_buy(2, ref="mine"))
    other = await connected(gateway, 8)
    errors = errors_of(other)
    assert await other.reqOpenOrdersAsync() == []
    assert [one.order.clientId for one in await other.reqAllOpenOrdersAsync()] == [7]
    raw(other).cancelOrder(trade.order.orderId)
    await heard(other)
    assert errors == [(trade.order.orderId, 10147)]
    other.disconnect()


async def test_a_client_id_is_taken_once(ib: IB, gateway: IbGateway) -> None:
    other = IB()
    errors = errors_of(other)
    with pytest.raises((TimeoutError, ConnectionError)):
        await other.connectAsync("127.0.0.1", gateway.port, clientId=7, timeout=0.3)
    assert errors == [(-1, 326)]
    assert (await ib.reqCurrentTimeAsync()) is not None


async def test_an_order_at_night_waits_for_the_opening(ib: IB, gateway: IbGateway) -> None:
    gateway.close_market()
    trade = await placed(ib, a_buy(2))
    assert trade.orderStatus.status == "PreSubmitted"
    gateway.open_market()
    await heard(ib)
    assert trade.orderStatus.status == "Filled"
    gateway.hold_fills()
    day, good_till = await placed(ib, a_buy(2)), await placed(ib, a_buy(2, tif="GTC"))
    gateway.close_market()
    await heard(ib)
    assert [one.orderStatus.status for one in (day, good_till)] == ["Cancelled", "Submitted"]


@pytest.mark.parametrize(
    ("code", "symbol", "terms"),
    [
        (200, "NOSUCH", {}),
        (203, "LEHMQ", {}),
        (201, "SPY", {"shares": 1000}),
        (201, "MSFT", {"shares": 8, "action": "SELL"}),
        (201, "SPY", {"tif": "FOK"}),
        (110, "SPY", {"limit": 350.001}),
        (321, "SPY", {"limit": 0.0}),
        (321, "SPY", {"account": "DU0"}),
        (321, "SPY", {"action": "BORROW"}),
        (321, "SPY", {"transmit": False}),
        (387, "SPY", {"orderType": "STP"}),
        (434, "SPY", {"shares": 0}),
        (10243, "SPY", {"shares": 1.5}),
        (10244, "SPY", {"shares": 0, "cashQty": 100.0}),
        (320, "SPY", {"shares": "many"}),
    ],
)
async def test_what_is_refused_has_its_code_and_is_in_no_list(
    ib: IB, gateway: IbGateway, code: int, symbol: str, terms: dict[str, Any]
) -> None:
    errors = errors_of(ib)
    trade = await placed(ib, a_buy(**{"shares": 1, **terms}), symbol)
    assert errors == [(trade.order.orderId, code)]
    assert (trade.orderStatus.status == "Inactive") is (code == 201)
    assert await ib.reqAllOpenOrdersAsync() == []
    assert await ib.reqCompletedOrdersAsync(apiOnly=False) == []
    assert gateway.orders() == []


def errors_of(ib: IB) -> list[tuple[int, int]]:
    """Collect the errors that are told from now on, by request and code; farms that are well are none."""
    errors: list[tuple[int, int]] = []

    def note(req_id: int, code: int, *_: object) -> None:
        if code not in {2104, 2106, 2158}:
            errors.append((req_id, code))

    ib.errorEvent += note
    return errors
