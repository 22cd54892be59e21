"""What the tests of the documentation share: its pages, and the tables in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
_CELL: Final = re.compile(r"(?<!\\)\|")

Rows = list[dict[str, str]]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELL.split(line.strip())[1:-1]]


def _rows(text: str) -> Rows:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    header = _cells(lines[0])
    return [dict(zip(header, _cells(line), strict=True)) for line in lines[2:]]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def table() -> Callable[[str, str], Rows]:
    """Read the table under a heading of a page of ``docs/``: a mapping a row, the code marks taken off."""

    def read(page: str, heading: str) -> Rows:
        text = "\n" + (ROOT / "docs" / page).read_text(encoding="utf-8")
        _, found, rest = text.partition(f"\n{heading}\n")
        assert found, f"{page} has no {heading!r}"
        section = re.split(r"\n#+ ", rest)[0]
        return [{name: cell.replace("`", "") for name, cell in row.items()} for row in _rows(section)]

    return read
