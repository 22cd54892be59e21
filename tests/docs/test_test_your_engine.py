"""How to test an engine: the tests on the page pass, and each status comes of what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from planfill.adapters.brokers.mock import On, faults
from planfill.domain.errors import InsufficientFundsError, OrderRejected
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.testing.builders import a_plan, a_policy, an_item
from planfill.testing.engine import MockExecution

PAGE: Final = "how-to/test-your-engine.md"
TEXT: Final = (Path(__file__).resolve().parents[2] / "docs" / PAGE).read_text(encoding="utf-8")
SHOWN: Final = "\n".join(re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE))
TESTS: Final = re.findall(r"^def (test_\w+)", SHOWN, re.MULTILINE)
NAMES: Final = {
    **vars(faults),
    "On": On,
    "InsufficientFundsError": InsufficientFundsError,
    "OrderRejected": OrderRejected,
    "MockExecution": MockExecution,
    "PRICES": {"SPY": 400, "QQQ": 300},
    "a_policy": a_policy,
}

Table = Callable[[str, str], list[dict[str, str]]]


def test_there_are_tests_on_the_page() -> None:
    assert len(TESTS) == 3


@pytest.mark.parametrize("name", TESTS)
def test_a_test_on_the_page_passes(name: str, request: pytest.FixtureRequest) -> None:
    shown: dict[str, Any] = {}
    exec(compile(SHOWN, PAGE, "exec"), shown)  # noqa: S102 - our own page
    test = shown[name]
    fixtures = test.__code__.co_varnames[: test.__code__.co_argcount]
    test(*(request.getfixturevalue(fixture) for fixture in fixtures))


def test_each_status_is_made_as_the_page_says(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = table(PAGE, "## Whatever may come back")
    made = {}
    for row in rows:
        execution = eval(f"MockExecution(PRICES, {row['More arguments of MockExecution']})", dict(NAMES))  # noqa: S307
        made[row["Status"]] = str(status_of(execution))
    assert made == {status: status for status in ExecutionStatus if status != "NOTHING_TO_DO"}
    # Nothing was written anywhere.
    assert list(tmp_path.iterdir()) == []


def status_of(execution: MockExecution) -> ExecutionStatus:
    with execution:
        result: ExecutionResult = execution.execute_rebalance_plan(
            a_plan(an_item("SPY", "BUY", 1000), an_item("QQQ", "BUY", 1000))
        )
        spent = sum((order.filled_usd for order in result.orders), Decimal(0))
        assert abs(Decimal(100_000) - execution.cash - spent) <= Decimal("0.01")
    return result.status
