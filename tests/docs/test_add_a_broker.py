"""The page on adding a broker quotes the sample as it is, and names what is shipped for tests."""

from __future__ import annotations

import pkgutil
import re
import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import planfill.testing
from planfill.bootstrap.settings import GROUP

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLE: Final = ROOT / "docs" / "examples" / "sample_broker"
TEXT: Final = (ROOT / "docs" / "how-to" / "add-a-broker.md").read_text(encoding="utf-8")
Table = Callable[[str, str], list[dict[str, str]]]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def test_the_python_is_the_samples() -> None:
    sources = [path.read_text(encoding="utf-8") for path in SAMPLE.rglob("*.py")]
    quoted = blocks("python")
    assert len(quoted) == 4
    for quote in quoted:
        indented = [textwrap.indent(quote, " " * depth) for depth in (0, 4, 8)]
        assert any(form in source for form in indented for source in sources), quote


def test_the_entry_point_is_the_samples() -> None:
    entry_point, settings = (tomllib.loads(block) for block in blocks("toml"))
    package = tomllib.loads((SAMPLE / "pyproject.toml").read_text(encoding="utf-8"))
    assert entry_point["project"]["entry-points"] == package["project"]["entry-points"]
    assert list(package["project"]["entry-points"]) == [GROUP]
    assert settings["broker"]["adapter"] in package["project"]["entry-points"][GROUP]


def test_every_module_that_is_shipped_for_tests_is_named(table: Table) -> None:
    rows = table("how-to/add-a-broker.md", "## 3. Prove it")
    named = {name.strip() for row in rows for name in row["Module"].split(",")}
    modules = {module.name for module in pkgutil.iter_modules(planfill.testing.__path__)}
    assert named <= modules
    # trouble_sends is a part of trouble, ledger_claims of ledger.
    assert {name for name in modules - named if name.partition("_")[0] not in named} == set()
