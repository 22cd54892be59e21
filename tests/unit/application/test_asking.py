"""News that are pushed end an order; the list is read behind them, and does not use up all requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from stage import Stage, a_plan, buy

from planfill.application.asking import Pace
from planfill.domain.errors import OutcomeUnknown
from planfill.domain.report import ExecutionReport, Fill, OrderStatus
from planfill.domain.result import ExecutionStatus
from planfill.domain.values import ClientOrderId, Price, Quantity
from planfill.testing.clock import VirtualClock


@pytest.mark.parametrize("rate", [20, 180, 1000])
async def test_looks_take_half_of_the_requests_and_the_first_ones_do_not_wait(rate: int) -> None:
    clock = VirtualClock()
    pace, looks = Pace(clock, rate), list[float]()
    while clock.monotonic() < 120:
        await pace.turn()
        looks.append(clock.monotonic())
    assert looks[: rate // 12] == [0.0] * (rate // 12)
    second = [at for at in looks if 60 <= at < 120]
    assert abs(2 * len(second) - rate / 2) <= 2


async def test_where_nothing_is_counted_nobody_waits() -> None:
    clock = VirtualClock()
    pace = Pace(clock, None)
    for _ in range(1000):
        await pace.turn()
    assert clock.monotonic() == 0


class Pushing:
    """Pushes the ends of orders a moment after they may be known; counts how often the list is read."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.looks = self.calls = 0
        stage.replace(feed=self, records=self)

    async def wait(self, timeout_s: float) -> Sequence[ExecutionReport] | None:
        await self.stage.clock.sleep(min(timeout_s, 0.1))
        self.calls += 1
        return await self.says()

    async def says(self) -> Sequence[ExecutionReport] | None:
        return [report for report in await self.now() if report.is_terminal]

    async def now(self) -> Sequence[ExecutionReport]:
        return await self.stage.broker.list_orders(self.stage.clock.now() - timedelta(days=1))

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        self.looks += 1
        return await self.stage.broker.list_orders(since)

    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        return await self.stage.broker.list_fills(since)


class Endless(Pushing):
    """Always has another piece of an order to tell of, and never tells of its end."""

    async def says(self) -> Sequence[ExecutionReport] | None:
        part = {
            "status": OrderStatus.PARTIALLY_FILLED,
            "filled_quantity": Quantity(Decimal(self.calls) / 1000),
            "average_price": Price(Decimal(400)),
        }
        return [ExecutionReport.model_validate({**dict(report), **part}) for report in await self.now()]


class Strange(Pushing):
    """Tells of others' orders only."""

    async def says(self) -> Sequence[ExecutionReport] | None:
        name = {"client_order_id": ClientOrderId("human-1")}
        return [ExecutionReport.model_validate({**dict(report), **name}) for report in await self.now()]


class Down(Pushing):
    """Cannot be had."""

    async def says(self) -> Sequence[ExecutionReport] | None:
        raise OutcomeUnknown("connection limit exceeded")


AT_THE_START = 1


@pytest.fixture
def stage() -> Stage:
    return Stage(settings={"fill_delay_s": 0.05})


@pytest.mark.anyio
async def test_what_is_pushed_ends_an_order_and_no_list_is_read(stage: Stage) -> None:
    feed = Pushing(stage)
    result = await stage.execute(a_plan(buy("SPY", "4000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert feed.looks == AT_THE_START


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [Strange, Down])
async def test_where_nothing_of_ours_is_pushed_the_list_is_read_after_the_pause(
    kind: type[Pushing], stage: Stage
) -> None:
    feed = kind(stage)
    began = stage.clock.monotonic()
    result = await stage.execute(a_plan(buy("SPY", "4000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert feed.looks == AT_THE_START + 1
    assert stage.clock.monotonic() - began < 1


@pytest.mark.anyio
async def test_however_much_is_pushed_the_list_is_read_behind_it(stage: Stage) -> None:
    feed = Endless(stage)
    began = stage.clock.monotonic()
    result = await stage.execute(a_plan(buy("SPY", "4000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert feed.looks == AT_THE_START + 1
    assert 2 <= stage.clock.monotonic() - began < 3
