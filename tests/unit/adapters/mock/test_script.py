"""The faults that a test can script."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from planfill.adapters.brokers.mock import MockBroker, On, Script
from planfill.adapters.brokers.mock.faults import (
    AgeQuotes,
    DeliverLate,
    DeliverTwice,
    Fail,
    FillDuringCancel,
    FillLate,
    FillOnly,
    Hang,
    HidePrice,
    IgnoreCancel,
    LeaveOut,
    LoseAnswer,
    NeverFill,
    ReadLag,
    Refuse,
    RejectLate,
    ShowStatus,
)
from planfill.domain.errors import (
    BrokerUnavailable,
    InsufficientFundsError,
    OrderNotFound,
    OutcomeUnknown,
)
from planfill.domain.market import NoQuote, Quote
from planfill.domain.report import OrderStatus
from planfill.domain.values import Quantity
from planfill.testing.clock import START, VirtualClock
from planfill.testing.venue import a_new_order

Mock = Callable[..., MockBroker]


async def test_a_call_that_fails_has_no_effect(mock: Mock) -> None:
    broker = mock(Script(On("place_order", Fail(BrokerUnavailable("reset")), times=1)))
    order = a_new_order("SPY")
    with pytest.raises(BrokerUnavailable, match="reset"):
        await broker.place_order(order)
    with pytest.raises(OrderNotFound):
        await broker.get_order_status(order.client_order_id)
    assert (await broker.place_order(order)).is_terminal


async def test_by_default_nobody_knows_whether_a_failed_call_arrived(mock: Mock) -> None:
    broker = mock(Script(On("place_order", Fail())))
    with pytest.raises(OutcomeUnknown):
        await broker.place_order(a_new_order("SPY"))


async def test_a_lost_answer_leaves_the_order_working(mock: Mock) -> None:
    broker = mock(Script(On("place_order", LoseAnswer())))
    order = a_new_order("SPY")
    with pytest.raises(OutcomeUnknown):
        await broker.place_order(order)
    assert (await broker.get_order_status(order.client_order_id)).status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("line", "failed"),
    [
        (On("place_order", Fail()), [0, 1, 2, 3]),
        (On("place_order", Fail(), nth=2), [1]),
        (On("place_order", Fail(), times=2), [0, 1]),
        (On("place_order", Fail(), nth=2, times=2), [1, 2]),
        (On("place_order", Fail(), symbol="QQQ"), [1, 3]),
        (On("place_order", Fail(), symbol="QQQ", nth=2), [3]),
        (On("cancel_order", Fail()), []),
    ],
)
async def test_a_fault_meets_the_calls_that_it_names(mock: Mock, line: On, failed: list[int]) -> None:
    broker = mock(Script(line))
    met = []
    for number, symbol in enumerate(["SPY", "QQQ", "SPY", "QQQ"]):
        try:
            await broker.place_order(a_new_order(symbol))
        except OutcomeUnknown:
            met.append(number)
    assert met == failed


async def test_faults_come_and_go_while_a_test_runs(mock: Mock) -> None:
    broker = mock()
    broker.desk.script.add(On("get_account", Fail(BrokerUnavailable("down"))))
    with pytest.raises(BrokerUnavailable):
        await broker.get_account()
    broker.desk.script.clear()
    assert (await broker.get_account()).cash_usd == 1000


@pytest.mark.parametrize("method", ["get_session", "list_orders", "list_fills", "wait"])
async def test_every_method_can_fail(mock: Mock, method: str) -> None:
    broker = mock(Script(On(method, Fail(BrokerUnavailable("down")))))
    arguments: dict[str, list[object]] = {"list_orders": [START], "list_fills": [START], "wait": [1]}
    with pytest.raises(BrokerUnavailable):
        await getattr(broker, method)(*arguments.get(method, []))


async def test_a_call_hangs_before_or_after_its_effect(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(Script(On("place_order", Hang(30), nth=1), On("place_order", Hang(5, answer=True), nth=2)))
    first = await broker.place_order(a_new_order("SPY"))
    second = await broker.place_order(a_new_order("SPY"))
    assert clock.monotonic() == 35
    assert (first.reported_at - START).total_seconds() == 30
    assert (second.reported_at - START).total_seconds() == 30


async def test_latency_lies_on_both_sides_of_the_effect(mock: Mock, clock: VirtualClock) -> None:
    report = await mock(latency_s=1).place_order(a_new_order("SPY"))
    assert (report.reported_at - START).total_seconds() == 0.5
    assert clock.monotonic() == 1


async def test_a_placement_may_arrive_long_after_its_caller_gave_up(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(Script(On("place_order", DeliverLate(20))))
    order = a_new_order("SPY")
    with pytest.raises(OutcomeUnknown):
        await broker.place_order(order)
    await clock.sleep(19)
    with pytest.raises(OrderNotFound):
        await broker.get_order_status(order.client_order_id)
    await clock.sleep(2)
    report = await broker.get_order_status(order.client_order_id)
    assert (report.reported_at - START).total_seconds() == 20


@pytest.mark.parametrize(("unique", "bought"), [(True, 3), (False, 6)])
async def test_a_repeated_delivery_is_a_second_order_only_where_ids_are_not_unique(
    mock: Mock, clock: VirtualClock, *, unique: bool, bought: int
) -> None:
    broker = mock(Script(On("place_order", DeliverTwice(20))), unique_ids=unique)
    await broker.place_order(a_new_order("SPY", "3"))
    await clock.sleep(20)
    assert await broker.get_sellable(["SPY"]) == {"SPY": 10 + bought}


async def test_a_late_delivery_that_is_refused_disturbs_nobody(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(Script(On("place_order", DeliverLate(1))))
    with pytest.raises(OutcomeUnknown):
        await broker.place_order(a_new_order("SPY", "11"))
    await clock.sleep(1)
    assert await broker.list_orders(START) == []


async def test_a_refusal_is_the_one_of_the_script_each_time(mock: Mock) -> None:
    error = InsufficientFundsError("not today", raw='{"code": 40310000}')
    broker = mock(Script(On("place_order", Refuse(error), times=1)))
    order = a_new_order("SPY")
    for _ in range(2):
        with pytest.raises(InsufficientFundsError, match="not today") as refusal:
            await broker.place_order(order)
        assert refusal.value.raw == '{"code": 40310000}'


async def test_an_accepted_order_can_be_rejected_later(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(Script(On("place_order", RejectLate("halted"))), fill_delay_s=1)
    order = a_new_order("SPY")
    assert (await broker.place_order(order)).status is OrderStatus.NEW
    await clock.sleep(1)
    report = await broker.get_order_status(order.client_order_id)
    assert (report.status, report.raw) == (OrderStatus.REJECTED, "halted")
    assert (await broker.get_account()).open_buys_usd == 0


async def test_an_order_can_fill_late_or_never_or_in_part(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(
        Script(
            On("place_order", FillLate(100), nth=1),
            On("place_order", NeverFill(), nth=2),
            On("place_order", FillOnly(Quantity(Decimal(2))), nth=3),
        )
    )
    orders = [a_new_order("QQQ", "3") for _ in range(3)]
    for order in orders:
        await broker.place_order(order)

    async def filled() -> list[Quantity]:
        return [(await broker.get_order_status(o.client_order_id)).filled_quantity for o in orders]

    assert await filled() == [0, 0, 2]
    await clock.sleep(100)
    assert await filled() == [3, 0, 2]
    await broker.cancel_order(orders[2].client_order_id)
    last = await broker.get_order_status(orders[2].client_order_id)
    assert (last.status, last.filled_quantity) == (OrderStatus.CANCELED, Quantity(Decimal(2)))


async def test_an_order_can_be_missed_by_look_ups_for_a_while(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(Script(On("place_order", ReadLag(3))))
    order = a_new_order("SPY")
    await broker.place_order(order)
    for ask in (broker.get_order_status, broker.cancel_order):
        with pytest.raises(OrderNotFound):
            await ask(order.client_order_id)
    await clock.sleep(3)
    assert (await broker.get_order_status(order.client_order_id)).is_terminal


async def test_a_cancel_can_be_ignored(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(Script(On("cancel_order", IgnoreCancel(), symbol="SPY")), fill_delay_s=5)
    order = a_new_order("SPY")
    await broker.place_order(order)
    await broker.cancel_order(order.client_order_id)
    assert (await broker.get_order_status(order.client_order_id)).status is OrderStatus.NEW
    await clock.sleep(5)
    assert (await broker.get_order_status(order.client_order_id)).status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("fault", "status", "filled"),
    [
        (FillDuringCancel(), OrderStatus.FILLED, 3),
        (FillDuringCancel(Quantity(Decimal(1))), OrderStatus.CANCELED, 1),
    ],
)
async def test_a_fill_can_come_during_the_cancel(
    mock: Mock, fault: FillDuringCancel, status: OrderStatus, filled: int
) -> None:
    broker = mock(Script(On("cancel_order", fault)), fill_delay_s=5)
    order = a_new_order("SPY", "3")
    await broker.place_order(order)
    await broker.cancel_order(order.client_order_id)
    report = await broker.get_order_status(order.client_order_id)
    assert report.status is status
    assert report.filled_quantity == filled


async def test_a_price_can_be_withheld_for_some_reads(mock: Mock) -> None:
    script = Script(
        On("get_order_status", HidePrice(), times=2), On("list_orders", HidePrice("SPY"), times=1)
    )
    broker = mock(script)
    orders = [a_new_order("SPY"), a_new_order("QQQ")]
    for order in orders:
        await broker.place_order(order)
    first, second = await broker.list_orders(START)
    assert first.average_price is None
    assert second.average_price == 50
    name = orders[0].client_order_id
    prices = [(await broker.get_order_status(name)).average_price for _ in range(3)]
    assert prices == [None, None, 100]


async def test_a_status_from_the_future_can_be_shown(mock: Mock) -> None:
    broker = mock(Script(On("place_order", ShowStatus()), On("list_orders", ShowStatus("QQQ"))))
    shown = await broker.place_order(a_new_order("SPY"))
    assert (shown.status, shown.filled_quantity) == (OrderStatus.UNKNOWN, Quantity(Decimal(1)))
    (listed,) = await broker.list_orders(START)
    assert listed.status is OrderStatus.FILLED


async def test_a_list_can_lack_what_is_there(mock: Mock) -> None:
    broker = mock(Script(On("list_orders", LeaveOut("SPY")), On("list_fills", LeaveOut())))
    for symbol in ("SPY", "QQQ"):
        await broker.place_order(a_new_order(symbol))
    assert [one.symbol for one in await broker.list_orders(START)] == ["QQQ"]
    assert await broker.list_fills(START) == []


async def test_quotes_can_be_old(mock: Mock, clock: VirtualClock) -> None:
    broker = mock(Script(On("get_current_prices", AgeQuotes(symbol="SPY", seconds=90))))
    prices = await broker.get_current_prices(["SPY", "QQQ", "BAD"])
    old, fresh = prices["SPY"], prices["QQQ"]
    assert isinstance(old, Quote)
    assert isinstance(fresh, Quote)
    assert (clock.now() - old.at).total_seconds() == 90
    assert fresh.at == clock.now()
    broker.desk.script.clear()
    broker.desk.script.add(On("get_current_prices", AgeQuotes()))
    assert isinstance((await broker.get_current_prices(["BAD"]))["BAD"], NoQuote)


async def test_faults_of_one_call_work_together(mock: Mock, clock: VirtualClock) -> None:
    script = Script(
        On("place_order", Hang(5)), On("place_order", NeverFill()), On("place_order", LoseAnswer())
    )
    broker = mock(script)
    order = a_new_order("SPY")
    with pytest.raises(OutcomeUnknown):
        await broker.place_order(order)
    assert clock.monotonic() == 5
    assert (await broker.get_order_status(order.client_order_id)).status is OrderStatus.NEW
