"""Ten dollars each of SPY and QQQ, bought and sold: the account moves by what the fills say, to the cent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from planfill import ExecutionManager
from planfill.application.ports.brokerage import Brokerage
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.values import Money, Quantity, cents

pytestmark = pytest.mark.paper

SYMBOLS: Final = ("SPY", "QQQ")
CENT: Final = Decimal("0.01")


def a_plan(plan_id: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {
        "plan_id": plan_id, "correlation_id": plan_id, "timestamp": datetime.now(UTC).isoformat(),
        "items": list(items),
    }  # fmt: skip


async def standing(paper: Brokerage) -> tuple[Money, dict[str, Quantity]]:
    """Give the cash, and what is held of each symbol."""
    account, positions = await paper.account.get_account(), await paper.account.get_positions(SYMBOLS)
    return account.cash_usd, {one: positions.get(one, Quantity(Decimal(0))) for one in SYMBOLS}


def executed(plan: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> ExecutionResult:
    """Execute a plan, see that the broker's record agrees, and show what was traded under which ids."""
    with ExecutionManager.from_settings() as execution:
        result = execution.execute_rebalance_plan(plan)
        after = execution.reconciliation()
    with capsys.disabled():
        for line in result.orders:
            orders = f"{line.client_order_id}, {line.order_id} at the broker"
            what = f"{line.action} {line.symbol} {line.filled_quantity} at {line.average_price}"
            print(f"\n{what}, ${line.filled_usd}: {orders}", end="")  # noqa: T201 - the ids are the point
    assert result.status is ExecutionStatus.SUCCEEDED, result
    assert after is not None
    assert str(after).startswith("reconciled: the broker's record is what ours is"), after
    assert all(line.order_id for line in result.orders)
    return result


async def test_ten_dollars_each_are_bought_and_sold_and_the_account_agrees(
    paper: Brokerage, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"paper-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    cash, held = await standing(paper)
    bought = executed(
        a_plan(f"{name}-buy", *({"symbol": s, "action": "BUY", "trade_amount": "10"} for s in SYMBOLS)),
        capsys,
    )
    spent_to, has = await standing(paper)
    shares = {line.symbol: line.filled_quantity for line in bought.orders}
    assert {s: has[s] - held[s] for s in SYMBOLS} == shares
    assert abs(cash - spent_to - sum(line.filled_usd for line in bought.orders)) <= CENT

    sells = [
        {
            "symbol": line.symbol, "action": "SELL", "quantity": str(line.filled_quantity),
            "reference_price": str(cents(line.average_price or Decimal(0))),
        }
        for line in bought.orders
    ]  # fmt: skip
    sold = executed(a_plan(f"{name}-sell", *sells), capsys)
    ended_with, has = await standing(paper)
    assert has == held
    assert abs(ended_with - spent_to - sum(line.filled_usd for line in sold.orders)) <= CENT
    assert (folder / "planfill.db").exists()
