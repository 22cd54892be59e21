"""Reconciliation as its user meets it: after every run, and by command."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from program import PRICES, Program
from stage import a_plan, buy, sell

from planfill import ExecutionManager
from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.ledgers.sql import SqlLedger
from planfill.domain.identity import AccountKey, ExecutionKey, stem_of
from planfill.domain.order import Side
from planfill.domain.reconciliation import Discrepancy
from planfill.domain.report import Fill
from planfill.testing.venue import a_new_order

PLANS: Final = Path(__file__).parents[2] / "docs" / "examples" / "plans"
MONTHS: Final = sorted(path.name.removesuffix(".plan.json") for path in PLANS.glob("*.plan.json"))
ACCOUNT: Final = AccountKey(broker="mock", environment="mock", number="MOCK-1")
STEM: Final = stem_of(ExecutionKey(account=ACCOUNT, plan_id="plan-1"))
IN_ORDER: Final = "planfill: reconciled: the broker's record is what ours is"
PLAN: Final = a_plan(sell("SPY", "4000"), buy("QQQ", "3000"))


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", PLAN)
    program.settings(mock__holdings='{"SPY": 30}', mock__cash="1000")
    return program


def the_exchange(planfill: Program) -> MockBroker:
    """Open the exchange's own book behind the program's back."""
    return MockBroker(MockSettings.model_validate({"prices": planfill.folder / "prices.json"}), SystemClock())


def execute_month(planfill: Program, month: str) -> str:
    """Execute a real plan; give its id."""
    planfill.settings(mock__prices=PLANS / f"{month}.prices.json")
    path = PLANS / f"{month}.plan.json"
    ended = planfill("execute", path)
    assert ended.code == 0, ended.err
    assert ended.err.splitlines()[-1] == IN_ORDER
    plan_id: str = json.loads(path.read_text())["plan_id"]
    return plan_id


@pytest.fixture
def months(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Let the book be opened by the first plan."""
    for name in ("HOLDINGS", "CASH"):
        monkeypatch.delenv(f"PLANFILL_MOCK__{name}")
    return planfill


@pytest.mark.parametrize("month", MONTHS)
def test_each_real_plan_is_reconciled_in_a_fresh_folder(months: Program, month: str) -> None:
    plan_id = execute_month(months, month)
    ended = months("reconcile", "--json")
    assert ended.code == 0
    lines = json.loads((PLANS / f"{month}.plan.json").read_text())["items"]
    assert ended.document == {
        "plan_id": plan_id,
        "account": str(ACCOUNT),
        "orders": sum(line["action"] != "HOLD" for line in lines),
        "positions": len(lines),
        "differences": [],
        "trouble": "",
    }


def test_twelve_real_plans_on_one_book_are_each_reconciled_at_any_time(months: Program) -> None:
    assert len(MONTHS) == 12
    executed = [execute_month(months, month) for month in MONTHS]
    for plan_id in executed:
        ended = months("reconcile", plan_id)
        assert ended.code == 0, ended.out
        assert ended.out.startswith(f"IN ORDER  {plan_id} on {ACCOUNT}: ")


def test_executed_again_nothing_is_reconciled_again(planfill: Program) -> None:
    assert IN_ORDER in planfill("execute", "plan.json").err
    for again in (["execute", "plan.json"], ["resume", "plan-1"]):
        assert "reconciled" not in planfill(*again).err
    document = planfill("execute", "plan.json", "--json").document
    assert document == planfill("show", "plan-1", "--json").document


def test_differences_end_with_exit_code_1_and_name_both_sides(planfill: Program) -> None:
    planfill("execute", "plan.json")
    exchange = the_exchange(planfill)
    human = a_new_order("QQQ", "2", name="human-1\x1b[2J")
    unknown = a_new_order("SPY", "1", side=Side.SELL, name=f"{STEM}-9-1")
    for order in (human, unknown):
        asyncio.run(exchange.place_order(order))
    planfill.settings(execution__funding_wait_s="0")
    found = planfill("reconcile", "plan-1", "--json")
    assert found.code == 1
    kinds = [(one["kind"], one["symbol"], one["client_order_id"]) for one in found.document["differences"]]
    assert kinds == [
        (Discrepancy.ORDER_UNKNOWN, "SPY", unknown.client_order_id),
        (Discrepancy.FOREIGN_ORDER, "QQQ", human.client_order_id),
    ]
    shown = planfill("reconcile")
    assert shown.code == 1
    text = " ".join(shown.out.split())
    assert text.startswith(f"DIFFERENT plan-1 on {ACCOUNT}: 2 orders, 2 positions, the cash")
    assert "FOREIGN ORDER QQQ human-1 [2J no such order BUY FILLED, 2 shares filled" in text
    assert "\x1b" not in shown.out
    # What the ledger says of the plan stands.
    assert planfill("show", "plan-1", "--json").document["status"] == "SUCCEEDED"
    assert planfill("audit", "verify").code == 0


