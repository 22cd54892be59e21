"""The page on Interactive Brokers says what the adapter does: its tables, its calls, and how sure it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from planfill.adapters.brokers.ib.outcomes import REFUSALS, STATUSES

PAGE: Final = "reference/interactive-brokers.md"
ROOT: Final = Path(__file__).resolve().parents[2]
ADAPTER: Final = ROOT / "src" / "planfill" / "adapters" / "brokers" / "ib"
SURE: Final = ("documented", "reported", "measured", "not verified")

Table = Callable[[str, str], list[dict[str, str]]]


def test_every_status_is_there_with_what_it_becomes(table: Table) -> None:
    rows = table(PAGE, "## Statuses")
    assert [(row["Status"], row["Becomes"]) for row in rows] == list(STATUSES.items())
    assert all(row["When"] for row in rows)


def test_every_refusal_is_there_in_its_place(table: Table) -> None:
    told = [
        (int(row["Number"]), row["Text"].replace(r"\|", "|"), row["Becomes"])
        for row in table(PAGE, "## Refusals")
    ]
    assert told == [(one.code, one.text or "any", one.error.__name__) for one in REFUSALS]


def test_every_call_is_there_and_no_other(table: Table) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in ADAPTER.glob("*.py"))
    asked = set(re.findall(r"client\.((?:req|cancel|place)\w+)", source))
    told = {name for row in table(PAGE, "## Calls") for name in re.findall(r"\w+", row["Call"])}
    assert told == asked


@pytest.mark.parametrize(
    "heading", ["## Statuses", "## Refusals", "## Other messages, and none", "## What IB keeps"]
)
def test_every_fact_says_how_sure_it_is(table: Table, heading: str) -> None:
    rows = table(PAGE, heading)
    assert rows
    assert all(row["Evidence"].startswith(SURE) for row in rows)
    means = table(PAGE, "# Interactive Brokers: what the adapter stands on")
    assert [row["Evidence"] for row in means] == list(SURE)
