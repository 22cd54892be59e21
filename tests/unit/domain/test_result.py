import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from planfill.domain.events import OrderReported
from planfill.domain.outcome import LineOutcome, Residual
from planfill.domain.plan import Action
from planfill.domain.result import EXIT_CODE, ExecutionResult, ExecutionStatus, OrderResult, nothing_to_do
from planfill.domain.summary import summarize
from planfill.domain.values import BrokerOrderId, Money, Quantity
from planfill.testing.builders import a_plan, a_report, a_state, an_item, an_order_recorded
from planfill.testing.clock import START


def a_line(**fields: object) -> OrderResult:
    values: dict[str, object] = {
        "symbol": "SPY",
        "action": Action.BUY,
        "outcome": LineOutcome.FILLED,
        "planned_usd": Decimal(1000),
        "filled_usd": Decimal(999),
        "filled_quantity": Decimal(10),
        "residual_usd": Decimal(1),
        "residuals": {Residual.ROUNDING: Decimal(1)},
    }
    return OrderResult.model_validate(values | fields)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("NOTHING_TO_DO", 0),
        ("SUCCEEDED", 0),
        ("PARTIAL", 1),
        ("FAILED", 1),
        ("REFUSED", 3),
        ("HALTED", 3),
        ("IN_DOUBT", 4),
    ],
)
def test_each_status_has_its_exit_code(status: str, code: int) -> None:
    result = ExecutionResult.model_validate(dict(nothing_to_do(START)) | {"status": ExecutionStatus(status)})
    assert result.exit_code == code


def test_no_status_is_without_an_exit_code() -> None:
    assert set(EXIT_CODE) == set(ExecutionStatus)


@pytest.mark.parametrize("outcome", LineOutcome)
def test_a_line_is_a_success_where_it_filled(outcome: LineOutcome) -> None:
    assert a_line(outcome=outcome).success is (outcome is LineOutcome.FILLED)


def test_a_line_gives_the_brokers_id_as_its_own() -> None:
    assert a_line(broker_order_id=BrokerOrderId("b-1")).order_id == "b-1"
    assert a_line().order_id is None


def test_orders_are_the_lines_that_were_to_be_traded() -> None:
    plan = a_plan(an_item("H1", "HOLD"), an_item("SPY"))
    result = summarize(a_state(an_order_recorded(), OrderReported(report=a_report()), plan=plan), START)
    assert [line.symbol for line in result.lines] == ["H1", "SPY"]
    assert [line.symbol for line in result.orders] == ["SPY"]


def test_no_plan_is_a_success_without_orders() -> None:
    result = nothing_to_do(START)
    assert (result.plan_id, result.correlation_id, result.account) == (None, None, None)
    assert (result.status, result.success, result.exit_code) == (ExecutionStatus.NOTHING_TO_DO, True, 0)
    assert (result.started_at, result.finished_at, result.lines) == (START, START, ())
    assert (result.orders_placed, result.orders_filled, result.success_rate, result.shortfall_bps) == (
        0,
        0,
        None,
        None,
    )
    dollars = (
        result.planned_usd,
        result.filled_usd,
        result.residual_usd,
        result.fees_usd,
        result.shortfall_usd,
    )
    assert set(dollars) == {Decimal(0)}


def test_a_result_may_carry_the_hash_under_which_it_is_kept() -> None:
    result = nothing_to_do(START)
    assert result.at_head("abc").ledger_head == "abc"
    assert dict(result.at_head("abc")) | {"ledger_head": None} == dict(result)


def test_times_are_written_in_utc_with_microseconds() -> None:
    at = datetime(2021, 3, 31, 15, 0, 0, 5, UTC)
    written = json.loads(nothing_to_do(at).model_dump_json())
    assert written["started_at"] == written["finished_at"] == "2021-03-31T15:00:00.000005Z"


def test_times_of_another_zone_are_written_in_utc() -> None:
    at = datetime(2021, 3, 31, 10, 0, tzinfo=timezone(-timedelta(hours=5)))
    assert json.loads(nothing_to_do(at).model_dump_json())["started_at"] == "2021-03-31T15:00:00.000000Z"


def test_money_and_quantities_are_written_as_texts() -> None:
    line = a_line(filled_quantity=Quantity(Decimal("7.2273576")), filled_usd=Money(Decimal("0.10")))
    written = json.loads(line.model_dump_json())
    assert (written["filled_quantity"], written["filled_usd"]) == ("7.2273576", "0.10")
    assert written["residuals"] == {"rounding": "1"}
