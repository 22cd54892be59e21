"""The glossary: every type that it names exists, every FIX tag is there once, Alpaca's names are read."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from pydoc import locate
from typing import Final

import pytest

from planfill.domain import order, report

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = "reference/glossary.md"
ALPACA: Final = ROOT / "src/planfill/adapters/brokers/alpaca"
SECTIONS: Final = ("What was decided", "An order and its reports", "Market and account", "Execution")

Table = Callable[[str, str], list[dict[str, str]]]


@pytest.fixture
def rows(table: Table) -> list[dict[str, str]]:
    return [row for section in SECTIONS for row in table(PAGE, f"## {section}")]


def test_every_type_exists(rows: list[dict[str, str]]) -> None:
    missing = []
    for row in rows:
        path, _, name = f"planfill.{row['Ours']}".rpartition(".")
        owner = locate(path)
        fields = getattr(owner, "model_fields", {})
        if name not in fields and not hasattr(owner, name):
            missing.append(row["Ours"])
    assert missing == []


def test_every_term_and_every_tag_is_there_once(rows: list[dict[str, str]]) -> None:
    tags = [row["FIX"] for row in rows if row["FIX"]]
    assert all(re.fullmatch(r"\d+ [A-Z][A-Za-z]+", tag) for tag in tags)
    for column in ([tag.split()[0] for tag in tags], [row["Term"] for row in rows]):
        assert sorted(column) == sorted(set(column))
    assert all(row["Meaning"] for row in rows)


def test_the_tags_are_those_of_the_docstrings(rows: list[dict[str, str]]) -> None:
    told = {row["Ours"].rpartition(".")[2]: row["FIX"].split()[0] for row in rows if row["FIX"]}
    said = {
        name: tag[1]
        for module in (order, report)
        for name, found in inspect.getmembers(module, inspect.isclass)
        if found.__module__ == module.__name__
        if (tag := re.match(r"FIX tag (\d+)", found.__doc__ or ""))
    }
    assert said
    assert said.items() <= told.items()


def test_every_name_of_alpacas_is_one_that_the_adapter_reads_or_writes(rows: list[dict[str, str]]) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in ALPACA.glob("*.py"))
    named = {row["Alpaca"] for row in rows if row["Alpaca"]}
    assert {name for name in named if f'"{name}"' not in sources} == set()
