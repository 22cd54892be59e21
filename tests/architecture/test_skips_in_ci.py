"""A test that CI must run and skipped fails the run; tried on small runs of their own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

CONFTEST: Final = Path(__file__).resolve().parents[1] / "conftest.py"
EXCUSED: Final = """
import pytest

def test_passes() -> None:
    pass

def test_without_keys() -> None:
    pytest.skip("needs keys: none are set")

def test_of_what_the_broker_has_not() -> None:
    pytest.skip("the broker declares that it has no fractions of shares")

def test_of_a_trouble_that_cannot_be_made() -> None:
    pytest.skip("the venue cannot make it: FEED_SILENT, the stream stays open, and says nothing")

@pytest.mark.paper
def test_on_paper() -> None:
    pytest.skip("the market is closed")

@pytest.mark.xfail
def test_known_to_fail() -> None:
    assert 0
"""
UNEXCUSED: Final = """
import pytest

def test_with_a_tool() -> None:
    pytest.skip("no such tool")
"""
UNEXCUSED_MODULE: Final = """
import pytest

pytest.importorskip("no_such_module")
"""


def run(folder: Path, *tests: str, ci: str, workers: int = 0) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "pytest.toml").write_text("[pytest]\nmarkers = ['paper: keys']\n", encoding="utf-8")
    for number, test in enumerate(tests):
        (folder / f"test_{number}.py").write_text(test, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", "-n", str(workers)],
        capture_output=True,
        check=False,
        cwd=folder,
        env=os.environ | {"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_a_skip_in_ci_fails_the_run_and_is_named(tmp_path: Path, workers: int) -> None:
    ran = run(tmp_path, EXCUSED, UNEXCUSED, UNEXCUSED_MODULE, ci="true", workers=workers)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    _, _, named = ran.stdout.partition("skipped, but CI must run them")
    assert "test_1.py::test_with_a_tool: no such tool" in named
    assert "test_2.py: could not import 'no_such_module'" in named
    assert "test_0.py" not in named


def test_a_skip_with_an_excuse_passes_in_ci(tmp_path: Path) -> None:
    ran = run(tmp_path, EXCUSED, ci="true")
    assert ran.returncode == pytest.ExitCode.OK, ran.stdout + ran.stderr


def test_a_skip_elsewhere_passes(tmp_path: Path) -> None:
    ran = run(tmp_path, EXCUSED, UNEXCUSED, UNEXCUSED_MODULE, ci="")
    assert ran.returncode == pytest.ExitCode.OK, ran.stdout + ran.stderr
