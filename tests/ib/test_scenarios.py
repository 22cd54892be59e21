"""What can go wrong at Interactive Brokers, through the facade, with settings from the environment."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conversing import a_buy, a_stock, connected, heard
from ib_gateway import Fault, IbGateway, Market
from program import command
from stage import a_plan, buy, sell

from planfill import ExecutionManager
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionResult, ExecutionStatus

PRICES = {"SPY": "400", "QQQ": "300", "BRK.B": "250", "GLD": "170"}
PLAN = a_plan(buy("SPY", "1000"), buy("QQQ", "1000"))
QUICK = {
    "execution__max_plan_age_s": 0, "execution__poll_s": 0.05, "execution__poll_max_s": 0.2,
    "ib__timeout_s": 0.5, "ib__connect_timeout_s": 0.5, "ib__max_delivery_delay_s": 0.5,
    "execution__funding_wait_s": 0.5, "ledger__url": "memory://",
}  # fmt: skip


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IbGateway]:
    monkeypatch.chdir(tmp_path)
    market = Market({"prices": PRICES, "book": ":memory:", "cash": "100000", "holdings": {"GLD": "10"}})
    with IbGateway(market) as gateway:
        for variable, value in gateway.environment().items():
            monkeypatch.setenv(variable, value)
        let(monkeypatch, **QUICK)
        yield gateway


def let(monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"PLANFILL_{name.upper()}", str(value))


def execute(plan: dict[str, Any] = PLAN) -> ExecutionResult:
    with ExecutionManager.from_settings() as execution:
        return execution.execute_rebalance_plan(plan)


def all_filled_once(gateway: IbGateway, result: ExecutionResult) -> bool:
    """Tell whether all lines are filled, by one order each."""
    named = Counter(str(line.client_order_id) for line in result.lines)
    there = Counter(paper.terms.ref for paper in gateway.orders())
    return {line.outcome for line in result.lines} == {LineOutcome.FILLED} and there == named


@pytest.mark.parametrize(
    "fault",
    [Fault.RESET, Fault.HANG, Fault.UNREADABLE, Fault.NO_ID, Fault.CONNECTIVITY, Fault.NOT_TOLD,
     Fault.FUTURE_STATUS],
)  # fmt: skip
def test_an_order_accepted_without_an_answer_is_no_second_order(gateway: IbGateway, fault: Fault) -> None:
    gateway.faults.once("place", fault, fault)
    assert all_filled_once(gateway, execute())
    assert gateway.count("place") == 2


@pytest.mark.parametrize("fault", [Fault.LOST_REQUEST, Fault.DELIVERED_LATE, Fault.PACED])
def test_an_order_that_was_not_taken_is_sent_again_and_one_that_comes_late_is_not(
    gateway: IbGateway, fault: Fault
) -> None:
    gateway.faults.once("place", fault)
    assert all_filled_once(gateway, execute())


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (201, "Order rejected - reason:Your Available Funds are insufficient", Reason.INSUFFICIENT_FUNDS),
        (201, "Order rejected - reason:No Trading permission", Reason.NOT_TRADABLE),
        (203, "The security SPY is not available or allowed for this account.", Reason.NOT_TRADABLE),
        (110, "The price does not conform to the minimum price variation for this contract.", None),
        (10243, "Fractional-sized order cannot be placed via API.", Reason.NOT_FRACTIONABLE),
    ],
)
def test_a_refusal_ends_its_line_and_no_other(
    gateway: IbGateway, code: int, text: str, reason: Reason | None
) -> None:
    gateway.faults.say("place", code, text)
    first, second = sorted(execute().lines, key=lambda line: line.outcome is LineOutcome.FILLED)
    assert first.outcome is LineOutcome.REJECTED
    assert first.reason is not None
    assert first.reason is reason or reason is None
    assert str(code) in first.detail
    assert second.outcome is LineOutcome.FILLED
    assert len(gateway.orders()) == 1


def test_an_order_number_that_was_used_before_costs_a_second_try(gateway: IbGateway) -> None:
    gateway.faults.say("place", 103, "Duplicate order id")
    assert all_filled_once(gateway, execute())


@pytest.mark.parametrize(
    ("fault", "outcome", "filled"),
    [
        (None, LineOutcome.UNFILLED, 0),
        (Fault.FILL_DURING_CANCEL, LineOutcome.FILLED, 2),
        (Fault.PARTIAL_FILL_DURING_CANCEL, LineOutcome.PARTIALLY_FILLED, 1),
        (Fault.HANG, LineOutcome.UNFILLED, 0),
        (Fault.LOST_REQUEST, LineOutcome.UNFILLED, 0),
    ],
)
def test_at_its_deadline_an_order_is_canceled_and_what_filled_is_counted(
    gateway: IbGateway,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault | None,
    outcome: LineOutcome,
    filled: int,
) -> None:
    let(monkeypatch, execution__order_deadline_s=0.3)
    gateway.hold_fills()
    if fault is not None:
        gateway.faults.once("cancel", fault)
    (line,) = execute(a_plan(buy("SPY", "1000"))).lines
    assert line.outcome is outcome
    assert line.filled_quantity == filled
    assert gateway.positions().get("SPY", 0) == filled


def test_an_order_whose_cancel_is_ignored_is_in_doubt_until_it_ends(
    gateway: IbGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    let(monkeypatch, execution__order_deadline_s=0.3, execution__cancel_grace_s=0.5)
    gateway.hold_fills()
    gateway.faults.always("cancel", Fault.CANCEL_IGNORED)
    with ExecutionManager.from_settings() as execution:
        result = execution.execute_rebalance_plan(a_plan(buy("SPY", "1000")))
        assert result.status is ExecutionStatus.IN_DOUBT
        gateway.let_fill("SPY")
        (line,) = execution.resume("plan-1").lines
    assert line.outcome is LineOutcome.FILLED
    assert line.filled_quantity == 2


def test_without_a_gateway_nothing_is_sent_and_the_place_is_named(gateway: IbGateway) -> None:
    gateway.refuse_connections()
    result = execute()
    assert result.status is ExecutionStatus.REFUSED
    assert f"127.0.0.1:{gateway.port}" in (result.detail or "")
    assert gateway.orders() == []


def test_a_closed_market_is_said_with_its_opening(gateway: IbGateway) -> None:
    gateway.close_market()
    result = execute()
    assert result.status is ExecutionStatus.REFUSED
    assert {line.reason for line in result.lines} == {Reason.MARKET_CLOSED}
    assert gateway.count("place") == 0


def test_a_class_of_shares_is_found_under_ibs_name_for_it(gateway: IbGateway) -> None:
    (line,) = execute(a_plan(buy("BRK.B", "1000"))).lines
    assert line.filled_quantity == 3
    assert gateway.positions()["BRK.B"] == 3


def test_what_does_not_reach_for_a_whole_share_is_an_outcome_not_an_error(gateway: IbGateway) -> None:
    first, second = execute(a_plan(buy("SPY", "399"), sell("GLD", "100"))).lines
    assert {first.reason, second.reason} == {Reason.ROUNDS_TO_ZERO}
    assert gateway.count("place") == 0


async def test_an_order_placed_by_a_person_holds_its_shares_and_is_left_alone(gateway: IbGateway) -> None:
    person = await connected(gateway, 1)
    theirs = person.placeOrder(a_stock("GLD"), a_buy(10, action="SELL", limit=400))
    await heard(person)
    with ExecutionManager.from_settings() as execution:
        result = await execution.execute_rebalance_plan_async(a_plan(sell("GLD", "1000")))
    (line,) = result.lines
    assert line.reason is Reason.NOT_HELD
    assert gateway.count("place") == 1
    await heard(person)
    assert (theirs.orderStatus.status, gateway.positions()) == ("Submitted", {"GLD": Decimal(10)})
    person.disconnect()


def test_another_program_with_our_client_id_stops_the_plan_before_any_order(gateway: IbGateway) -> None:
    with ExecutionManager.from_settings() as other:
        assert other.execute_rebalance_plan(a_plan(buy("SPY", "1000"))).success
        result = execute(a_plan(buy("QQQ", "1000"), plan_id="plan-2"))
    assert result.status is ExecutionStatus.REFUSED
    assert "client id" in (result.detail or "")
    assert len(gateway.orders()) == 1


def test_a_plan_goes_on_where_it_was_when_the_gateway_comes_back(gateway: IbGateway) -> None:
    gateway.faults.once("place", Fault.RESET)
    gateway.faults.once("open_orders", Fault.RESET, Fault.RESET)
    gateway.faults.once("executions", Fault.RESET)
    assert all_filled_once(gateway, execute())


def test_a_program_that_was_killed_while_its_orders_hung_finds_them_again(
    gateway: IbGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let(monkeypatch, ledger__url="sqlite:///planfill.db", ib__timeout_s=30)
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    gateway.faults.always("place", Fault.HANG)
    with subprocess.Popen(command("execute", "plan.json"), stderr=subprocess.DEVNULL) as killed:
        gateway.wait_for_orders(len(PLAN["items"]))
        killed.kill()
    gateway.faults.clear()
    let(monkeypatch, ib__timeout_s=QUICK["ib__timeout_s"])
    with ExecutionManager.from_settings() as execution:
        assert all_filled_once(gateway, execution.resume("plan-1"))
    assert gateway.count("place") == len(PLAN["items"])


def test_account_and_gateway_are_logged_at_the_start(gateway: IbGateway) -> None:
    execute()
    log = [json.loads(line) for line in Path("planfill.log").read_text(encoding="utf-8").splitlines()]
    began = next(line["message"] for line in log if line["event"] == "execution_started")
    assert f"received for ib:paper:DU1234567 at 127.0.0.1:{gateway.port} by " in began