def test_the_alerts_stand_in_the_log(planfill: Program) -> None:
    planfill("execute", "plan.json")
    asyncio.run(the_exchange(planfill).place_order(a_new_order("QQQ", "2", name="human-1")))
    err = planfill("reconcile").err
    assert " WARNING QQQ: RECONCILIATION: FOREIGN_ORDER QQQ human-1: ours no such order" in err


@pytest.mark.parametrize("arguments", [["reconcile"], ["reconcile", "plan-9"]])
def test_what_the_ledger_does_not_know_is_an_error_and_makes_no_file(
    planfill: Program, arguments: Sequence[str]
) -> None:
    before = planfill.files()
    ended = planfill(*arguments, "--json")
    assert (ended.code, ended.document["error"]["code"]) == (2, "PLAN_UNKNOWN")
    assert planfill.files() == before


def test_while_somebody_executes_nothing_is_compared(planfill: Program) -> None:
    planfill("execute", "plan.json")

    async def meanwhile() -> tuple[Any, Any]:
        ledger = SqlLedger("sqlite:///planfill.db")
        clock = SystemClock()
        async with await ledger.claim(ACCOUNT, holder="somebody", at=clock.now()):
            ended = planfill("reconcile"), planfill("reconcile", "--json")
        await ledger.aclose()
        return ended

    shown, told = asyncio.run(meanwhile())
    assert (shown.code, told.code) == (3, 3)
    assert "NOT COMPARED" in shown.out
    assert "is held by somebody" in told.document["trouble"]


def a_broker(kind: type[MockBroker] = MockBroker, **book: Any) -> MockBroker:
    settings = {"prices": PRICES, "book": ":memory:", "cash": "1000", "holdings": {"SPY": 30}, **book}
    return kind(MockSettings.model_validate(settings), SystemClock())


def test_an_engine_is_told_what_came_of_it_once_it_has_its_result() -> None:
    with ExecutionManager(broker=a_broker(latency_s=0.02), ledger=MemoryLedger()) as execution:
        assert execution.reconciliation() is None
        result = execution.execute_rebalance_plan(PLAN)
        after = execution.reconciliation()
        assert after is not None
        assert (after.plan_id, after.exit_code) == ("plan-1", 0)
        assert execution.execute_rebalance_plan(PLAN) == result
        assert execution.reconciliation() is None
        assert execution.reconcile() == execution.reconcile("plan-1") == after


async def test_plans_one_after_the_other_do_not_get_in_each_others_way() -> None:
    with ExecutionManager(broker=a_broker(latency_s=0.02), ledger=MemoryLedger()) as execution:
        for number in range(4):
            plan = a_plan(buy("QQQ", "10"), plan_id=f"plan-{number}")
            result = await execution.execute_rebalance_plan_async(plan)
            assert result.success, result
        assert [one.finished for one in execution.executions()] == [True] * 4


def test_what_was_executed_is_reconciled_before_the_end() -> None:
    ledger = MemoryLedger()
    with ExecutionManager(broker=a_broker(latency_s=0.02), ledger=ledger) as execution:
        execution.execute_rebalance_plan(PLAN)
    (stream,) = ledger.store.streams.values()
    assert '"kind":"reconciled"' in stream.rows[-1].payload


def test_ctrl_c_ends_the_wait_for_a_slow_broker() -> None:
    asked = threading.Semaphore(0)

    class Counting(MockBroker):
        async def list_fills(self, since: datetime) -> Sequence[Fill]:
            asked.release()
            return await super().list_fills(since)

    broker = a_broker(Counting, proceeds_delay_s=600)
    with ExecutionManager(broker=broker, ledger=MemoryLedger()) as execution:
        plan = a_plan(sell("SPY", "400"))
        assert execution.execute_rebalance_plan(plan).filled_usd >= Decimal(399)

        def press() -> None:
            for _ in range(4):
                assert asked.acquire(timeout=30)
            os.kill(os.getpid(), signal.SIGINT)

        finger = threading.Thread(target=press)
        finger.start()
        after = execution.reconciliation()
        finger.join()
        assert after is not None
        assert (after.trouble, after.exit_code) == ("interrupted", 3)
        assert "reconciled" not in str(execution.result("plan-1"))
