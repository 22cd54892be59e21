"""The README: what it shows is what happens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from planfill.application.ports.brokerage import BrokerPlugin
from planfill.bootstrap.settings import GROUP, load_settings
from planfill.domain.result import EXIT_CODE

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
BIN: Final = Path(sys.executable).parent
# What differs from one run to the next.
FLEETING: Final = re.compile(r"[\d.]+ s\b|ledger head [0-9a-f]{64}")

Table = Callable[[str, str], list[dict[str, str]]]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def run(*command: str, cwd: Path) -> str:
    # As typed by a user: not as a part of the make, or with the settings, that the tests run under.
    ours = ("PLANFILL_", "COLUMNS", "MAKE", "MFLAGS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd=cwd,
        env=environment | {"PATH": path},
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def beside_the_docs(tmp_path: Path) -> Path:
    """An empty folder that has ``docs/`` as the repository has."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    return tmp_path


def test_make_demo_prints_the_picture() -> None:
    binaries = os.path.relpath(BIN, ROOT)
    # Nothing is installed from within a test.
    printed = run("make", "-o", ".venv/installed", f"BIN={binaries}", "demo", cwd=ROOT)
    (picture,) = blocks("text")
    command, _, shown = picture.partition("\n")
    assert command == "$ make demo"
    assert [line for line in steady(shown) if line not in steady(printed)] == []
    assert "SUCCEEDED" in shown


def steady(text: str) -> list[str]:
    """Give the lines without what differs each time, however the last of them were broken."""
    table, _, rest = text.partition("\n\n")
    return [*(line.rstrip() for line in table.splitlines()), FLEETING.sub("", " ".join(rest.split()))]


def test_the_commands_by_hand_run_as_they_stand(beside_the_docs: Path) -> None:
    makes, by_hand = blocks("sh")
    assert makes.split() == ["make", "demo", "make", "test"]
    printed = run("bash", "-euc", by_hand, cwd=beside_the_docs)
    assert '"status": "SUCCEEDED"' in printed
    named = set(re.findall(r"planfill ([a-z]+)", by_hand))
    assert named == {"preview", "execute", "resume", "show", "list"}


def test_the_python_for_a_trading_engine_runs_as_it_stands(beside_the_docs: Path) -> None:
    (snippet,) = blocks("python")
    assert len([line for line in snippet.splitlines() if line]) <= 12
    *lines, end = run(sys.executable, "-c", snippet, cwd=beside_the_docs).splitlines()
    assert len(lines) == 15
    assert all(line.split()[2] == "FILLED" for line in lines)
    assert end.startswith("SUCCEEDED True ")


def test_the_settings_are_settings(tmp_path: Path) -> None:
    settings, entry_point = blocks("toml")
    (tmp_path / "planfill.toml").write_text(settings, encoding="utf-8")
    configuration = load_settings(tmp_path / "planfill.toml")
    assert configuration.settings.broker.adapter == "mock"
    assert isinstance(configuration.plugin, BrokerPlugin)
    assert list(tomllib.loads(entry_point)["project"]["entry-points"]) == [GROUP]


def test_every_status_is_there_with_its_exit_code() -> None:
    rows = re.findall(r"^\| ([`A-Z_, ]*?) ?\| (\d+) \|", README, re.MULTILINE)
    shown = {name: int(code) for names, code in rows for name in re.findall(r"\w+", names)}
    assert shown == EXIT_CODE


def test_it_can_be_read_in_one_sitting() -> None:
    assert len(README.splitlines()) < 150


def test_every_make_command_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|[`$] ?)make ([a-z]+)", README, re.MULTILINE))
    assert named <= set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert shutil.which("make") is not None
