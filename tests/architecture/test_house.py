"""The layout, and how the program starts."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from planfill.application.ports.brokerage import BrokerPlugin

ROOT: Final = Path(__file__).resolve().parents[2]
SLOW_TO_IMPORT: Final = frozenset({"alpaca", "numpy", "pandas", "sqlalchemy"})


@pytest.mark.parametrize("layer", ["domain", "application", "adapters", "bootstrap"])
def test_the_layers_stand_at_the_top_as_relative_links(layer: str) -> None:
    link = ROOT / layer
    assert link.is_symlink()
    assert link.readlink() == Path("src", "planfill", layer)
    assert link.is_dir()


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["-c", "import planfill"], id="import planfill"),
        pytest.param([str(Path(sys.executable).with_name("planfill")), "--help"], id="--help"),
    ],
)
def test_starting_imports_nothing_slow(command: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"TERM": "dumb"},
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in run.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "planfill" in imported
    assert imported.isdisjoint(SLOW_TO_IMPORT)


def test_the_mock_broker_is_found_by_its_entry_point() -> None:
    (entry_point,) = importlib.metadata.entry_points(group="planfill.brokers", name="mock")
    assert isinstance(entry_point.load(), BrokerPlugin)


def test_the_command_is_found_by_its_entry_point() -> None:
    (entry_point,) = importlib.metadata.entry_points(group="console_scripts", name="planfill")
    assert callable(entry_point.load())


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "src" / "planfill" / "py.typed").is_file()
