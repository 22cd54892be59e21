"""The same plans at three brokers, by changing one setting: one result, where all trade whole shares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca_server import AlpacaServer
from alpaca_server import Market as AlpacaMarket
from ib_gateway import IbGateway
from ib_gateway import Market as IbMarket

from planfill import ExecutionManager
from planfill.adapters.brokers.mock import MockSettings
from planfill.adapters.brokers.mock.opening import opening
from planfill.adapters.brokers.mock.price_file import read_prices
from planfill.adapters.brokers.mock.prices import Prices
from planfill.adapters.cli.document import document
from planfill.domain.plan import Plan
from planfill.domain.reading import read_plan_text
from planfill.domain.result import ExecutionResult

PLANS = Path(__file__).parents[2] / "docs" / "examples" / "plans"
MONTHS = sorted(path.name.removesuffix(".plan.json") for path in PLANS.glob("*.plan.json"))
# What names the account, the orders, the moment, and where the prices came from.
OURS = {"started_at", "finished_at", "account", "ledger_head"}
OURS_OF_A_LINE = {"client_order_id", "broker_order_id", "price_source"}
# The same wherever a plan is executed.
COMMON = {"execution__max_plan_age_s": 0, "execution__poll_s": 0.05, "execution__poll_max_s": 0.2}


def the_account(month: str, plan: Plan) -> dict[str, Any]:
    """
    Give the settings of an exchange whose account holds what the plan says, in whole shares.

    Interactive Brokers trades no fractions over its API, and declares it; so that the results can be one,
    here nobody does: no symbol of this exchange is fractionable.
    """
    settings = MockSettings(prices=PLANS / f"{month}.prices.json")
    last, origin = read_prices(settings.prices)
    prices = Prices(last, spread_bps=settings.spread_bps, slippage_bps=settings.slippage_bps, origin=origin)
    shares, cash = opening(plan, settings, prices)
    return {
        "prices": str(settings.prices),
        "book": ":memory:",
        "holdings": {symbol: str(held // 1) for symbol, held in shares.items()},
        "cash": str(cash),
        "not_fractionable": sorted(last),
    }


@contextmanager
def on_the_mock(account: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    yield {
        f"PLANFILL_MOCK__{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in account.items()
    }


@contextmanager
def at_alpaca(account: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    with AlpacaServer(AlpacaMarket(account)) as server:
        yield server.environment()


@contextmanager
def at_interactive_brokers(account: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    with IbGateway(IbMarket(account)) as gateway:
        yield gateway.environment()


BROKERS = {"mock": on_the_mock, "alpaca": at_alpaca, "ib": at_interactive_brokers}


def executed(
    name: str, plan: Plan, account: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, ledger: str = ""
) -> ExecutionResult:
    """Execute a plan at a broker, with a ledger of its own, and once more: the same result."""
    with BROKERS[name](account) as environment, monkeypatch.context() as here:
        for variable, value in environment.items():
            here.setenv(variable, value)
        for setting, figure in COMMON.items():
            here.setenv(f"PLANFILL_{setting.upper()}", str(figure))
        here.setenv("PLANFILL_LEDGER__URL", f"sqlite:///{ledger or name}.db")
        here.setenv("PLANFILL_BROKER__ADAPTER", name)
        with ExecutionManager.from_settings() as execution:
            result = execution.execute_rebalance_plan(plan)
            assert execution.execute_rebalance_plan(plan) == result
    return result


def told(result: ExecutionResult) -> dict[str, Any]:
    """Give the result document, without what must differ between two brokers."""
    whole = json.loads(document(result))
    lines = [{k: v for k, v in line.items() if k not in OURS_OF_A_LINE} for line in whole["lines"]]
    return {k: v for k, v in whole.items() if k not in OURS} | {"lines": lines}


@pytest.mark.parametrize("month", MONTHS)
def test_each_plan_has_one_result_at_three_brokers_and_fractions_add_less_than_a_share(
    month: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = read_plan_text((PLANS / f"{month}.plan.json").read_bytes())
    account = the_account(month, plan)
    results = {name: executed(name, plan, account, monkeypatch) for name in BROKERS}
    mock, alpaca, ib = (told(result) for result in results.values())
    assert ib["lines"] == mock["lines"]
    assert ib == mock
    assert alpaca == mock
    filled = [line.filled_quantity for line in results["ib"].lines if line.filled_quantity]
    assert filled
    assert all(quantity % 1 == Decimal(0) for quantity in filled)
    split = executed("mock", plan, {**account, "not_fractionable": []}, monkeypatch, ledger="split")
    for line, other in zip(results["ib"].lines, split.lines, strict=True):
        assert (line.symbol, line.outcome, line.reason) == (other.symbol, other.outcome, other.reason)
        assert 0 <= other.filled_quantity - line.filled_quantity < 1
    assert len({result.account for result in results.values()}) == len(BROKERS)


def test_fees_are_told_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = read_plan_text((PLANS / f"{MONTHS[0]}.plan.json").read_bytes())
    account = {**the_account(MONTHS[0], plan), "fee_usd_per_share": "0.005"}
    mock, ib = (executed(name, plan, account, monkeypatch) for name in ("mock", "ib"))
    assert told(ib) == told(mock)
    assert ib.fees_usd > 1
