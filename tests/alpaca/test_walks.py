"""Lines that walk through the spread, over the wire: how their cancels race with fills."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca_server import AlpacaServer, Fault
from at_alpaca import a_manager, an_alpaca, positions, use
from stage import a_plan, buy, sell

from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionResult, ExecutionStatus

# 399.60 at 400.40.
PLAN = a_plan(buy("SPY", "4004"))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlpacaServer]:
    monkeypatch.chdir(tmp_path)
    with an_alpaca(spread_bps=20, holdings={"IWM": "20.1234567"}) as server:
        use(
            server, monkeypatch, execution__style="walk", execution__walk_steps=2, execution__walk_step_s=0.3,
            execution__cancel_grace_s=1,
        )  # fmt: skip
        yield server


def execute(plan: dict[str, Any] = PLAN) -> ExecutionResult:
    with a_manager() as execution:
        return execution.execute_rebalance_plan(plan)


def orders(server: AlpacaServer) -> list[tuple[str, ...]]:
    """Tell of each order at the server: its attempt, limit, quantity, what filled, and its status."""
    return [
        (one["client_order_id"][-1], one["limit_price"], one["qty"], one["filled_qty"], one["status"])
        for one in server.orders()
    ]


def test_a_buy_walks_to_the_far_side_under_names_of_its_own(server: AlpacaServer) -> None:
    (line,) = execute().lines
    assert line.outcome is LineOutcome.FILLED
    assert orders(server) == [
        ("1", "400", "10", "0", "canceled"),
        ("2", "400.4", "10", "10", "filled"),
    ]


def test_a_full_exit_that_walks_sells_all_and_not_more(server: AlpacaServer) -> None:
    (line,) = execute(a_plan(sell("IWM", "4020.67", target_weight="0"))).lines
    assert line.outcome is LineOutcome.FILLED
    assert [quantity for _, _, quantity, _, _ in orders(server)] == ["20.1234567"] * 2
    assert positions(server) == {}


def test_scenario_3_a_fill_between_the_status_and_the_cancel_leaves_no_remainder(
    server: AlpacaServer,
) -> None:
    server.faults.once("cancel", Fault.FILL_DURING_CANCEL)
    (line,) = execute().lines
    assert (line.outcome, str(line.filled_quantity)) == (LineOutcome.FILLED, "10")
    assert orders(server) == [("1", "400", "10", "10", "filled")]


def test_scenario_3_a_fill_while_the_cancel_is_pending_leaves_no_remainder(server: AlpacaServer) -> None:
    server.faults.once("cancel", Fault.FILL_WHILE_PENDING)
    (line,) = execute().lines
    assert line.outcome is LineOutcome.FILLED
    assert orders(server) == [("1", "400", "10", "10", "filled")]


def test_scenario_4_after_a_partial_fill_and_a_cancel_the_remainder_is_exact(server: AlpacaServer) -> None:
    server.faults.once("cancel", Fault.PARTIAL_FILL_DURING_CANCEL)
    (line,) = execute().lines
    assert line.outcome is LineOutcome.FILLED
    assert orders(server) == [
        ("1", "400", "10", "1", "canceled"),
        ("2", "400.4", "9", "9", "filled"),
    ]
    assert positions(server)["SPY"] == 10
    assert line.filled_usd == Decimal("4003.60")


@pytest.mark.parametrize("fault", [Fault.ANSWER_504, Fault.RESET, Fault.PENDING_CANCEL])
def test_a_cancel_of_which_nothing_is_heard_is_followed_before_the_next_step(
    server: AlpacaServer, fault: Fault
) -> None:
    server.faults.once("cancel", fault)
    (line,) = execute().lines
    assert line.outcome is LineOutcome.FILLED
    assert [status for *_, status in orders(server)] == ["canceled", "filled"]


def test_while_a_cancel_does_nothing_no_next_step_is_sent(server: AlpacaServer) -> None:
    server.faults.always("cancel", Fault.CANCEL_IGNORED)
    result = execute()
    assert (result.status, result.lines[0].reason) == (
        ExecutionStatus.IN_DOUBT, Reason.CANCEL_UNCONFIRMED
    )  # fmt: skip
    assert [number for number, *_ in orders(server)] == ["1"]


@pytest.mark.parametrize("fault", [Fault.ANSWER_504, Fault.HANG, Fault.LOST_REQUEST, Fault.DELIVERED_TWICE])
def test_a_next_step_without_an_answer_is_no_second_order(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    # Longer than it takes to be sure that an order is not there.
    monkeypatch.setenv("PLANFILL_EXECUTION__WALK_STEP_S", "3")
    server.faults.on("place", fault, nth=2)
    (line,) = execute().lines
    assert line.outcome is LineOutcome.FILLED
    assert positions(server)["SPY"] == 10
    assert len({number for number, *_ in orders(server)}) == len(orders(server))
