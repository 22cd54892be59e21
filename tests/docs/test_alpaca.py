"""The page on Alpaca says what the adapter does: its tables, its calls, how sure each fact is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from planfill.adapters.brokers.alpaca.outcomes import NEVER_LEFT, REFUSALS
from planfill.adapters.brokers.alpaca.wire import STATUSES

PAGE: Final = "reference/alpaca.md"
ROOT: Final = Path(__file__).resolve().parents[2]
TEXT: Final = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
ADAPTER: Final = ROOT / "src" / "planfill" / "adapters" / "brokers" / "alpaca"
SURE: Final = ("recorded", "documented", "reported", "measured", "not verified")

Table = Callable[[str, str], list[dict[str, str]]]


def test_every_status_is_there_with_what_it_becomes(table: Table) -> None:
    rows = table(PAGE, "## Statuses")
    assert [(row["Status"], row["Becomes"]) for row in rows] == list(STATUSES.items())
    assert all(row["When"] for row in rows)


def test_every_refusal_is_there_in_its_place(table: Table) -> None:
    rows = table(PAGE, "## Refusals")
    assert [
        (int(row["Status"]), row["Code"], row["Text"].replace(r"\|", "|"), row["Becomes"]) for row in rows
    ] == [
        (one.status, str(one.code or "any"), one.text or "any other", one.error.__name__) for one in REFUSALS
    ]


def test_every_failure_before_sending_is_named() -> None:
    for error in NEVER_LEFT:
        assert f"`{error.__name__}`" in TEXT


def test_every_call_is_there_and_no_other(table: Table) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in ADAPTER.glob("*.py"))
    asked = set(re.findall(r'"(/(?:orders|account|positions|assets|clock|stocks)[\w/:]*)', source))
    told = {row["Call"].split()[1] for row in table(PAGE, "## Calls")}
    assert told - {"/orders/"} == asked - {"/orders/"}
    assert "/orders/" in told
    assert 'delete(f"/orders/' in source


@pytest.mark.parametrize(
    "heading",
    [
        "## Statuses",
        "## Refusals",
        "## Other answers, and none",
        "## Limits",
        "## The stream",
        "## Orders and numbers",
    ],
)
def test_every_fact_says_how_sure_it_is(table: Table, heading: str) -> None:
    rows = table(PAGE, heading)
    assert rows
    assert all(row["Evidence"].startswith(SURE) for row in rows)
    assert [row["Evidence"] for row in table(PAGE, "# Alpaca: what the adapter stands on")] == list(SURE)


def test_the_page_says_that_it_was_not_run_there() -> None:
    assert "**not been run against Alpaca itself**" in TEXT
