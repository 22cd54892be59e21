"""The trial order: far from the market, never ours by its name, and canceled whatever happens."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from stage import Stage

from planfill.adapters.brokers.mock import On
from planfill.adapters.brokers.mock.faults import (
    DeliverLate,
    Fail,
    FillDuringCancel,
    IgnoreCancel,
    LoseAnswer,
    ReadLag,
    Refuse,
    ShowStatus,
)
from planfill.application.ports.limiter import RequestLimiter
from planfill.application.trying import TryOrder
from planfill.domain.errors import BrokerConnectionError, BrokerUnavailable, OrderRejected, OutcomeUnknown
from planfill.domain.examination import CheckStatus, Finding
from planfill.domain.identity import PREFIX
from planfill.domain.market import Capabilities
from planfill.domain.order import Order, OrderType, Side
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.testing.builders import a_quote, an_instrument

SURPRISE: Any = ValueError("surprise")


async def try_order(stage: Stage, *, bid: str = "400", **instrument: Any) -> Finding:
    trial = TryOrder(stage.brokerage, stage.clock, stage.policy.execution)
    finding = await trial(a_quote(bid=bid), an_instrument(**instrument))
    assert finding.check == "order"
    return finding


async def the_order(stage: Stage) -> ExecutionReport:
    (report,) = await stage.broker.list_orders(stage.clock.now() - timedelta(days=1))
    return report


class Watching:
    """Keeps what is placed."""

    def __init__(self, stage: Stage) -> None:
        self.orders: list[Order] = []
        self._broker = stage.brokerage.broker
        stage.replace(broker=self)

    async def place_order(self, order: Order) -> ExecutionReport:
        self.orders.append(order)
        return await self._broker.place_order(order)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)


async def test_the_order_is_placed_found_by_its_name_and_canceled_and_its_id_is_said() -> None:
    stage = Stage()
    finding = await try_order(stage)
    report = await the_order(stage)
    assert report.status is OrderStatus.CANCELED
    assert finding.status is CheckStatus.IN_ORDER
    assert report.client_order_id in finding.found
    assert report.broker_order_id in finding.found


@pytest.mark.parametrize(
    ("instrument", "quantity"),
    [({}, "0.01"), ({"fractionable": False}, "1"), ({"quantity_increment": Decimal("0.3")}, "0.3")],
)
async def test_it_is_a_limit_far_from_the_market_of_two_dollars_or_one_lot(
    instrument: dict[str, Any], quantity: str
) -> None:
    stage = Stage()
    watching = Watching(stage)
    await try_order(stage, **instrument)
    (order,) = watching.orders
    assert (order.side, order.order_type, order.limit_price) == (Side.BUY, OrderType.LIMIT, Decimal(200))
    assert order.quantity == Decimal(quantity)


async def test_it_is_a_whole_share_where_the_broker_has_no_fractions() -> None:
    stage = Stage()
    stage.replace(capabilities=Capabilities(unique_ids=True, fractions=False))
    watching = Watching(stage)
    await try_order(stage)
    assert watching.orders[0].quantity == 1


async def test_its_name_is_none_of_an_execution() -> None:
    stage = Stage()
    watching = Watching(stage)
    await try_order(stage)
    name = watching.orders[0].client_order_id
    assert name.startswith("doctor-2021")
    assert not name.startswith(PREFIX)


async def test_it_waits_for_its_turn() -> None:
    turns = []

    class Limiter(RequestLimiter):
        async def turn(self, *, urgent: bool = False) -> None:
            turns.append(urgent)

        def free(self) -> int:
            return 1

        async def ready(self) -> None:
            raise NotImplementedError

    stage = Stage()
    stage.replace(limiter=Limiter())
    await try_order(stage)
    assert turns == [False]


@pytest.mark.parametrize("fault", [Refuse(OrderRejected("no money")), Fail(BrokerUnavailable("no money"))])
async def test_an_order_that_was_not_placed_says_why(fault: Any) -> None:
    stage = Stage(On("place_order", fault))
    finding = await try_order(stage)
    assert finding.status is CheckStatus.NOT_IN_ORDER
    assert "was not placed: no money" in finding.found


@pytest.mark.parametrize("fault", [LoseAnswer(), LoseAnswer(SURPRISE), DeliverLate(3)])
async def test_an_order_in_doubt_is_looked_for_until_it_is_canceled(fault: Any) -> None:
    stage = Stage(On("place_order", fault))
    finding = await try_order(stage)
    assert finding.status is CheckStatus.IN_ORDER
    assert (await the_order(stage)).status is OrderStatus.CANCELED


async def test_an_order_that_shows_late_is_waited_for() -> None:
    stage = Stage(On("place_order", ReadLag(2)))
    assert (await try_order(stage)).status is CheckStatus.IN_ORDER
    assert (await the_order(stage)).status is OrderStatus.CANCELED


async def test_an_order_in_doubt_that_is_not_found_is_said_loudly() -> None:
    stage = Stage(On("place_order", Fail(OutcomeUnknown("cut off"))))
    finding = await try_order(stage)
    assert finding.status is CheckStatus.NOT_IN_ORDER
    assert "NOBODY KNOWS WHETHER IT WORKS: cut off; order not found" in finding.found
    assert "by hand" in finding.remedy


@pytest.mark.parametrize("error", [BrokerConnectionError("no answer"), SURPRISE])
async def test_a_cancel_that_fails_is_asked_for_again(error: Any) -> None:
    stage = Stage(On("cancel_order", Fail(error), times=3))
    assert (await try_order(stage)).status is CheckStatus.IN_ORDER
    assert (await the_order(stage)).status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (IgnoreCancel(), "still NEW"),
        (Fail(BrokerConnectionError("no answer")), "no answer"),
        (Fail(SURPRISE), "ValueError in the adapter"),
    ],
)
async def test_a_cancel_that_is_not_confirmed_is_said_loudly_with_the_id(fault: Any, why: str) -> None:
    stage = Stage(On("cancel_order", fault))
    finding = await try_order(stage)
    report = await the_order(stage)
    assert not report.is_terminal
    assert finding.status is CheckStatus.NOT_IN_ORDER
    assert "THE CANCEL IS NOT CONFIRMED" in finding.found
    assert report.broker_order_id in finding.found
    assert why in finding.found
    assert "by hand" in finding.remedy


async def test_the_wait_for_a_cancel_is_as_long_as_the_grace_and_the_brokers_lag() -> None:
    stage = Stage(On("cancel_order", IgnoreCancel()), settings={"read_lag_s": 4})
    began = stage.clock.monotonic()
    await try_order(stage)
    assert 34 <= stage.clock.monotonic() - began < 35


async def test_an_order_that_filled_all_the_same_is_said_loudly() -> None:
    stage = Stage(On("cancel_order", FillDuringCancel()))
    finding = await try_order(stage)
    assert finding.status is CheckStatus.NOT_IN_ORDER
    assert "FILLED 0.01 shares" in finding.found


async def test_an_order_that_ended_otherwise_is_not_in_order() -> None:
    stage = Stage(On("get_order_status", ShowStatus(status=OrderStatus.EXPIRED)))
    finding = await try_order(stage)
    assert finding.status is CheckStatus.NOT_IN_ORDER
    assert "ended as EXPIRED" in finding.found
