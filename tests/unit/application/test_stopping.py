"""Stops, breakers, and what happens to what was in flight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import anyio
from stage import Stage, a_plan, buy, only

from planfill.adapters.brokers.mock.faults import Fail, Hang, NeverFill, Refuse
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.ports.broker import Broker
from planfill.application.ports.clock import Clock
from planfill.application.ports.limiter import RequestLimiter
from planfill.application.stopping import StopSignal
from planfill.domain.errors import OrderNotFound
from planfill.domain.events import Event
from planfill.domain.order import Order
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.report import ExecutionReport
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.values import ClientOrderId


async def _stopped_after(stage: Stage, seconds: float, plan: dict[str, object]) -> ExecutionResult:
    stop, results = StopSignal(), list[ExecutionResult]()

    async def execute() -> None:
        results.append(await stage.execute(plan, stop))

    async with anyio.create_task_group() as group:
        group.start_soon(execute)
        await stage.clock.sleep(seconds)
        stop.request(Reason.INTERRUPTED, "Ctrl-C")
    return results[0]


async def test_a_stop_cancels_what_works_and_closes_the_rest() -> None:
    stage = Stage(On("place_order", NeverFill()), concurrency=1)
    result = await _stopped_after(stage, 10, a_plan(buy("SPY", "1000")))
    assert (result.status, result.exit_code) == (ExecutionStatus.HALTED, 3)
    assert (only(result).outcome, only(result).reason) == (LineOutcome.UNFILLED, Reason.INTERRUPTED)
    assert stage.clock.monotonic() < 15
    assert result.detail == "Ctrl-C"


async def test_after_a_stop_nothing_new_is_sent_and_what_is_in_flight_is_joined() -> None:
    stage = Stage(On("place_order", Hang(5)), concurrency=1)
    result = await _stopped_after(stage, 1, a_plan(buy("SPY", "1000"), buy("QQQ", "1000")))
    assert [line.outcome for line in result.lines] == [LineOutcome.FILLED, LineOutcome.BLOCKED]
    assert result.lines[1].reason is Reason.INTERRUPTED
    assert result.status is ExecutionStatus.HALTED


async def test_a_stopped_execution_is_closed_for_good() -> None:
    stage = Stage(On("place_order", NeverFill()))
    first = await _stopped_after(stage, 10, a_plan(buy("SPY", "1000")))
    assert await stage.execute(a_plan(buy("SPY", "1000"))) == first


async def test_a_stop_during_the_wait_for_the_proceeds_ends_the_wait() -> None:
    stage = Stage(
        settings={"cash": "0", "holdings": {"SPY": "10"}, "proceeds_delay_s": 3600}, funding_wait_s=600
    )
    plan = a_plan(
        {"symbol": "SPY", "action": "SELL", "trade_amount": "4000", "target_weight": "0"},
        buy("QQQ", "3900"),
    )
    result = await _stopped_after(stage, 10, plan)
    assert result.status is ExecutionStatus.HALTED
    assert stage.clock.monotonic() < 20


async def test_a_stop_that_comes_when_all_is_done_changes_nothing() -> None:
    stage, stop = Stage(), StopSignal()

    class Late(Broker):
        async def place_order(self, order: Order) -> ExecutionReport:
            report = await stage.broker.place_order(order)
            stop.request(Reason.INTERRUPTED, "Ctrl-C")
            return report

        async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
            return await stage.broker.get_order_status(client_order_id)

        async def cancel_order(self, client_order_id: ClientOrderId) -> None:
            await stage.broker.cancel_order(client_order_id)

    stage.replace(broker=Late())
    result = await stage.execute(a_plan(buy("SPY", "1000")), stop)
    assert result.status is ExecutionStatus.SUCCEEDED


async def test_more_than_half_of_the_orders_failing_stops_a_long_plan_early() -> None:
    symbols = [f"S{i}" for i in range(30)]
    stage = Stage(On("place_order", Refuse()), settings={"prices": dict.fromkeys(symbols, "10")})
    result = await stage.execute(a_plan(*(buy(symbol, "100") for symbol in symbols)))
    assert result.status is ExecutionStatus.HALTED
    assert result.orders_placed == 10
    assert [line.reason for line in result.lines[10:]] == [Reason.BREAKER] * 20
    assert "10 of 10 orders failed" in result.detail
    alerts = [event for event in await stage.events() if event.kind == "alerted"]
    assert [alert.severity for alert in alerts] == ["CRITICAL"]


async def test_a_quarter_of_the_orders_failing_raises_an_alert() -> None:
    symbols = [f"S{i}" for i in range(8)]
    stage = Stage(
        On("place_order", Refuse(), nth=1, times=2), settings={"prices": dict.fromkeys(symbols, "10")}
    )
    result = await stage.execute(a_plan(*(buy(symbol, "100") for symbol in symbols)))
    assert result.success_rate == 0.75
    alerts = [event for event in await stage.events() if event.kind == "alerted"]
    assert [alert.severity for alert in alerts] == ["WARNING"]


async def test_a_cancel_that_comes_within_the_read_lag_is_asked_again_when_the_order_shows() -> None:
    stage = Stage(On("place_order", NeverFill()), settings={"read_lag_s": 2})
    result = await _stopped_after(stage, 0.5, a_plan(buy("SPY", "1000")))
    assert (only(result).outcome, only(result).reason) == (LineOutcome.UNFILLED, Reason.INTERRUPTED)
    assert result.status is ExecutionStatus.HALTED
    assert stage.clock.monotonic() < 10


async def test_a_cancel_of_an_order_that_the_broker_does_not_know_proves_nothing() -> None:
    stage = Stage(On("place_order", NeverFill()), On("cancel_order", Fail(OrderNotFound("who?"))))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.IN_DOUBT


async def test_a_stop_while_a_wave_is_prepared_withdraws_what_was_recorded() -> None:
    stage, stop = Stage(), StopSignal()

    class Stopping(MemoryLedger):
        async def append(self, stream: str, events: Sequence[Event], **rest: Any) -> Any:
            recorded = await super().append(stream, events, **rest)
            if any(event.kind == "order_recorded" for event in events):
                stop.request(Reason.INTERRUPTED, "Ctrl-C")
            return recorded

    stage.ledger = Stopping(stage.store)
    result = await stage.execute(a_plan(buy("SPY", "1000")), stop)
    assert (only(result).outcome, only(result).reason) == (LineOutcome.BLOCKED, Reason.INTERRUPTED)
    assert result.orders_placed == 0
    assert result.status is ExecutionStatus.HALTED


async def test_an_answer_about_another_order_is_a_doubt() -> None:
    stage = Stage()

    class Confused(Broker):
        async def place_order(self, order: Order) -> ExecutionReport:
            report = await stage.broker.place_order(order)
            return ExecutionReport.model_validate({**dict(report), "symbol": "QQQ"})

        async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
            return await stage.broker.get_order_status(client_order_id)

        async def cancel_order(self, client_order_id: ClientOrderId) -> None:
            await stage.broker.cancel_order(client_order_id)

    stage.replace(broker=Confused())
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert "order_doubted" in await stage.kinds()
    assert result.status is ExecutionStatus.SUCCEEDED
    assert only(result).average_price == Decimal("400.0801")


async def test_an_old_quote_does_not_pass_the_gate() -> None:
    stage = Stage(On("place_order", Hang(50)), concurrency=1, max_quote_age_s=60)
    plan = a_plan(buy("SPY", "100"), buy("QQQ", "100"), buy("IWM", "100"))
    result = await stage.execute(plan)
    assert [line.reason for line in result.lines] == [None, None, Reason.STALE_PRICE]
    assert result.lines[2].outcome is LineOutcome.SKIPPED


async def test_an_order_whose_time_is_over_does_not_pass_the_gate() -> None:
    stage = Stage(On("place_order", Hang(50)), concurrency=1, order_deadline_s=40)
    result = await stage.execute(a_plan(buy("SPY", "100"), buy("QQQ", "100")))
    assert [line.reason for line in result.lines] == [None, Reason.DEADLINE]


class NoTurns(RequestLimiter):
    """Gives no turn for an hour."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    async def turn(self, *, urgent: bool = False) -> None:
        await self.clock.sleep(3600 - urgent)

    def free(self) -> int:
        return 0

    async def ready(self) -> None:
        await self.clock.sleep(3600)


async def test_a_stop_does_not_wait_for_the_turn_of_an_order_that_will_not_be_sent() -> None:
    stage = Stage()
    stage.brokerage = replace(stage.brokerage, limiter=NoTurns(stage.clock))
    result = await _stopped_after(stage, 2, a_plan(buy("SPY", "1000")))
    assert result.lines[0].outcome is LineOutcome.BLOCKED
    assert stage.clock.monotonic() < 10
    assert await stage.broker.list_orders(stage.clock.now() - timedelta(days=1)) == []
