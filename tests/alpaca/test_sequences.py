"""Sells and buys in their sequence and in funds, over the wire: scenarios by their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from alpaca_server import AlpacaServer, Fault
from at_alpaca import a_manager, an_alpaca, positions, use
from stage import a_plan, buy, sell

from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionResult, ExecutionStatus

SWAP = a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "3900"))
TWO = a_plan(
    sell("SPY", "4000", target_weight="0"),
    sell("IWM", "4000", target_weight="0"),
    buy("QQQ", "3900", priority=1),
    buy("GLD", "3900", priority=2),
)


pytestmark = pytest.mark.usefixtures("in_a_fresh_folder")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open an account that holds what is sold, and no cash unless said; settings as ``execution__poll_s``."""

    @contextmanager
    def open_account(market: dict[str, Any] | None = None, **settings: object) -> Iterator[AlpacaServer]:
        held = {"cash": "0", "holdings": {"SPY": "10", "IWM": "20"}, **(market or {})}
        with an_alpaca(**held) as server:
            use(server, monkeypatch, **settings)
            yield server

    return open_account


def execute(plan: dict[str, Any]) -> ExecutionResult:
    with a_manager() as execution:
        return execution.execute_rebalance_plan(plan)


def when(server: AlpacaServer, symbol: str, field: str) -> datetime:
    """Tell when something happened to the order of a symbol, by the server's clock."""
    (order,) = (order for order in server.orders() if order["symbol"] == symbol)
    return datetime.fromisoformat(order[field])


def test_scenario_5_a_sell_is_never_larger_than_the_holding(stage: Any) -> None:
    with stage({"holdings": {"SPY": "7.2273576"}}) as server:
        (line,) = execute(a_plan(sell("SPY", "2900", target_weight="0"))).lines
        (order,) = server.orders()
        assert (line.outcome, order["qty"]) == (LineOutcome.FILLED, "7.2273576")
        assert positions(server) == {}


def test_scenario_6_dollars_are_never_shares_where_there_is_no_price(stage: Any) -> None:
    with stage({"holdings": {"SPY": "100000"}}) as server:
        server.market.quoted["SPY"] = None
        (line,) = execute(a_plan(sell("SPY", "71365"))).lines
        assert (line.outcome, line.reason) == (LineOutcome.SKIPPED, Reason.NO_PRICE)
        assert server.count("place") == 0


@pytest.mark.parametrize(
    ("policy", "reason", "bought"),
    [("scale_buys", Reason.FUNDS_CUT, 500), ("block_buys", Reason.SELLS_FAILED, 0),
     ("ignore", Reason.FUNDS_CUT, 995)],
)  # fmt: skip
def test_scenario_8_after_a_rejected_sell_the_buys_are_limited_by_policy_and_by_the_cash(
    stage: Any, policy: str, reason: Reason, bought: int
) -> None:
    with stage({"cash": "1000"}, execution__on_failed_sell=policy) as server:
        refusal = {"code": 40310000, "message": "trade denied due to reason unknown"}
        server.faults.say("place", 403, json.dumps(refusal).encode())
        result = execute(a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "4500")))
        assert result.lines[0].outcome is LineOutcome.REJECTED
        assert result.lines[1].reason is reason
        assert result.lines[1].filled_usd == pytest.approx(Decimal(bought), abs=1)
        assert server.cash() == pytest.approx(Decimal(1000 - bought), abs=1)


@pytest.mark.parametrize("sequencing", ["sells_first", "pipelined", "plan_order"])
def test_scenario_9_buys_wait_for_money_that_shows_late(stage: Any, sequencing: str) -> None:
    with stage({"proceeds_delay_s": 1}, execution__sequencing=sequencing) as server:
        assert execute(SWAP).status is ExecutionStatus.SUCCEEDED
        waited = when(server, "QQQ", "created_at") - when(server, "SPY", "filled_at")
        assert waited >= timedelta(seconds=1)
        assert server.cash() >= 0


@pytest.mark.parametrize(("sequencing", "waits"), [("pipelined", False), ("sells_first", True)])
def test_only_in_a_pipeline_a_buy_goes_out_while_a_sell_still_works(
    stage: Any, sequencing: str, *, waits: bool
) -> None:
    with stage(execution__sequencing=sequencing) as server:
        server.faults.on("place", Fault.SLOW_FILL, symbol="IWM")
        assert execute(TWO).status is ExecutionStatus.SUCCEEDED
        late = when(server, "IWM", "filled_at")
        assert (when(server, "QQQ", "created_at") > late) is waits
        assert when(server, "GLD", "created_at") > late
        assert server.cash() >= 0


def test_in_the_order_of_the_plan_a_buy_that_is_listed_first_is_sent_first(stage: Any) -> None:
    with stage({"cash": "1000"}, execution__sequencing="plan_order") as server:
        plan = a_plan(buy("QQQ", "900"), *SWAP["items"][:1], buy("GLD", "3900"))
        assert execute(plan).status is ExecutionStatus.SUCCEEDED
        assert [order["symbol"] for order in server.orders()] == ["QQQ", "SPY", "GLD"]


@pytest.mark.parametrize(
    ("on_shortfall", "bought"), [("scale", {"QQQ", "GLD"}), ("priority", {"QQQ"}), ("block", set())]
)
def test_money_that_does_not_suffice_is_shared_as_the_policy_says(
    stage: Any, on_shortfall: str, bought: set[str]
) -> None:
    with stage({"cash": "4000", "holdings": {}}, execution__on_shortfall=on_shortfall) as server:
        execute(a_plan(*TWO["items"][2:]))
        assert {order["symbol"] for order in server.orders()} == bought
        assert server.cash() >= 0


def test_what_has_not_settled_buys_nothing_in_a_cash_account(stage: Any) -> None:
    with stage({"cash": "0"}, execution__funding="settled") as server:
        result = execute(SWAP)
        assert result.lines[1].reason is Reason.NO_FUNDS
        assert [order["symbol"] for order in server.orders()] == ["SPY"]


def test_scenario_15_the_market_closes_between_sells_and_buys(stage: Any) -> None:
    # The proceeds show late enough for the market to close meanwhile.
    with stage({"proceeds_delay_s": 2}) as server, ThreadPoolExecutor() as beside:
        executing = beside.submit(execute, SWAP)
        while not any(order["status"] == "filled" for order in server.orders()):
            assert not executing.done()
        server.close_market()
        result = executing.result()
        assert result.lines[0].outcome is LineOutcome.FILLED
        assert result.lines[1].reason is Reason.MARKET_CLOSED
        assert [order["symbol"] for order in server.orders()] == ["SPY"]


def test_scenario_15_a_clock_call_that_fails_between_sells_and_buys_blocks_the_buys(stage: Any) -> None:
    with stage() as server:
        # The clock is asked at the start, and for the buys; each question three times.
        server.faults.on("clock", Fault.UNAVAILABLE, nth=2, times=3)
        result = execute(SWAP)
        assert result.lines[0].outcome is LineOutcome.FILLED
        assert result.lines[1].reason is Reason.BROKER_UNAVAILABLE


def test_a_plan_out_of_hours_waits_for_the_session(stage: Any) -> None:
    opens = datetime.now(UTC) + timedelta(seconds=1.5)
    with stage({"opens_at": opens.isoformat()}, execution__market_closed="wait") as server:
        assert execute(SWAP).status is ExecutionStatus.SUCCEEDED
        assert when(server, "SPY", "created_at") >= opens
