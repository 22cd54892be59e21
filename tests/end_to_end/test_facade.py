"""The façade as an engine uses it: from any thread, any event loop, with settings or with ports."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from stage import a_plan, buy, sell

from planfill import ExecutionManager
from planfill.adapters.brokers.mock import MockBroker, MockSettings, On, Script
from planfill.adapters.brokers.mock.faults import Fail, NeverFill
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.ports.broker import Broker
from planfill.application.ports.listener import EventListener
from planfill.domain.errors import (
    AccountUnknown,
    AlreadyClosed,
    LedgerUnavailable,
    PlanNotApproved,
    PlanUnknown,
    ProcessForked,
    SettingsError,
)
from planfill.domain.events import Event, Recorded
from planfill.domain.order import Order
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.policy import ExecutionPolicy, Policy
from planfill.domain.reading import read_plan
from planfill.domain.report import ExecutionReport
from planfill.domain.resolution import NeverPlaced
from planfill.domain.result import ExecutionStatus
from planfill.domain.values import ClientOrderId

PRICES = {"SPY": "400", "QQQ": "300"}


def a_broker(*faults: On) -> MockBroker:
    settings = {"prices": PRICES, "book": ":memory:", "cash": "10000", "holdings": {}}
    return MockBroker(MockSettings.model_validate(settings), SystemClock(), Script(*faults))


HASTE = Policy(execution=ExecutionPolicy(order_deadline_s=0.2, cancel_grace_s=0.2, poll_s=0.05))


def a_manager(
    *faults: On, listeners: Sequence[EventListener] = (), policy: Policy | None = None
) -> ExecutionManager:
    return ExecutionManager(
        broker=a_broker(*faults), ledger=MemoryLedger(), listeners=listeners, policy=policy
    )


class Begun(EventListener):
    """Says when the first order is recorded."""

    name = ""

    def __init__(self) -> None:
        self._recorded = threading.Event()

    async def on_event(self, recorded: Recorded) -> None:
        if recorded.event.kind == "order_recorded":
            self._recorded.set()

    def wait(self) -> None:
        assert self._recorded.wait(timeout=30)


def test_a_script_executes_a_plan_and_reads_its_result_back() -> None:
    with a_manager() as execution:
        result = execution.execute_rebalance_plan(a_plan(buy("SPY", "1000")))
        assert result.status is ExecutionStatus.SUCCEEDED
        assert execution.result("plan-1") == result
        assert [one.key.plan_id for one in execution.executions()] == ["plan-1"]
        assert execution.executions(unfinished=True) == ()
        assert execution.resume("plan-1") == result


def test_weights_of_sixty_and_forty_become_two_filled_orders_with_ids() -> None:
    weights, portfolio = {"SPY": Decimal("0.6"), "QQQ": Decimal("0.4")}, Decimal(9000)
    plan = {
        "plan_id": "weights-1",
        "correlation_id": "run-1",
        "timestamp": "2026-01-05T15:00:00Z",
        "total_portfolio_value": portfolio,
        "items": [
            {"symbol": s, "action": "BUY", "target_weight": w, "trade_amount": w * portfolio}
            for s, w in weights.items()
        ],
    }
    with a_manager() as execution:
        result = execution.execute_rebalance_plan(plan)
    assert result.success
    assert [order.symbol for order in result.orders] == ["SPY", "QQQ"]
    assert all(order.order_id and order.success for order in result.orders)


async def test_the_adapter_places_an_order_and_reads_the_same_id() -> None:
    broker = a_broker()
    order = Order.model_validate_json(
        '{"client_order_id": "pf-1", "symbol": "SPY", "side": "BUY", "order_type": "MARKET", '
        '"quantity": "1", "quoted_at": "2026-01-05T15:00:00Z"}'
    )
    broker.open_for(read_plan(a_plan()))
    placed = await broker.place_order(order)
    read = await broker.get_order_status(ClientOrderId("pf-1"))
    assert placed.broker_order_id
    assert read.broker_order_id == placed.broker_order_id


@pytest.mark.parametrize("plan", [None, a_plan()])
def test_no_plan_and_an_empty_plan_are_a_success_with_no_orders(plan: dict[str, object] | None) -> None:
    with a_manager() as execution:
        result = execution.execute_rebalance_plan(plan)
    assert (result.status, result.success, result.orders) == (ExecutionStatus.NOTHING_TO_DO, True, ())
    assert (result.plan_id is None) == (plan is None)


async def test_a_running_event_loop_stays_free_while_a_plan_is_executed() -> None:
    with a_manager() as execution:
        result = await execution.execute_rebalance_plan_async(a_plan(buy("SPY", "1000")))
        nothing = await execution.execute_rebalance_plan_async(None)
    assert result.success
    assert nothing.plan_id is None


async def test_cancelling_the_call_stops_the_execution_and_waits_until_it_is_settled() -> None:
    begun = Begun()
    with a_manager(On("place_order", NeverFill()), listeners=[begun]) as execution:
        call = asyncio.ensure_future(execution.execute_rebalance_plan_async(a_plan(buy("SPY", "1000"))))
        await asyncio.to_thread(begun.wait)
        call.cancel()
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        result = execution.result("plan-1")
    assert result.status in {ExecutionStatus.HALTED, ExecutionStatus.REFUSED}
    assert result.lines[0].reason is Reason.INTERRUPTED


def test_ctrl_c_stops_the_execution_and_still_gives_its_result() -> None:
    begun = Begun()
    with a_manager(On("place_order", NeverFill()), listeners=[begun]) as execution:

        def press() -> None:
            begun.wait()
            os.kill(os.getpid(), signal.SIGINT)

        finger = threading.Thread(target=press)
        finger.start()
        result = execution.execute_rebalance_plan(a_plan(buy("SPY", "1000")))
        finger.join()
    assert result.status in {ExecutionStatus.HALTED, ExecutionStatus.REFUSED}


def test_one_manager_serves_many_threads_one_execution_an_account_at_a_time() -> None:
    plans = [a_plan(buy("SPY", "10"), plan_id=f"plan-{i}") for i in range(8)]
    with a_manager() as execution, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(execution.execute_rebalance_plan, plans))
        again = [execution.execute_rebalance_plan(plan) for plan in plans]
    assert {result.status for result in results} <= {ExecutionStatus.SUCCEEDED, ExecutionStatus.REFUSED}
    assert {result.status for result in again} == {ExecutionStatus.SUCCEEDED}


def test_many_threads_that_call_first_get_one_loop() -> None:
    for _ in range(20):
        ready = threading.Barrier(8)

        def call(execution: ExecutionManager, ready: threading.Barrier = ready) -> object:
            ready.wait()
            return execution._thread._portal()

        with a_manager() as execution, ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(call, [execution] * 8))) == 1


def test_only_the_approved_plan_is_executed() -> None:
    plan = a_plan(buy("SPY", "1000"))
    with a_manager() as execution:
        digest = execution.preview(plan).digest
        with pytest.raises(PlanNotApproved, match="preview"):
            execution.execute_rebalance_plan(a_plan(buy("SPY", "1001")), approved=digest)
        assert execution.executions() == ()
        assert execution.execute_rebalance_plan(plan, approved=digest).success


def test_a_plan_for_an_account_that_the_settings_do_not_know_is_refused() -> None:
    with a_manager() as execution, pytest.raises(AccountUnknown, match="no account 'ira'"):
        execution.execute_rebalance_plan(a_plan(buy("SPY", "1000"), account="ira"))


def test_a_plan_that_is_not_known_cannot_be_resumed() -> None:
    with a_manager() as execution, pytest.raises(PlanUnknown):
        execution.resume("plan-9")


def test_an_engine_cancels_a_plan_that_another_thread_executes() -> None:
    begun = Begun()
    with (
        a_manager(On("place_order", NeverFill()), listeners=[begun]) as execution,
        ThreadPoolExecutor(1) as pool,
    ):
        executing = pool.submit(execution.execute_rebalance_plan, a_plan(buy("SPY", "1000")))
        begun.wait()
        asked = execution.cancel("plan-1", "wrong plan")
        result = executing.result()
    assert asked.lines[0].reason in {Reason.ACCOUNT_BUSY, Reason.CANCELED_BY_USER}
    assert result.status is ExecutionStatus.HALTED
    assert result.lines[0].reason is Reason.CANCELED_BY_USER


def test_an_engine_resolves_an_order_that_nobody_can_find() -> None:
    lost = (On("place_order", Fail()), On("get_order_status", Fail()), On("cancel_order", Fail()))
    with a_manager(*lost, policy=HASTE) as execution:
        doubt = execution.execute_rebalance_plan(a_plan(buy("SPY", "1000")))
        assert doubt.status is ExecutionStatus.IN_DOUBT
        order = str(doubt.lines[0].client_order_id)
        result = execution.resolve(order, NeverPlaced(), "the broker says so")
    assert result.lines[0].reason is Reason.RESOLVED


async def test_an_execution_that_fails_while_its_call_is_cancelled_still_ends_the_call() -> None:
    reached, released = threading.Event(), threading.Event()

    class Failing(MemoryLedger):
        async def append(self, stream: str, events: Sequence[Event], **rest: Any) -> Any:
            if any(event.kind == "order_recorded" for event in events):
                reached.set()
                await asyncio.to_thread(released.wait)
                raise LedgerUnavailable(stream)
            return await super().append(stream, events, **rest)

    with ExecutionManager(broker=a_broker(), ledger=Failing()) as execution:
        call = asyncio.ensure_future(execution.execute_rebalance_plan_async(a_plan(buy("SPY", "1000"))))
        await asyncio.to_thread(reached.wait)
        call.cancel()
        await asyncio.sleep(0)
        released.set()
        with pytest.raises(asyncio.CancelledError):
            await call


def test_a_forked_child_gets_one_clear_error() -> None:
    with a_manager() as execution:
        assert execution.execute_rebalance_plan(a_plan(buy("SPY", "1000"))).success
        execution._thread._process += 1
        with pytest.raises(ProcessForked, match="make a new one"):
            execution.result("plan-1")
        execution.close()
        execution._thread._process -= 1


def test_a_facade_that_was_closed_says_so() -> None:
    with a_manager() as execution:
        assert execution.executions() == ()
    execution.close()
    with pytest.raises(AlreadyClosed, match="make a new one"):
        execution.execute_rebalance_plan(a_plan(buy("SPY", "1000")))


def test_a_facade_is_not_sent_to_another_process() -> None:
    with a_manager() as execution, pytest.raises(TypeError, match="send the plan, and make one there"):
        pickle.dumps(execution)


def test_facades_of_one_process_write_to_one_log_file_until_the_last_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANFILL_MOCK__PRICES", json.dumps(PRICES))
    monkeypatch.setenv("PLANFILL_MOCK__CASH", "10000")
    with ExecutionManager.from_settings() as one:
        with ExecutionManager.from_settings() as other:
            assert one.execute_rebalance_plan(a_plan(buy("SPY", "100"), plan_id="one")).success
            one.reconciliation()  # the account is the other's only after it
            assert other.execute_rebalance_plan(a_plan(buy("SPY", "100"), plan_id="other")).success
        assert one.execute_rebalance_plan(a_plan(buy("SPY", "100"), plan_id="last")).success
    lines = Path("planfill.log").read_text(encoding="utf-8").splitlines()
    logged = [(line["stream"], line["number"]) for line in map(json.loads, lines)]
    assert len(logged) == len(set(logged))
    assert {stream.rpartition(":")[2] for stream, _ in logged} >= {"one", "other", "last"}
    assert str(tmp_path / "planfill.log") not in open_files()


def open_files() -> set[str]:
    """Name the files that the process has open."""
    return {str(number.resolve()) for number in list(Path("/dev/fd").iterdir())}


def test_a_port_that_is_missing_is_named() -> None:
    class OnlyABroker(Broker):
        async def place_order(self, order: Order) -> ExecutionReport:
            raise NotImplementedError

        async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
            raise NotImplementedError

        async def cancel_order(self, client_order_id: ClientOrderId) -> None:
            raise NotImplementedError

    with pytest.raises(SettingsError, match="records"):
        ExecutionManager(broker=OnlyABroker())


def test_settings_make_a_manager_with_a_durable_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("prices.json").write_text(json.dumps({"as_of": "2026-01-05T15:00:00Z", "last": PRICES}))
    Path("planfill.toml").write_text('[mock]\nprices = "prices.json"\n')
    plan = a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "3900"))
    with ExecutionManager.from_settings() as execution:
        result = execution.execute_rebalance_plan(plan)
    with ExecutionManager.from_settings("planfill.toml") as execution:
        assert execution.execute_rebalance_plan(plan) == result
        assert execution.result("plan-1") == result
    assert result.status is ExecutionStatus.SUCCEEDED
    assert [line.outcome for line in result.lines] == [LineOutcome.FILLED] * 2
    assert Path("planfill.db").exists()
    assert Path("planfill-mock.db").exists()


def test_an_urgency_in_the_settings_picks_a_style_that_walks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planfill.toml").write_text(
        "[mock]\nprices = {SPY = 400}\ncash = 10000\nholdings = {}\nspread_bps = 20\n"
        "[execution]\nwalk_steps = 2\nwalk_step_s = 0.2\npoll_s = 0.05\n[execution.urgency]\nLOW = 'walk'\n"
    )
    with ExecutionManager.from_settings() as execution:
        result = execution.execute_rebalance_plan(a_plan(buy("SPY", "4004"), execution_urgency="LOW"))
    (line,) = result.lines
    assert (line.outcome, str(line.filled_quantity)) == (LineOutcome.FILLED, "10.000000000")
    assert (str(line.client_order_id)[-2:], line.average_price) == ("-2", Decimal("400.40"))


@pytest.mark.parametrize(
    ("table", "path", "message"),
    [
        ("HIGH = 'vwap'", "execution.urgency.HIGH", "'market', 'limit' or 'walk'"),
        ("ASAP = 'walk'", "execution.urgency.ASAP", "none of LOW, NORMAL, HIGH, URGENT"),
    ],
)
def test_an_urgency_or_a_style_that_there_is_not_is_refused_as_a_setting(
    table: str, path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planfill.toml").write_text(f"[execution.urgency]\n{table}\n")
    with pytest.raises(SettingsError) as caught:
        ExecutionManager.from_settings()
    (problem,) = caught.value.problems
    assert problem.path.startswith(path)
    assert message in problem.message
