"""The real plans, as a trading engine would have them executed month by month."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from planfill import ExecutionManager
from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.clock import SystemClock
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome, Residual
from planfill.domain.plan import Action, Plan
from planfill.domain.reading import read_plan_text
from planfill.domain.report import Fill
from planfill.domain.result import ExecutionResult, ExecutionStatus

PLANS = Path(__file__).parents[2] / "docs" / "examples" / "plans"
MONTHS = sorted(path.name.removesuffix(".plan.json") for path in PLANS.glob("*.plan.json"))
EXPECTED = {Residual.ROUNDING, Residual.PRICE, Residual.HOLDING}
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def a_month(month: str) -> Plan:
    return read_plan_text((PLANS / f"{month}.plan.json").read_bytes())


def execute(month: str, monkeypatch: pytest.MonkeyPatch) -> ExecutionResult:
    """Execute a month's plan at its prices, in the current folder."""
    monkeypatch.setenv("PLANFILL_MOCK__PRICES", str(PLANS / f"{month}.prices.json"))
    with ExecutionManager.from_settings() as execution:
        result = execution.execute_rebalance_plan(a_month(month))
        # The result is what the events say, and its head is in the ledger.
        assert execution.audit(against=result.ledger_head).findings == ()
        return result


def check(month: str, result: ExecutionResult) -> None:
    """Check what must hold for a plan that was executed to the letter."""
    assert result.status is ExecutionStatus.SUCCEEDED, result
    assert [(line.symbol, line.action) for line in result.lines] == [
        (item.symbol, item.action) for item in a_month(month).items
    ]
    for line in result.lines:
        assert line.outcome is (LineOutcome.HOLD if line.action is Action.HOLD else LineOutcome.FILLED)
        assert set(line.residuals) <= EXPECTED
        assert line.planned_usd == line.filled_usd + sum(line.residuals.values(), Decimal(0))
    assert all(order.order_id and order.client_order_id for order in result.orders)
    assert result.planned_usd == result.filled_usd + result.residual_usd


async def the_exchange(month: str) -> tuple[dict[str, Decimal], list[Fill]]:
    """Read shares and fills from the exchange's own book, as an independent look."""
    broker = MockBroker(
        MockSettings.model_validate({"prices": PLANS / f"{month}.prices.json"}), SystemClock()
    )
    prices = json.loads((PLANS / f"{month}.prices.json").read_text())["last"]
    return dict(await broker.get_sellable(list(prices))), list(await broker.list_fills(LONG_AGO))


def test_there_are_twelve_plans() -> None:
    assert len(MONTHS) == 12


@pytest.mark.parametrize("month", MONTHS)
def test_each_plan_is_executed_to_the_letter_in_a_fresh_folder(
    month: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check(month, execute(month, monkeypatch))


async def test_twelve_months_on_one_book_end_where_the_last_plan_wants_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = {}
    for month in MONTHS:
        results[month] = execute(month, monkeypatch)
        check(month, results[month])
    last = a_month(MONTHS[-1])
    held, fills = await the_exchange(MONTHS[-1])

    traded: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        traded[fill.symbol] += fill.quantity if fill.side is Side.BUY else -fill.quantity
    assert {symbol: shares for symbol, shares in traded.items() if shares} == held

    prices = json.loads((PLANS / f"{MONTHS[-1]}.prices.json").read_text(), parse_float=Decimal)["last"]
    portfolio = last.total_portfolio_value
    assert portfolio is not None
    wanted = {item.symbol: item.target_value or Decimal(0) for item in last.items}
    for symbol, target in wanted.items():
        value = held.get(symbol, Decimal(0)) * Decimal(prices[symbol])
        assert abs(value - target) <= portfolio * Decimal("0.0005"), (symbol, value, target)
    assert set(held) <= set(wanted)
    exits = {item.symbol for item in last.items if item.is_full_exit}
    assert exits
    assert not exits & set(held)


def test_executing_a_plan_again_sends_nothing_and_gives_the_recorded_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    month = MONTHS[2]
    first = execute(month, monkeypatch)
    before = Path("planfill-mock.db").stat().st_mtime_ns
    assert execute(month, monkeypatch) == first
    assert Path("planfill-mock.db").stat().st_mtime_ns == before
