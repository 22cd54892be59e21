"""Two accounts at Alpaca in one process: keys, connections and pace are each one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from alpaca_server import AlpacaServer, Market
from at_alpaca import PRICES
from stage import a_plan, buy

from planfill import ExecutionManager
from planfill.domain.errors import AccountMismatch
from planfill.domain.reading import read_plan
from planfill.domain.result import ExecutionStatus

SETTINGS = """
[broker]
adapter = "alpaca"
[execution]
max_plan_age_s = 0
poll_s = 0.05
poll_max_s = 0.2
[alpaca]
read_lag_s = 0.5
timeout_s = 1
"""
PLAN = a_plan(buy("SPY", "400"))
GROWTH, INCOME = PLAN | {"account": "growth"}, PLAN | {"account": "income", "plan_id": "p2"}


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, AlpacaServer]]:
    monkeypatch.chdir(tmp_path)
    text = SETTINGS
    chosen = {"prices": PRICES, "book": ":memory:", "fill_delay_s": 0.005, "cash": "1000", "holdings": {}}
    numbers = {"growth": "PA1", "income": "PA2"}
    found = {name: AlpacaServer(Market(chosen, number=number)) for name, number in numbers.items()}
    for number, server in zip(numbers.values(), found.values(), strict=True):
        server.key, server.secret = f"PKLOCALKEY{number}", f"secret-of-{number}"
    with found["growth"], found["income"]:
        for name, server in found.items():
            text += f'[accounts.{name}]\nnumber = "{numbers[name]}"\n[accounts.{name}.alpaca]\n'
            for url, value in (("trading", server.url), ("data", server.url), ("stream", server.stream_url)):
                text += f'{url}_url = "{value}"\n'
            use(name, server, monkeypatch)
        Path("planfill.toml").write_text(text)
        yield found


def use(name: str, server: AlpacaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PLANFILL_ACCOUNTS__{name.upper()}__ALPACA__KEY_ID", server.key)
    monkeypatch.setenv(f"PLANFILL_ACCOUNTS__{name.upper()}__ALPACA__SECRET_KEY", server.secret)


async def test_two_accounts_are_executed_at_once_each_with_its_own_keys_and_connections(
    servers: dict[str, AlpacaServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "PKSOMEBODYS0000001")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "secret-of-somebody")
    with ExecutionManager.from_settings() as execution:
        results = await asyncio.gather(
            execution.execute_rebalance_plan_async(GROWTH), execution.execute_rebalance_plan_async(INCOME)
        )
    assert [one.account for one in results] == ["alpaca:paper:PA1", "alpaca:paper:PA2"]
    assert all(one.success for one in results)
    for server, result in zip(servers.values(), results, strict=True):
        (order,) = server.orders()
        assert order["client_order_id"] == result.lines[0].client_order_id
        assert server.positions().keys() == {"SPY"}


async def test_an_account_whose_broker_is_away_holds_up_no_other(servers: dict[str, AlpacaServer]) -> None:
    servers["growth"].refuse_connections()
    with ExecutionManager.from_settings() as execution:
        away, there = await asyncio.gather(
            execution.execute_rebalance_plan_async(GROWTH), execution.execute_rebalance_plan_async(INCOME)
        )
    assert (away.status, there.status) == (ExecutionStatus.REFUSED, ExecutionStatus.SUCCEEDED)
    assert servers["growth"].orders() == []


def test_an_accounts_keys_that_are_another_accounts_place_nothing(
    servers: dict[str, AlpacaServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    growth = servers["growth"]
    for url, value in (("TRADING", growth.url), ("DATA", growth.url), ("STREAM", growth.stream_url)):
        monkeypatch.setenv(f"PLANFILL_ACCOUNTS__INCOME__ALPACA__{url}_URL", value)
    use("income", growth, monkeypatch)
    monkeypatch.delenv("PLANFILL_ACCOUNTS__GROWTH__ALPACA__KEY_ID")
    with ExecutionManager.from_settings() as execution:
        with pytest.raises(
            AccountMismatch, match=r"'income' has the number PA2 .* those of alpaca:paper:PA1"
        ):
            execution.execute_rebalance_plan(INCOME)
        with pytest.raises(AccountMismatch):
            execution.account_for(read_plan(INCOME))
    assert growth.orders() == servers["income"].orders() == []
    assert growth.cash() == Decimal(1000)
