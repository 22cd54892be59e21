"""The reference says what the code says: a name or a figure that changes here must change there."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from pydantic import BaseModel

from planfill.adapters.brokers.alpaca.settings import KEY, SECRET, AlpacaSettings
from planfill.adapters.brokers.ib.settings import IbSettings
from planfill.adapters.brokers.mock import MockSettings
from planfill.bootstrap.drills import CASES
from planfill.bootstrap.sections import AccountSettings
from planfill.bootstrap.settings import Settings
from planfill.bootstrap.shadows import ShadowSettings
from planfill.domain import errors, events
from planfill.domain.numerals import plain
from planfill.domain.outcome import HARMLESS, LineOutcome, Reason, Residual, closed_as
from planfill.domain.plan import Plan, PlanItem
from planfill.domain.policy import LimitsPolicy, RolloutPolicy
from planfill.domain.result import EXIT_CODE, ExecutionResult, ExecutionStatus, OrderResult

ROOT: Final = Path(__file__).resolve().parents[2]
Table = Callable[[str, str], list[dict[str, str]]]

TABLES: Final = {
    **{name: field.annotation for name, field in Settings.model_fields.items() if name != "shadow"},
    "accounts.NAME": AccountSettings,
    "shadow.NAME": ShadowSettings,
    "alpaca": AlpacaSettings,
    "ib": IbSettings,
    "mock": MockSettings,
}
# All that can be told of a secret is where it comes from.
SECRETS: Final = {"key_id": KEY, "secret_key": SECRET}


def fields(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


def shown(default: object) -> str:
    """Write a default as the page does."""
    match default:
        case None:
            return "unset"
        case bool():
            return str(default).lower()
        case int() | float() | Decimal():
            return plain(Decimal(str(default)))
        case str() | Path():
            return str(default) or "empty"
        case frozenset() | tuple() | dict() if not default:
            return "none"
        case tuple():
            return ", ".join(map(str, default))
    raise TypeError(default)


@pytest.mark.parametrize("name", TABLES)
def test_every_setting_is_there_with_its_default_and_a_reason(name: str, table: Table) -> None:
    model = TABLES[name]
    assert model is not None
    rows = table("reference/settings.md", f"## `[{name}]`")
    assert [(row["Setting"], row["Default"]) for row in rows] == [
        (field, SECRETS.get(field) or shown(info.get_default(call_default_factory=True)))
        for field, info in model.model_fields.items()
        if not info.is_required()
    ]
    assert all(row["Unit"] and row["Why"] for row in rows)


def test_a_setting_whose_name_says_a_unit_has_that_unit(table: Table) -> None:
    units = {"_s": "s", "_bps": "bps", "_usd": "$", "_pct": "%"}
    for name in TABLES:
        for row in table("reference/settings.md", f"## `[{name}]`"):
            for ending, unit in units.items():
                if row["Setting"].endswith(ending):
                    assert row["Unit"] == unit, row


def test_every_status_is_there_with_its_success_and_exit_code(table: Table) -> None:
    rows = table("reference/statuses.md", "# Statuses and exit codes")
    assert {row["Status"]: int(row["Exit code"]) for row in rows} == EXIT_CODE
    succeeding = {ExecutionStatus.NOTHING_TO_DO, ExecutionStatus.SUCCEEDED}
    assert {row["Status"] for row in rows if row["Success"] == "yes"} == succeeding


def test_every_exit_code_has_a_meaning(table: Table) -> None:
    codes = {int(row["Exit code"]) for row in table("reference/statuses.md", "## Exit codes")}
    assert codes == {*EXIT_CODE.values(), *(error.exit_code for error in tree())}


def test_every_outcome_is_there(table: Table) -> None:
    rows = table("reference/outcomes.md", "## Outcomes")
    assert [row["Outcome"] for row in rows] == list(LineOutcome)


def test_every_residual_is_there_and_whether_it_is_harmless(table: Table) -> None:
    rows = table("reference/outcomes.md", "## Residuals")
    assert [row["Residual"] for row in rows] == list(Residual)
    assert {row["Residual"] for row in rows if row["Harmless"] == "yes"} == HARMLESS


def test_every_reason_is_there_once_with_how_it_closes_a_line(table: Table) -> None:
    closing = table("reference/outcomes.md", "## Reasons of lines for which nothing was sent")
    others = table("reference/outcomes.md", "## Reasons of lines with an order")
    assert sorted(row["Reason"] for row in [*closing, *others]) == sorted(Reason)
    for row in closing:
        assert (row["Outcome"], row["Residual"]) == closed_as(Reason(row["Reason"])), row


def test_every_field_of_the_result_is_there(table: Table) -> None:
    result, line = table("reference/result.md", "## The result"), table("reference/result.md", "## A line")
    assert [row["Field"] for row in result] == fields(ExecutionResult)
    assert [row["Field"] for row in line] == fields(OrderResult)
    assert all(row["Meaning"] for row in [*result, *line])


def test_every_field_of_the_plan_is_there(table: Table) -> None:
    plan = {row["Field"] for row in table("plan-format.md", "## The plan")}
    assert plan == {*fields(Plan)} - {"warnings"}
    assert {row["Field"] for row in table("plan-format.md", "## A line")} == {*fields(PlanItem)}


def test_every_error_is_there_in_its_place_with_its_exit_code(table: Table) -> None:
    rows = table("reference/errors.md", "# Errors")
    assert {row["Error"]: (row["Is a"], int(row["Exit code"])) for row in rows} == {
        error.__name__: (parent_of(error), error.exit_code) for error in tree()
    }


def test_the_tree_at_the_top_of_the_errors_names_each_of_them() -> None:
    drawn = {line.split("-- ")[1].split()[0] for line in (errors.__doc__ or "").splitlines() if "-- " in line}
    assert drawn == {error.__name__ for error in tree()} - {"ExecutionError"}


def test_every_event_is_there_with_its_fields_and_whether_it_finishes(table: Table) -> None:
    finishes = {"yes": True, "no": False, "": None}
    rows = table("reference/events.md", "# Events")
    assert {row["Event"]: (row["Fields"].split(", "), finishes[row["Finishes"]]) for row in rows} == {
        event.model_fields["kind"].default: ([f for f in fields(event) if f != "kind"], event.finishes)
        for event in typing.get_args(events.Event)
    }


def tree() -> list[type[errors.ExecutionError]]:
    """List the errors that have a public name."""
    return [
        error
        for name, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, errors.ExecutionError) and not name.startswith("_")
    ]


def parent_of(error: type[errors.ExecutionError]) -> str:
    """Name the nearest error above that has a public name."""
    public = set(tree())
    return next((base.__name__ for base in error.__mro__[1:] if base in public), "")


def test_every_control_is_there_with_its_default_and_is_tripped_through_the_program(table: Table) -> None:
    rows = table("reference/controls.md", "# Controls: limits and breakers")
    stages = table("reference/controls.md", "## Stages of a live account")
    named = [f"limits.{row['Setting']}" for row in rows] + [f"rollout.{row['Setting']}" for row in stages]
    assert named == [case.control for case in CASES]
    for row in stages:
        if row["Setting"] in RolloutPolicy.model_fields:
            assert row["Default"] == shown(RolloutPolicy.model_fields[row["Setting"]].default)
    for row in rows:
        default = LimitsPolicy.model_fields[row["Setting"]].default
        assert row["Default"] == (plain(Decimal(default)) if default else "off")
    page = (ROOT / "docs/reference/controls.md").read_text(encoding="utf-8")
    tests = (ROOT / "tests/end_to_end/test_controls.py").read_text(encoding="utf-8")
    trips = re.findall(r"`(test_\w+)\[", page)
    assert trips
    assert all(f"ids=lambda case: case.control)\ndef {test}(" in tests for test in trips)
