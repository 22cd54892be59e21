"""The rules of the simulated exchange."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from planfill.adapters.brokers.mock import MockBroker
from planfill.domain.errors import (
    InsufficientFundsError,
    InsufficientQuantityError,
    MarketClosedError,
    NotFractionableError,
    NotTradableError,
    OrderRejected,
)
from planfill.domain.order import Order, Side
from planfill.domain.report import OrderStatus
from planfill.domain.values import Quantity
from planfill.testing.clock import START, VirtualClock
from planfill.testing.venue import a_new_order

Mock = Callable[..., MockBroker]


def shares(number: str) -> Quantity:
    return Quantity(Decimal(number))


async def test_a_market_order_fills_at_once_where_there_is_no_delay(mock: Mock) -> None:
    report = await mock().place_order(a_new_order("SPY", "3"))
    assert report.status is OrderStatus.FILLED
    assert (report.filled_quantity, report.average_price) == (shares("3"), Decimal(100))


async def test_a_buy_pays_the_ask_and_the_slippage_and_a_sale_gets_the_bid_less_it(mock: Mock) -> None:
    broker = mock(spread_bps=20, slippage_bps=10)
    bought = await broker.place_order(a_new_order("SPY", "1"))
    sold = await broker.place_order(a_new_order("SPY", "1", side=Side.SELL))
    assert bought.average_price == Decimal("100.2001")
    assert sold.average_price == Decimal("99.8001")


async def test_cash_and_shares_move_by_exactly_what_was_traded(mock: Mock) -> None:
    broker = mock(prices={"SPY": "123.4567"})
    await broker.place_order(a_new_order("SPY", "1.123456789"))
    assert broker.desk.positions() == {"SPY": Decimal("11.123456789")}
    assert broker.desk.cash() == 1000 - Decimal("1.123456789") * Decimal("123.4567")
    account = await broker.get_account()
    assert account.cash_usd == Decimal("861.30")
    assert broker.desk.cash() - account.cash_usd < Decimal("0.01")


async def test_selling_all_leaves_no_position_at_all(mock: Mock) -> None:
    broker = mock(holdings={"SPY": "7.2273576"})
    await broker.place_order(a_new_order("SPY", "7.2273576", side=Side.SELL))
    assert broker.desk.positions() == {}
    assert await broker.get_sellable(["SPY"]) == {}


async def test_an_order_fills_when_its_delay_is_over(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(fill_delay_s=5)
    order = a_new_order("SPY")
    assert (await broker.place_order(order)).status is OrderStatus.NEW
    await clock.sleep(4.9)
    assert (await broker.get_order_status(order.client_order_id)).status is OrderStatus.NEW
    await clock.sleep(60)
    report = await broker.get_order_status(order.client_order_id)
    assert report.status is OrderStatus.FILLED
    assert report.reported_at == START + timedelta(seconds=5)
    (fill,) = await broker.list_fills(START)
    assert fill.filled_at == START + timedelta(seconds=5)


async def test_a_fill_in_two_steps_reports_both_and_the_average_of_them(
    mock: Mock, clock: VirtualClock
) -> None:
    broker = mock(fill_delay_s=1, partial_fills=1, slippage_bps=10)
    order = a_new_order("SPY", "7")
    await broker.place_order(order)
    await clock.sleep(1)
    first = await broker.get_order_status(order.client_order_id)
    assert first.status is OrderStatus.PARTIALLY_FILLED
    assert 0 < first.filled_quantity < 7
    assert first.filled_quantity % 1 == 0
    assert first.average_price == Decimal("100.1")
    await clock.sleep(1)
    second = await broker.get_order_status(order.client_order_id)
    assert second.status is OrderStatus.FILLED
    fills = await broker.list_fills(START)
    assert [fill.price for fill in fills] == [Decimal("100.1"), Decimal("100.2")]
    assert second.average_price is not None
    paid = sum(fill.quantity * fill.price for fill in fills)
    assert abs(second.average_price * 7 - paid) < Decimal("1e-20")
    assert broker.desk.cash() == 1000 - paid


async def test_a_fraction_fills_in_fractions(mock: Mock) -> None:
    broker = mock(partial_fills=1)
    await broker.place_order(a_new_order("SPY", "1.5"))
    fills = await broker.list_fills(START)
    assert len(fills) == 2
    assert sum(fill.quantity for fill in fills) == Decimal("1.5")


async def test_a_single_share_does_not_fill_in_two_steps(mock: Mock) -> None:
    broker = mock(partial_fills=1)
    await broker.place_order(a_new_order("SPY", "1"))
    assert len(await broker.list_fills(START)) == 1


async def test_the_seed_decides_which_orders_fill_in_two_steps(mock: Mock) -> None:
    async def steps(seed: int) -> list[int]:
        broker = mock(partial_fills=0.5, seed=seed, cash=10_000)
        orders = [a_new_order("QQQ", "10", name=f"pf-{n}") for n in range(12)]
        for order in orders:
            await broker.place_order(order)
        fills = await broker.list_fills(START)
        ids = [(await broker.get_order_status(order.client_order_id)).broker_order_id for order in orders]
        return [sum(fill.broker_order_id == one for fill in fills) for one in ids]

    assert await steps(1) == await steps(1)
    assert await steps(1) != await steps(2)
    assert set(await steps(1)) == {1, 2}


async def test_an_order_in_dollars_buys_what_they_reach_for(mock: Mock) -> None:
    broker = mock(prices={"SPY": "300.7"})
    report = await broker.place_order(a_new_order("SPY", notional=Decimal(100)))
    assert report.status is OrderStatus.FILLED
    assert report.filled_quantity == Decimal("0.332557366")


async def test_an_order_in_dollars_fills_in_two_steps_as_well(mock: Mock) -> None:
    broker = mock(prices={"SPY": "300.7"}, partial_fills=1, slippage_bps=1)
    report = await broker.place_order(a_new_order("SPY", notional=Decimal(100)))
    assert report.status is OrderStatus.FILLED
    assert 1000 - broker.desk.cash() <= 100
    assert len(await broker.list_fills(START)) == 2
    assert (await broker.get_account()).open_buys_usd == 0


async def test_an_order_in_dollars_that_reach_for_nothing_rests(mock: Mock) -> None:
    broker = mock(prices={"SPY": "99999999999"})
    report = await broker.place_order(a_new_order("SPY", notional=Decimal(1)))
    assert report.status is OrderStatus.NEW
    broker.desk.let_fill("SPY")
    assert (await broker.get_order_status(report.client_order_id)).filled_quantity == 0


async def test_fees_are_charged_to_the_cent_and_reported(mock: Mock) -> None:
    broker = mock(fee_bps=10, fee_usd_per_share="0.005")
    bought = await broker.place_order(a_new_order("SPY", "3"))
    sold = await broker.place_order(a_new_order("SPY", "1", side=Side.SELL))
    assert (bought.fees_usd, sold.fees_usd) == (Decimal("0.32"), Decimal("0.10"))
    assert broker.desk.cash() == 1000 - 300 - Decimal("0.32") + 100 - Decimal("0.10")


async def test_a_limit_order_waits_until_the_market_comes_to_it(mock: Mock) -> None:
    broker = mock()
    buy, sell = a_new_order("QQQ", limit=Decimal(49)), a_new_order("SPY", side=Side.SELL, limit=Decimal(101))
    for order in (buy, sell):
        assert (await broker.place_order(order)).status is OrderStatus.NEW
    broker.desk.move("QQQ", "49.5")
    assert (await broker.get_order_status(buy.client_order_id)).status is OrderStatus.NEW
    broker.desk.move("QQQ", "48")
    broker.desk.move("SPY", "102")
    bought = await broker.get_order_status(buy.client_order_id)
    sold = await broker.get_order_status(sell.client_order_id)
    assert (bought.average_price, sold.average_price) == (Decimal(48), Decimal(102))


async def test_slippage_does_not_take_a_limit_order_beyond_its_limit(mock: Mock) -> None:
    broker = mock(slippage_bps=50)
    bought = await broker.place_order(a_new_order("SPY", limit=Decimal("100.10")))
    sold = await broker.place_order(a_new_order("SPY", side=Side.SELL, limit=Decimal("99.90")))
    assert (bought.average_price, sold.average_price) == (Decimal("100.10"), Decimal("99.90"))


async def test_a_market_order_whose_price_goes_away_waits_for_it(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(fill_delay_s=1)
    order = a_new_order("SPY")
    await broker.place_order(order)
    broker.desk.move("SPY", None)
    await clock.sleep(2)
    assert (await broker.get_order_status(order.client_order_id)).status is OrderStatus.NEW


async def test_an_order_expires_at_the_close_with_what_it_has(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(closes_at=START + timedelta(seconds=10), fill_delay_s=60)
    order = a_new_order("SPY", "4")
    await broker.place_order(order)
    broker.desk.let_fill("SPY", shares("1"))
    await clock.sleep(11)
    report = await broker.get_order_status(order.client_order_id)
    assert (report.status, report.filled_quantity) == (OrderStatus.EXPIRED, shares("1"))
    assert report.reported_at == START + timedelta(seconds=10)
    assert (await broker.get_account()).open_buys_usd == 0


async def test_the_session_is_what_the_settings_say(mock: Mock, clock: VirtualClock) -> None:
    opens, closes = START + timedelta(hours=1), START + timedelta(hours=2)
    broker = mock(opens_at=opens, closes_at=closes)
    before = await broker.get_session()
    assert (before.is_open, before.opens_at, before.closes_at) == (False, opens, closes)
    await clock.sleep(3600)
    during = await broker.get_session()
    assert (during.is_open, during.opens_at, during.closes_at) == (True, None, closes)
    await clock.sleep(3600)
    after = await broker.get_session()
    assert (after.is_open, after.opens_at, after.closes_at) == (False, None, None)
    assert not (await mock(market_open=False).get_session()).is_open


async def test_a_closed_market_refuses_orders(mock: Mock) -> None:
    with pytest.raises(MarketClosedError):
        await mock(market_open=False).place_order(a_new_order("SPY"))


async def test_open_buys_reserve_the_cash_of_each_other(mock: Mock) -> None:
    broker = mock(fill_delay_s=1)
    await broker.place_order(a_new_order("SPY", "6"))
    account = await broker.get_account()
    assert account.cash_usd == 1000
    assert account.open_buys_usd == 600
    assert account.buying_power_usd == 400
    with pytest.raises(InsufficientFundsError, match=r"500\.00 needed, 400\.00 available"):
        await broker.place_order(a_new_order("QQQ", "10"))


async def test_open_sales_lock_the_shares_of_each_other(mock: Mock) -> None:
    broker = mock(fill_delay_s=1)
    await broker.place_order(a_new_order("SPY", "6", side=Side.SELL))
    assert await broker.get_sellable(["SPY"]) == {"SPY": 4}
    with pytest.raises(InsufficientQuantityError):
        await broker.place_order(a_new_order("SPY", "5", side=Side.SELL))


async def test_a_foreign_order_holds_the_shares_and_is_listed(mock: Mock) -> None:
    broker = mock()
    await broker.place_order(a_new_order("SPY", "10", side=Side.SELL, limit=Decimal(500), name="human-1"))
    assert await broker.get_sellable(["SPY"]) == {"SPY": 0}
    assert [one.client_order_id for one in await broker.list_orders(START)] == ["human-1"]


async def test_an_order_against_an_open_one_of_ours_is_a_wash_trade(mock: Mock) -> None:
    broker = mock()
    await broker.place_order(a_new_order("SPY", "1", side=Side.SELL, limit=Decimal(500)))
    with pytest.raises(OrderRejected, match="wash trade"):
        await broker.place_order(a_new_order("SPY"))
    await broker.place_order(a_new_order("SPY", "1", side=Side.SELL))


@pytest.mark.parametrize(("limit", "symbol"), [("100.005", "SPY"), ("0.50001", "KO")])
async def test_a_sub_penny_limit_is_refused(mock: Mock, limit: str, symbol: str) -> None:
    with pytest.raises(OrderRejected, match="sub-penny"):
        await mock().place_order(a_new_order(symbol, limit=Decimal(limit)))


async def test_four_decimals_are_fine_below_a_dollar(mock: Mock) -> None:
    report = await mock().place_order(a_new_order("KO", "4", limit=Decimal("0.5001")))
    assert report.status is OrderStatus.FILLED


@pytest.mark.parametrize(
    "order",
    [a_new_order("SPY", "0.009"), a_new_order("SPY", notional=Decimal("0.99"))],
    ids=["shares", "dollars"],
)
async def test_a_fraction_worth_less_than_a_dollar_is_not_bought(mock: Mock, order: Order) -> None:
    with pytest.raises(OrderRejected, match=r"minimum of \$1"):
        await mock().place_order(order)


async def test_a_dollar_to_the_cent_is_enough(mock: Mock) -> None:
    report = await mock(prices={"SPY": "333"}).place_order(a_new_order("SPY", "0.003003003"))
    assert report.status is OrderStatus.FILLED


async def test_a_remnant_can_be_sold_however_little_it_is_worth(mock: Mock) -> None:
    broker = mock(holdings={"SPY": "0.009", "QQQ": "5"})
    with pytest.raises(OrderRejected, match=r"minimum of \$1"):
        await broker.place_order(a_new_order("QQQ", "0.009", side=Side.SELL))
    assert (await broker.place_order(a_new_order("SPY", "0.009", side=Side.SELL))).is_terminal


async def test_a_whole_share_may_be_cheaper_than_a_dollar(mock: Mock) -> None:
    assert (await mock().place_order(a_new_order("KO", "1"))).is_terminal


async def test_a_tenth_decimal_is_refused(mock: Mock) -> None:
    with pytest.raises(OrderRejected, match="9 decimals"):
        await mock().place_order(a_new_order("SPY", "1.0000000001"))


async def test_dollars_are_not_sold(mock: Mock) -> None:
    with pytest.raises(OrderRejected, match="shares, not dollars"):
        await mock().place_order(a_new_order("SPY", side=Side.SELL, notional=Decimal(100)))


async def test_dollars_do_not_buy_what_trades_in_whole_shares(mock: Mock) -> None:
    with pytest.raises(NotFractionableError):
        await mock(not_fractionable=["spy"]).place_order(a_new_order("SPY", notional=Decimal(100)))


async def test_a_market_order_of_what_has_no_price_is_refused(mock: Mock) -> None:
    with pytest.raises(OrderRejected, match="no market for BAD"):
        await mock().place_order(a_new_order("BAD"))


async def test_what_is_held_without_a_price_can_be_offered_at_a_limit(mock: Mock) -> None:
    broker = mock(holdings={"GONE": "2.5"})
    with pytest.raises(OrderRejected, match="no market"):
        await broker.place_order(a_new_order("GONE", side=Side.SELL))
    report = await broker.place_order(a_new_order("GONE", side=Side.SELL, limit=Decimal(5)))
    assert report.status is OrderStatus.NEW
    with pytest.raises(OrderRejected, match="minimum"):
        await broker.place_order(a_new_order("GONE", "0.1", side=Side.SELL, limit=Decimal(5)))


async def test_a_blocked_account_says_so_and_places_nothing(mock: Mock) -> None:
    broker = mock(blocked="pattern day trader")
    assert (await broker.get_account()).blocked == "pattern day trader"
    with pytest.raises(OrderRejected, match="pattern day trader"):
        await broker.place_order(a_new_order("SPY"))


async def test_a_refusal_is_remembered_even_when_its_cause_is_gone(mock: Mock) -> None:
    broker = mock()
    order = a_new_order("SPY", "11")
    with pytest.raises(InsufficientFundsError) as first:
        await broker.place_order(order)
    await broker.place_order(a_new_order("SPY", "10", side=Side.SELL))
    with pytest.raises(InsufficientFundsError) as second:
        await broker.place_order(order)
    assert str(first.value) == str(second.value) == first.value.raw
    assert len(await broker.list_orders(START)) == 1


async def test_what_does_not_exist_is_refused_and_absent(mock: Mock) -> None:
    broker = mock()
    with pytest.raises(NotTradableError, match="NOSUCH not found"):
        await broker.place_order(a_new_order("NOSUCH"))
    assert await broker.get_instruments(["NOSUCH"]) == {}


async def test_a_sales_proceeds_show_late_where_the_settings_say_so(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(proceeds_delay_s=3)
    await broker.place_order(a_new_order("SPY", "5", side=Side.SELL))
    assert broker.desk.cash() == 1000
    await broker.wait(60)
    await broker.wait(60)
    assert clock.monotonic() == pytest.approx(3)
    assert broker.desk.cash() == 1500


async def test_todays_proceeds_are_settled_tomorrow(mock: Mock, clock: VirtualClock) -> None:
    broker = mock()
    await broker.place_order(a_new_order("SPY", "5", side=Side.SELL))
    account = await broker.get_account()
    assert account.cash_usd == 1500
    assert account.settled_usd == 1000
    await clock.sleep(86_400)
    assert (await broker.get_account()).settled_usd == 1500
    await broker.place_order(a_new_order("SPY", "1", side=Side.SELL))
    assert (await broker.get_account()).settled_usd == 1500


async def test_an_order_is_invisible_for_the_read_lag(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(read_lag_s=2)
    assert broker.capabilities.read_lag_s == 2
    order = a_new_order("SPY")
    await broker.place_order(order)
    assert await broker.list_orders(START) == []
    assert (await broker.place_order(order)).is_terminal
    await clock.sleep(2)
    assert len(await broker.list_orders(START)) == 1


async def test_without_unique_ids_a_repetition_is_a_second_order(mock: Mock) -> None:
    broker = mock(unique_ids=False, max_delivery_delay_s=30)
    assert not broker.capabilities.unique_ids
    assert broker.capabilities.max_delivery_delay_s == 30
    order = a_new_order("SPY", "4")
    await broker.place_order(order)
    await broker.place_order(order)
    assert broker.desk.positions() == {"SPY": 18}
    assert len(await broker.list_orders(START)) == 2
    with pytest.raises(InsufficientFundsError):
        await broker.place_order(order)
    assert (await broker.get_order_status(order.client_order_id)).is_terminal


async def test_orders_at_one_moment_fill_in_the_order_of_their_arrival(
    mock: Mock, clock: VirtualClock
) -> None:
    broker = mock(fill_delay_s=1)
    placed = [(await broker.place_order(a_new_order("KO"))).broker_order_id for _ in range(20)]
    await clock.sleep(1)
    assert [fill.broker_order_id for fill in await broker.list_fills(START)] == placed


async def test_a_forced_fill_needs_a_price_or_a_limit(mock: Mock) -> None:
    broker = mock()
    broker.desk.hold_fills()
    market, limit = a_new_order("SPY"), a_new_order("SPY", limit=Decimal(90))
    for order in (market, limit):
        await broker.place_order(order)
    broker.desk.move("SPY", "nonsense")
    broker.desk.let_fill("SPY")
    assert (await broker.get_order_status(market.client_order_id)).status is OrderStatus.NEW
    assert (await broker.get_order_status(limit.client_order_id)).average_price == 90
    broker.desk.hold_fills(on=False)
    assert (await broker.place_order(a_new_order("QQQ"))).is_terminal
