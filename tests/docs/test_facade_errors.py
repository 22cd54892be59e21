"""What the façade's methods say they raise are errors of the one tree."""

from __future__ import annotations

import inspect
import re
from typing import Final

import pytest

from planfill import ExecutionManager
from planfill.domain import errors

RAISES: Final = re.compile(r"^ *Raises:\n((?:^ +\w+: .*\n(?:^ {8,}.*\n)*)+)", re.MULTILINE)
NAME: Final = re.compile(r"^ *(\w+): ", re.MULTILINE)


def raised() -> dict[str, set[str]]:
    """Name what each public method says that it raises."""
    methods = inspect.getmembers(ExecutionManager, inspect.isroutine)
    told = {name: inspect.getdoc(method) or "" for name, method in methods if not name.startswith("_")}
    sections = {name: RAISES.findall(f"{doc}\n") for name, doc in told.items()}
    return {name: {error for one in found for error in NAME.findall(one)} for name, found in sections.items()}


@pytest.mark.parametrize("method", sorted(raised()))
def test_what_a_method_raises_is_an_error_of_ours(method: str) -> None:
    for name in raised()[method]:
        assert issubclass(getattr(errors, name), errors.ExecutionError)


def test_what_keeps_a_plan_from_its_result_is_told() -> None:
    told = raised()["execute_rebalance_plan"]
    assert told == {
        "PlanInvalid",
        "PlanConflict",
        "PlanNotApproved",
        "AccountUnknown",
        "AccountMismatch",
        "SettingsError",
        "LedgerError",
    }
    assert raised()["resume"] == {"PlanUnknown", "AccountMismatch", "AccountUnknown"}


def test_what_any_method_raises_is_told_of_the_class() -> None:
    doc = inspect.getdoc(ExecutionManager.__mro__[1]) or ""
    assert {"AlreadyClosed", "ProcessForked"} <= set(re.findall(r"``(\w+)``", doc))
