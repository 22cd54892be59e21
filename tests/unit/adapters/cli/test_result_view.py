"""A result as people read it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from planfill.adapters.cli.result_view import next_step, result_view
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.plan import Action
from planfill.domain.result import ExecutionResult, ExecutionStatus, OrderResult
from planfill.domain.values import Money, Price, Quantity
from planfill.testing.events import AT


def a_line(symbol: str = "SPY", outcome: LineOutcome = LineOutcome.FILLED, **fields: Any) -> OrderResult:
    values: dict[str, Any] = {
        "symbol": symbol,
        "action": Action.BUY,
        "outcome": outcome,
        "planned_usd": Money(Decimal("234567.80")),
        "filled_usd": Money(Decimal("234560.00")),
        "filled_quantity": Quantity(Decimal("3086.400000001")),
        "average_price": Price(Decimal("400.0001")),
        "residual_usd": Money(Decimal("7.80")),
    }
    return OrderResult.model_validate(values | fields)


def blocked(symbol: str, reason: Reason, detail: str = "") -> OrderResult:
    return a_line(
        symbol,
        LineOutcome.BLOCKED,
        reason=reason,
        detail=detail,
        filled_usd=Money(Decimal(0)),
        filled_quantity=Quantity(Decimal(0)),
        average_price=None,
        residual_usd=Money(Decimal("234567.80")),
    )


def a_result(
    *lines: OrderResult, status: ExecutionStatus = ExecutionStatus.SUCCEEDED, **fields: Any
) -> ExecutionResult:
    values: dict[str, Any] = {
        "plan_id": "plan-1",
        "correlation_id": "run-1",
        "status": status,
        "success": status is ExecutionStatus.SUCCEEDED,
        "started_at": AT,
        "finished_at": AT + timedelta(seconds=3),
        "account": "mock:mock:MOCK-1",
        "orders_placed": 2,
        "orders_filled": 1,
        "success_rate": 0.5,
        "planned_usd": Money(Decimal("2469135.60")),
        "filled_usd": Money(Decimal("1234560.00")),
        "residual_usd": Money(Decimal("1234575.60")),
        "fees_usd": Money(Decimal(0)),
        "shortfall_usd": Money(Decimal("-12.30")),
        "shortfall_bps": -0.1,
        "ledger_head": "f" * 64,
        "lines": lines,
    }
    return ExecutionResult.model_validate(values | fields)


def drawn(result: ExecutionResult, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(*result_view(result, width), sep="\n")
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert all(len(line) <= width for line in text.splitlines())
    return text


def test_each_line_is_one_row_with_its_figures() -> None:
    heading, *rows = drawn(a_result(a_line("SPY"), a_line("QQQ", action=Action.SELL))).splitlines()
    assert heading.rstrip() == "plan-1 on mock:mock:MOCK-1, 2021-03-31 15:00:00 UTC"
    assert rows[0].split() == [
        "symbol", "planned", "$", "outcome", "filled", "$", "quantity", "avg", "price", "residual", "$",
    ]  # fmt: skip
    assert rows[1].split() == [
        "BUY", "SPY", "234,567.80", "FILLED", "234,560.00", "3086.400000001", "400.0001", "7.80",
    ]  # fmt: skip
    assert rows[2].startswith("SELL QQQ")


def test_the_sum_says_status_dollars_orders_shortfall_duration_and_head() -> None:
    text = " ".join(drawn(a_result(a_line())).split())
    assert (
        "SUCCEEDED planned $2,469,135.60, filled $1,234,560.00, residual $1,234,575.60; "
        "1 of 2 orders filled; shortfall -$12.30 (-0.10 bps); 3.00 s ledger head " + "f" * 64
    ) in text


def test_fees_are_named_where_there_are_some() -> None:
    assert "fees $1.50" in drawn(a_result(a_line(), fees_usd=Money(Decimal("1.50"))))
    assert "fees" not in drawn(a_result(a_line()))


def test_a_reason_has_a_column_where_there_is_room() -> None:
    result = a_result(a_line("SPY"), blocked("QQQ", Reason.NOT_TRADABLE, "not traded"))
    _, *lines = drawn(result).splitlines()
    assert lines[0].endswith("reason".ljust(len(lines[0]) - lines[0].index("reason")))
    assert "BLOCKED" in lines[2]
    assert "NOT TRADABLE" in lines[2]
    assert lines[3] == "QQQ: NOT TRADABLE: not traded"


def test_a_reason_stands_under_a_narrow_table() -> None:
    result = a_result(a_line("SPY"), blocked("QQQ", Reason.NOT_TRADABLE))
    _, *lines = drawn(result, 80).splitlines()
    assert "reason" not in lines[0]
    assert lines[3] == "QQQ: NOT TRADABLE"


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_row_of_large_figures_fits_on_one_line(width: int) -> None:
    assert drawn(a_result(a_line("GOOGL")), width).splitlines()[2].startswith("BUY")


@pytest.mark.parametrize("width", [40, 60])
def test_where_nothing_fits_figures_are_folded_and_never_cut(width: int) -> None:
    text = drawn(a_result(a_line()), width)
    assert "..." not in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_a_detail_that_many_lines_share_is_said_once() -> None:
    lines = [blocked(f"S{i}", Reason.BREAKER, "6 of 6 failed") for i in range(10)]
    text = " ".join(drawn(a_result(*lines, status=ExecutionStatus.PARTIAL)).split())
    assert text.count("6 of 6 failed") == 1
    assert "S0, S1, S2, S3, S4, S5, S6, S7 and 2 more: BREAKER: 6 of 6 failed" in text


def test_a_detail_of_the_whole_is_not_repeated_for_its_lines() -> None:
    lines = [blocked("SPY", Reason.MARKET_CLOSED, "the market is closed")]
    refused = a_result(*lines, status=ExecutionStatus.REFUSED, detail="the market is closed")
    assert drawn(refused).count("the market is closed") == 1


def test_a_detail_cannot_break_the_picture() -> None:
    text = drawn(a_result(blocked("SPY", Reason.REJECTED, "a\n[bold]b[/]\x1b[2J")))
    assert "a [bold]b[/] [2J" in text


def test_without_lines_there_is_only_the_sum() -> None:
    nothing = a_result(
        status=ExecutionStatus.NOTHING_TO_DO, plan_id=None, shortfall_bps=None, ledger_head=None
    )
    text = drawn(nothing)
    assert text.startswith("NOTHING TO DO  planned")
    assert "bps" not in text
    assert "ledger head" not in text


REFUSED: Mapping[str, Any] = {"status": ExecutionStatus.REFUSED, "detail": "closed"}


@pytest.mark.parametrize(
    ("status", "command"),
    [
        (ExecutionStatus.IN_DOUBT, "planfill resume plan-1 --config x"),
        (ExecutionStatus.HALTED, "planfill execute NEW_PLAN --config x"),
        (ExecutionStatus.REFUSED, "mend the cause, then again: planfill execute PLAN --config x"),
        (ExecutionStatus.PARTIAL, "planfill execute NEW_PLAN --config x"),
        (ExecutionStatus.FAILED, "planfill execute NEW_PLAN --config x"),
    ],
)
def test_what_to_do_next_is_a_command(status: ExecutionStatus, command: str) -> None:
    assert command in next_step(a_result(status=status), " --config x")


@pytest.mark.parametrize("status", [ExecutionStatus.SUCCEEDED, ExecutionStatus.NOTHING_TO_DO])
def test_after_a_success_there_is_nothing_to_do(status: ExecutionStatus) -> None:
    assert next_step(a_result(status=status)) == ""


def test_an_account_with_an_unfinished_plan_is_to_be_finished_first() -> None:
    line = blocked("SPY", Reason.ACCOUNT_UNFINISHED)
    refused = a_result(line, status=ExecutionStatus.REFUSED)
    assert "finish the other plan, then again" in next_step(refused)


def test_a_plan_id_is_quoted_for_the_shell() -> None:
    odd = a_result(status=ExecutionStatus.IN_DOUBT, plan_id="a plan; rm")
    assert next_step(odd).startswith("planfill resume 'a plan; rm'")
