"""The core is small enough to be read in one sitting, and the README's counts are true."""

from pathlib import Path
from typing import Final

import core_size
import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LIMIT: Final = 200


def test_the_core_is_under_200_lines_of_code(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{core_size.statement()}")  # noqa: T201 - the figure belongs in the output
    assert core_size.core_size() < LIMIT


def test_no_plan_passes_what_is_not_counted() -> None:
    aside = core_size.PACKAGE / "application" / core_size.ASIDE
    assert core_size.uses_a_broker(aside.read_text(encoding="utf-8"))
    name = f"planfill.application.{aside.stem}"
    users = {
        path.name for path in core_size.PACKAGE.rglob("*.py") if name in path.read_text(encoding="utf-8")
    }
    assert users == {"examining.py"}
    name = "planfill.application.examining"
    users = {
        path.name for path in core_size.PACKAGE.rglob("*.py") if name in path.read_text(encoding="utf-8")
    }
    assert users == {"doctoring.py", "services.py", "container.py", "manager.py"}


def test_the_readme_prints_the_counts_as_they_are() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count("<!-- core-size -->") == len(core_size.MARKED.findall(readme))
    assert readme == core_size.refreshed(readme), "run `make format`"


def test_blank_lines_comments_and_docstrings_are_not_counted() -> None:
    source = '''"""Doc."""

# why
X = 1  # code
"""What X is."""


def f(text: str) -> str:
    """
    Say.

    More.
    """
    return """two
lines""" + text
'''
    assert core_size.lines_of_code(source) == 4


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("await self.broker.place_order(order)", True),
        ("send = broker.cancel_order", True),
        ("async def place_order(self): ...", False),
        ("manager.execute(plan)", False),
    ],
)
def test_a_module_counts_when_it_uses_a_broker(source: str, *, uses: bool) -> None:
    assert core_size.uses_a_broker(source) is uses
