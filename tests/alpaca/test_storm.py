"""A storm over the wire: two hundred plans at the local Alpaca, and every order is there once."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Final, NamedTuple

import pytest
from alpaca_server import AlpacaServer, Fault, Market
from pydantic import SecretStr
from stage import a_plan, buy, sell

from planfill import ExecutionManager
from planfill.adapters.brokers.alpaca import AlpacaSettings, brokerage
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.domain.outcome import LineOutcome
from planfill.domain.policy import ExecutionPolicy, Policy
from planfill.domain.result import ExecutionResult, ExecutionStatus

# Four storms over five accounts each: the workers share them.
STORMS: Final = 4
ACCOUNTS: Final = 5
PLANS: Final = 10
LINES: Final = 20
SYMBOLS: Final = [f"S{number:02}" for number in range(LINES)]
ODDS: Final = {
    "place": {
        Fault.ANSWER_504: 0.05, Fault.RESET: 0.05, Fault.HANG: 0.05, Fault.RATE_LIMITED: 0.05,
        Fault.UNREADABLE: 0.05,
    },
    "event": {Fault.FEED_LOSES: 0.05, Fault.FEED_REPEATS: 0.05, Fault.FEED_DROPS: 0.01},
}  # fmt: skip
HASTE: Final = Policy(execution=ExecutionPolicy(poll_s=0.05, poll_max_s=0.2, order_deadline_s=60))


class Weathered(NamedTuple):
    """What one account came through."""

    results: list[ExecutionResult]
    at_the_server: list[dict[str, Any]]
    held: dict[str, Decimal]
    faults: Counter[Fault]


def a_random_plan(dice: random.Random, number: int) -> dict[str, Any]:
    """Write a plan over all symbols; from the second on, some of them are sold in part."""
    lines = []
    for symbol in SYMBOLS:
        sold = number > 0 and dice.random() < 0.4
        amount = f"{dice.randint(2000, 30000) / 100:.2f}"
        lines.append(sell(symbol, amount) if sold else buy(symbol, amount))
    return a_plan(*lines, plan_id=f"plan-{number}")


def weather(account: int) -> Weathered:
    """Execute the plans of one account, one after the other, in the storm."""
    dice = random.Random(account)  # noqa: S311 - which storm, not a secret
    prices = {symbol: f"{dice.randint(500, 50000) / 100:.2f}" for symbol in SYMBOLS}
    held = {symbol: Decimal(1000) for symbol in SYMBOLS}
    market = Market(
        {"prices": prices, "book": ":memory:", "cash": "10000000", "holdings": held, "fill_delay_s": 0.01},
        number=f"PA{account:07}",
    )
    results = []
    with AlpacaServer(market, window_s=1) as server:
        server.faults.storm(account, ODDS)
        clock = SystemClock()
        family = brokerage(settings_for(server), clock)
        with ExecutionManager(
            broker=family.broker, records=family.records, market_data=family.market_data,
            account=family.account, instruments=family.instruments, hours=family.hours, feed=family.feed,
            capabilities=family.capabilities, ledger=MemoryLedger(), policy=HASTE,
        ) as execution:  # fmt: skip
            for number in range(PLANS):
                plan = a_random_plan(dice, number)
                result = execution.execute_rebalance_plan(plan)
                while result.status is ExecutionStatus.IN_DOUBT:
                    result = execution.resume(f"plan-{number}")
                results.append(result)
            assert family.close is not None
            execution.reconciliation()  # it is asked for over these connections
            execution._thread.call(family.close)
        return Weathered(results, server.orders(), dict(server.market.desk.positions()), server.faults.met)


def settings_for(server: AlpacaServer) -> AlpacaSettings:
    return AlpacaSettings(
        key_id=SecretStr(server.key), secret_key=SecretStr(server.secret), trading_url=server.url,
        data_url=server.url, stream_url=server.stream_url, timeout_s=0.5, read_lag_s=0.2,
        requests_per_minute=100_000, connections=20,
    )  # fmt: skip


@pytest.mark.parametrize("storm", range(STORMS))
def test_under_a_storm_every_order_is_at_the_broker_exactly_once(
    storm: int, record_property: Callable[[str, object], None]
) -> None:
    began = time.perf_counter()
    with ThreadPoolExecutor(ACCOUNTS) as pool:
        accounts = list(pool.map(weather, range(storm * ACCOUNTS, (storm + 1) * ACCOUNTS)))
    lines = [line for account in accounts for result in account.results for line in result.lines]
    placed = [line for line in lines if line.client_order_id]
    assert len(lines) == ACCOUNTS * PLANS * LINES
    for account in accounts:
        ours = Counter(
            line.client_order_id for r in account.results for line in r.lines if line.client_order_id
        )
        theirs = Counter(order["client_order_id"] for order in account.at_the_server)
        assert ours == theirs
        assert set(theirs.values()) == {1}
        moved: defaultdict[str, Decimal] = defaultdict(lambda: Decimal(1000))
        for result in account.results:
            for line in result.lines:
                moved[line.symbol] += line.filled_quantity if line.action == "BUY" else -line.filled_quantity
        assert moved == account.held
    filled = sum(line.outcome is LineOutcome.FILLED for line in placed)
    faults = sum((account.faults for account in accounts), Counter[Fault]())
    assert filled > 0.95 * len(placed)
    assert set(faults) == {fault for odds in ODDS.values() for fault in odds}
    took = time.perf_counter() - began
    counts = {
        "plans": ACCOUNTS * PLANS,
        "orders, each at the broker once": len(placed),
        "orders filled": filled,
    }
    for what, count in (counts | {f"fault {fault.name}": met for fault, met in faults.items()}).items():
        record_property("figures", (f"storm at the local Alpaca: {what}", count, took))
