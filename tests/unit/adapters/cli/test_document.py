"""The JSON documents, and the schema that is published of them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from planfill.adapters.cli.document import Failed, Failure, document, executions_document
from planfill.adapters.cli.schema import result_schema
from planfill.application.ports.ledger import ExecutionSummary
from planfill.domain.errors import Problem
from planfill.domain.identity import ExecutionKey
from planfill.domain.result import ExecutionResult, ExecutionStatus, nothing_to_do
from planfill.domain.values import Money, Quantity
from planfill.testing.events import ACCOUNT, AT, a_result

PUBLISHED: Final = Path(__file__).resolve().parents[4] / "docs" / "reference" / "result.schema.json"
REFRESH: Final = (
    "python -c \"from planfill.adapters.cli.schema import result_schema; print(result_schema(), end='')\""
    " > docs/reference/result.schema.json"
)


def problems(text: str) -> list[str]:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(text))]


def test_the_published_schema_is_what_the_code_generates() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == result_schema(), REFRESH


def test_the_published_schema_is_one() -> None:
    Draft202012Validator.check_schema(json.loads(PUBLISHED.read_text(encoding="utf-8")))


def test_the_fields_are_those_of_the_issue() -> None:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    result, line = (set(schema["$defs"][name]["required"]) for name in ("ExecutionResult", "OrderResult"))
    assert result >= {
        "plan_id", "correlation_id", "status", "success", "started_at", "finished_at", "account",
        "orders_placed", "orders_filled", "success_rate", "planned_usd", "filled_usd", "residual_usd",
        "fees_usd", "shortfall_usd", "shortfall_bps", "ledger_head", "lines",
    }  # fmt: skip
    assert line >= {
        "symbol", "action", "outcome", "reason", "detail", "client_order_id", "broker_order_id",
        "order_type", "planned_usd", "planned_quantity", "filled_usd", "filled_quantity",
        "average_price", "arrival_price", "price_source", "residual_usd", "residuals",
    }  # fmt: skip


@pytest.mark.parametrize("status", ExecutionStatus)
def test_a_result_validates(status: ExecutionStatus) -> None:
    assert problems(document(a_result(status))) == []


def test_the_result_of_no_plan_validates() -> None:
    assert problems(document(nothing_to_do(AT))) == []


def test_an_error_validates() -> None:
    problem = Problem(path="items[3].trade_amount", message="no")
    failed = Failed(error=Failure(code="PLAN_INVALID", message="no", problems=(problem,)))
    assert problems(document(failed)) == []
    assert json.loads(document(failed)) == {
        "error": {
            "code": "PLAN_INVALID",
            "message": "no",
            "problems": [{"path": "items[3].trade_amount", "message": "no"}],
        }
    }


def changed(**fields: Any) -> str:
    return json.dumps(json.loads(document(a_result())) | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"planned_usd": 12.5},
        {"planned_usd": "1E+3"},
        {"started_at": "2021-03-31 15:00:00"},
        {"status": "DONE"},
        {"success_rate": "0.5"},
        {"lines": [{}]},
        {"error": {"code": "X", "message": "", "problems": []}},
    ],
    ids=lambda fields: next(iter(fields)) + str(len(str(fields))),
)
def test_what_is_no_result_does_not_validate(fields: dict[str, Any]) -> None:
    assert problems(changed(**fields))


def test_a_field_of_a_later_version_validates() -> None:
    assert problems(changed(later="field")) == []


def test_decimals_are_written_without_an_exponent_and_times_in_utc() -> None:
    line = {
        **dict(a_result().lines[0]),
        "planned_usd": Money(Decimal("1E+6")),
        "filled_quantity": Quantity(Decimal("0.000000001")),
    }
    result = ExecutionResult.model_validate({**dict(a_result()), "lines": (line,)})
    written = json.loads(document(result))
    assert written["lines"][0]["planned_usd"] == "1000000"
    assert written["lines"][0]["filled_quantity"] == "0.000000001"
    assert written["lines"][0]["residuals"] == {"unfilled": "600.10"}
    assert written["started_at"] == "2021-03-31T15:00:00.000001Z"
    assert problems(document(result)) == []


def test_a_list_of_executions_names_plan_account_start_and_state() -> None:
    one = ExecutionSummary(ExecutionKey(account=ACCOUNT, plan_id="plan-1"), AT, finished=False)
    assert json.loads(executions_document([one])) == {
        "executions": [
            {
                "plan_id": "plan-1",
                "account": "contract:paper:A-1",
                "started_at": "2021-03-31T15:00:00.000001Z",
                "finished": False,
            }
        ]
    }


def test_what_no_document_can_hold_is_an_error() -> None:
    class Odd(Failed, frozen=True):
        odd: Any

    with pytest.raises(TypeError, match="complex"):
        document(Odd(error=Failure(code="", message=""), odd=1j))
