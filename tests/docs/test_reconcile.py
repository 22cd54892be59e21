"""The page on reconciliation names every difference there is, and every field of the document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from planfill.domain.reconciliation import Difference, Discrepancy, Reconciliation

PAGE: Final = "how-to/reconcile.md"
Table = Callable[[str, str], list[dict[str, str]]]


def test_every_difference_is_there_with_its_meaning(table: Table) -> None:
    rows = table(PAGE, "## What is compared")
    assert [row["Difference"] for row in rows] == list(Discrepancy)
    assert all(row["What it means"] for row in rows)


def test_every_field_of_the_document_is_named() -> None:
    text = (Path(__file__).parents[2] / "docs" / PAGE).read_text(encoding="utf-8")
    for field in (*Reconciliation.model_fields, *Difference.model_fields):
        assert f"`{field}`" in text, field
