"""Executions at the local Alpaca, as an engine has them: settings from the environment, the real SDK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca_server import AlpacaServer, Market

from planfill import ExecutionManager
from planfill.domain.plan import Plan
from planfill.domain.reading import read_plan

PRICES = {"SPY": "400", "QQQ": "300", "IWM": "200", "GLD": "170", "TLT": "140", "NVR": "4700"}


@contextmanager
def an_alpaca(
    plan: Plan | Mapping[str, Any] | None = None,
    *,
    prices: Path | Mapping[str, Any] = PRICES,
    **settings: Any,
) -> Iterator[AlpacaServer]:
    """Start one whose account holds what the plan says, or what the settings of the mock exchange say."""
    chosen = {"prices": prices, "book": ":memory:", "fill_delay_s": 0.005, **settings}
    if plan is None:
        chosen = {"cash": "100000", "holdings": {}, **chosen}
    market = Market(chosen)
    if plan is not None:
        market.desk.open_for(plan if isinstance(plan, Plan) else read_plan(plan))
    with AlpacaServer(market) as server:
        yield server


def use(server: AlpacaServer, monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
    """Let the environment name the server, with short waits; settings as ``execution__poll_s``."""
    quick: dict[str, object] = {
        "execution__max_plan_age_s": 0, "execution__poll_s": 0.05, "execution__poll_max_s": 0.2,
        "alpaca__read_lag_s": 0.5, "alpaca__timeout_s": 1,
    }  # fmt: skip
    for name, variable in server.environment().items():
        monkeypatch.setenv(name, variable)
    for name, value in (quick | settings).items():
        monkeypatch.setenv(f"PLANFILL_{name.upper()}", str(value))


def a_manager() -> ExecutionManager:
    """Make the façade that the environment describes."""
    return ExecutionManager.from_settings()


def positions(server: AlpacaServer) -> dict[str, Decimal]:
    """Tell what the account holds at the server."""
    return dict(server.market.desk.book.exchange.balances.shares)
