"""Auditing as a trading engine does it: through the manager."""

from __future__ import annotations

import pytest
from stage import a_plan, buy

from planfill import ExecutionManager
from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.audit import verify_file
from planfill.application.ports.ledger import Ledger
from planfill.domain.errors import LedgerUnavailable, PlanUnknown


def a_manager(ledger: Ledger) -> ExecutionManager:
    settings = {"prices": {"SPY": "400"}, "book": ":memory:", "cash": "10000", "holdings": {}}
    broker = MockBroker(MockSettings.model_validate(settings), SystemClock())
    return ExecutionManager(broker=broker, ledger=ledger)


def test_a_trading_engine_audits_and_exports_through_the_facade() -> None:
    with a_manager(MemoryLedger()) as execution:
        result = execution.execute_rebalance_plan(a_plan(buy("SPY", "1000")))
        report = execution.audit("plan-1", against=result.ledger_head)
        assert report.in_order
        assert execution.audit() == report
        assert verify_file(execution.export("plan-1")) == report
        with pytest.raises(PlanUnknown):
            execution.audit("plan-9")


def test_a_ledger_that_is_no_audit_trail_says_so() -> None:
    class Bare(Ledger):
        claim = MemoryLedger.claim
        append = MemoryLedger.append
        read = MemoryLedger.read
        executions = MemoryLedger.executions

    with a_manager(Bare()) as execution, pytest.raises(LedgerUnavailable, match="Bare cannot be audited"):
        execution.audit()
