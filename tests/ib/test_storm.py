"""A storm at Interactive Brokers, where names are not unique: every order is there once all the same."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Final, NamedTuple

import pytest
from ib_gateway import Fault, IbGateway, Market
from stage import a_plan, buy, sell

from planfill import ExecutionManager
from planfill.adapters.brokers.ib import IbSettings, brokerage
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.domain.outcome import LineOutcome
from planfill.domain.policy import ExecutionPolicy, Policy
from planfill.domain.result import ExecutionResult, ExecutionStatus

STORMS: Final = 2
ACCOUNTS: Final = 3
PLANS: Final = 3
SYMBOLS: Final = [f"S{number:02}" for number in range(10)]
ODDS: Final = {
    "place": {
        Fault.RESET: 0.05, Fault.HANG: 0.05, Fault.LOST_REQUEST: 0.05, Fault.DELIVERED_LATE: 0.05,
        Fault.CONNECTIVITY: 0.03, Fault.PACED: 0.05, Fault.NOT_TOLD: 0.05, Fault.NO_ID: 0.03,
        Fault.UNREADABLE: 0.03,
    },
    "open_orders": {Fault.RESET: 0.02, Fault.HANG: 0.02},
    "completed_orders": {Fault.RESET: 0.02},
    "executions": {Fault.HANG: 0.02},
    "told": {
        Fault.FEED_LOSES: 0.03, Fault.FEED_REPEATS: 0.03, Fault.FEED_REORDERS: 0.03,
        Fault.FEED_HESITATES: 0.03,
    },
}  # fmt: skip
BLOCKED: Final = LineOutcome.BLOCKED
HASTE: Final = Policy(execution=ExecutionPolicy(poll_s=0.05, poll_max_s=0.2, order_deadline_s=60))


class Weathered(NamedTuple):
    """What one account came through."""

    results: list[ExecutionResult]
    at_the_gateway: list[str]
    held: dict[str, Decimal]
    faults: Counter[Fault]


def a_random_plan(dice: random.Random, number: int) -> dict[str, Any]:
    """Write a plan over all symbols; from the second on, some of them are sold in part."""
    lines = []
    for symbol in SYMBOLS:
        sold = number > 0 and dice.random() < 0.4
        amount = f"{dice.randint(100_000, 500_000) / 100:.2f}"
        lines.append(sell(symbol, amount) if sold else buy(symbol, amount))
    return a_plan(*lines, plan_id=f"plan-{number}")


def weather(account: int) -> Weathered:
    """Execute the plans of one account, one after the other, in the storm."""
    dice = random.Random(account)  # noqa: S311 - which storm, not a secret
    prices = {symbol: f"{dice.randint(500, 50000) / 100:.2f}" for symbol in SYMBOLS}
    held = {symbol: Decimal(1000) for symbol in SYMBOLS}
    market = Market(
        {"prices": prices, "book": ":memory:", "cash": "10000000", "holdings": held, "fill_delay_s": 0.01}
    )
    results = []
    with IbGateway(market) as gateway:
        gateway.faults.storm(account, ODDS)
        clock = SystemClock()
        settings = IbSettings(port=gateway.port, timeout_s=0.5, connect_timeout_s=2, max_delivery_delay_s=1)
        family = brokerage(settings, clock)
        with ExecutionManager(
            broker=family.broker, records=family.records, market_data=family.market_data,
            account=family.account, instruments=family.instruments, hours=family.hours, feed=family.feed,
            capabilities=family.capabilities, ledger=MemoryLedger(), policy=HASTE,
        ) as execution:  # fmt: skip
            for number in range(PLANS):
                result = execution.execute_rebalance_plan(a_random_plan(dice, number))
                while result.status is ExecutionStatus.IN_DOUBT:
                    result = execution.resume(f"plan-{number}")
                results.append(result)
            gateway.faults.clear()
            execution.reconciliation()  # it is asked for over this connection
            assert family.close is not None
            execution._thread.call(family.close)
        placed = [paper.terms.ref for paper in gateway.orders()]
        return Weathered(results, placed, dict(gateway.positions()), gateway.faults.met)


@pytest.mark.parametrize("storm", range(STORMS))
def test_under_a_storm_every_order_is_at_the_broker_exactly_once(storm: int) -> None:
    with ThreadPoolExecutor(ACCOUNTS) as pool:
        accounts = list(pool.map(weather, range(storm * ACCOUNTS, (storm + 1) * ACCOUNTS)))
    filled = 0
    for account in accounts:
        lines = [line for result in account.results for line in result.lines]
        assert len(lines) == PLANS * len(SYMBOLS)
        there = Counter(account.at_the_gateway)
        assert set(there.values()) == {1}
        # A line is blocked where its order could not be sent in time, and certainly was not.
        assert set(there) == {str(one.client_order_id) for one in lines if one.outcome is not BLOCKED}
        moved: defaultdict[str, Decimal] = defaultdict(lambda: Decimal(1000))
        for line in lines:
            moved[line.symbol] += line.filled_quantity if line.action == "BUY" else -line.filled_quantity
        assert moved == account.held
        filled += sum(line.outcome is LineOutcome.FILLED for line in lines)
    faults = sum((account.faults for account in accounts), Counter[Fault]())
    assert filled > 0.9 * ACCOUNTS * PLANS * len(SYMBOLS)
    assert sum(faults[fault] for fault in ODDS["place"]) > ACCOUNTS * PLANS
