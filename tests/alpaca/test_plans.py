"""The real plans at the local Alpaca, through the real SDK: the same result as on the mock broker."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from at_alpaca import a_manager, an_alpaca, positions, use

from planfill import ExecutionManager
from planfill.adapters.cli.document import document
from planfill.domain.plan import Action
from planfill.domain.reading import read_plan_text
from planfill.domain.result import ExecutionResult

PLANS = Path(__file__).parents[2] / "docs" / "examples" / "plans"
MONTHS = sorted(path.name.removesuffix(".plan.json") for path in PLANS.glob("*.plan.json"))
# What names the account, the orders, the moment, and where the prices came from.
OURS = {"started_at", "finished_at", "account", "ledger_head"}
OURS_OF_A_LINE = {"client_order_id", "broker_order_id", "price_source"}


def told(result: ExecutionResult) -> dict[str, Any]:
    """Give the result document, without what must differ between two brokers."""
    whole = json.loads(document(result))
    lines = [{k: v for k, v in line.items() if k not in OURS_OF_A_LINE} for line in whole["lines"]]
    return {k: v for k, v in whole.items() if k not in OURS} | {"lines": lines}


def on_the_mock(month: str, monkeypatch: pytest.MonkeyPatch) -> ExecutionResult:
    monkeypatch.setenv("PLANFILL_MOCK__PRICES", str(PLANS / f"{month}.prices.json"))
    monkeypatch.setenv("PLANFILL_LEDGER__URL", "sqlite:///mock.db")
    with ExecutionManager.from_settings() as execution:
        return execution.execute_rebalance_plan(json.loads((PLANS / f"{month}.plan.json").read_text()))


@pytest.mark.parametrize("month", MONTHS)
def test_each_plan_has_the_same_result_as_on_the_mock_broker(
    month: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = read_plan_text((PLANS / f"{month}.plan.json").read_bytes())
    with an_alpaca(plan, prices=PLANS / f"{month}.prices.json") as server:
        before = positions(server)
        with monkeypatch.context() as here:
            use(server, here)
            with a_manager() as execution:
                result = execution.execute_rebalance_plan(plan)
                assert execution.execute_rebalance_plan(plan) == result
        orders, after = server.orders(), positions(server)
    ours, theirs = told(result), told(on_the_mock(month, monkeypatch))
    assert ours.pop("lines") == theirs.pop("lines")
    assert ours == theirs
    placed = [line for line in plan.items if line.action is not Action.HOLD]
    assert len(orders) == len({order["client_order_id"] for order in orders}) == len(placed)
    for line in result.lines:
        moved = after.get(line.symbol, Decimal(0)) - before.get(line.symbol, Decimal(0))
        assert moved == (line.filled_quantity if line.action is Action.BUY else -line.filled_quantity)
