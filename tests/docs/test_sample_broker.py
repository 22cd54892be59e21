"""The sample broker: a package from outside registers itself, proves itself with the kit, and is chosen."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

SAMPLE: Final = Path(__file__).resolve().parents[2] / "docs" / "examples" / "sample_broker"
PLANFILL: Final = str(Path(sys.executable).with_name("planfill"))
# Nothing but pytest and the plug-in that comes with anyio: all that the kit needs.
PYTEST: Final = (
    sys.executable,
    "-m",
    "pytest",
    "--disable-plugin-autoload",
    "-p",
    "anyio.pytest_plugin",
    "-q",
)
PLAN: Final = {
    "plan_id": "sample",
    "correlation_id": "run-1",
    "timestamp": "2021-03-31T20:55:00Z",
    "items": [
        {"symbol": "MSFT", "action": "SELL", "trade_amount": "500"},
        {"symbol": "SPY", "action": "BUY", "trade_amount": "1000"},
    ],
}
SETTINGS: Final = """
[broker]
adapter = "{adapter}"

[mock]
prices = {{ SPY = "400", MSFT = "230" }}
cash = "10000"
holdings = {{ MSFT = "7" }}

[sample]
prices = {{ SPY = "400", MSFT = "230" }}
cash = "10000"
shares = {{ MSFT = 7 }}
"""
# One mistake an adapter can make, where it is made, and the card that must notice.
MISTAKES: Final = {
    "a reset counts as not placed": (
        "wire.py",
        'raise OutcomeUnknown(f"the House was not heard',
        'raise BrokerUnavailable(f"the House was not heard',
        "test_an_accepted_order_without_an_answer",
    ),
    "a 504 counts as a refusal": (
        "wire.py",
        'raise OutcomeUnknown(f"the House answered',
        'raise OrderRejected(f"the House answered',
        "test_an_accepted_order_without_an_answer",
    ),
    "a status from the future counts as done": (
        "wire.py",
        "STATES.get(state, OrderStatus.UNKNOWN)",
        "STATES.get(state, OrderStatus.CANCELED)",
        "test_an_order_of_a_status_that_nobody_knows",
    ),
    "an answer that cannot be read counts as a refusal": (
        "wire.py",
        "raise OutcomeUnknown(f\"the House's answer",
        "raise OrderRejected(f\"the House's answer",
        "test_an_order_that_could_not_be_asked_about",
    ),
    "too late to cancel is an error": (
        "broker.py",
        "if status == _NOT_FOUND:",
        "if status >= _BAD:",
        "test_a_fill_during_the_cancel",
    ),
}


def run(
    *command: object, cwd: Path, packages: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody would who has installed the sample into ``packages``."""
    ours = ("PLANFILL_", "PYTEST_", "COLUMNS")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    found = {} if packages is None else {"PYTHONPATH": str(packages)}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        check=False,
        cwd=cwd,
        env=inherited | found | environment,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as its author has it: what is built from it leaves nothing in the repository."""
    folder = tmp_path_factory.mktemp("author") / "sample_broker"
    return Path(shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture(scope="session")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the sample is installed."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    ran = run(*pip, "--no-build-isolation", "--target", folder, source, cwd=source)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def test_it_keeps_the_contract_and_says_what_it_cannot(source: Path, installed: Path) -> None:
    ran = run(*PYTEST, "-rs", cwd=source, packages=installed)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counts = re.search(r"(\d+) passed, (\d+) skipped", ran.stdout)
    assert counts is not None, ran.stdout
    assert int(counts[1]) > 80
    reasons = {line.split(": ", 1)[1] for line in ran.stdout.splitlines() if line.startswith("SKIPPED")}
    without = "the broker declares that it has no "
    assert reasons == {
        without + "unique client order ids",
        without + "fractions of shares",
        without + "orders in dollars",
    }


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_kit_notices(mistake: str, source: Path, tmp_path: Path) -> None:
    module, right, wrong, card = MISTAKES[mistake]
    shutil.copytree(source / "src", tmp_path, dirs_exist_ok=True)
    path = tmp_path / "sample_broker" / module
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    ran = run(*PYTEST, "-k", card, cwd=source, packages=tmp_path)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    assert f"::{card}" in ran.stdout


@pytest.mark.parametrize(
    ("adapter", "bought"), [("mock", "2.499750024"), ("sample", "2")], ids=["mock", "sample"]
)
def test_one_setting_chooses_it(adapter: str, bought: str, installed: Path, tmp_path: Path) -> None:
    (tmp_path / "planfill.toml").write_text(SETTINGS.format(adapter=adapter), encoding="utf-8")
    (tmp_path / "plan.json").write_text(json.dumps(PLAN), encoding="utf-8")
    ran = run(PLANFILL, "execute", "plan.json", "--json", cwd=tmp_path, packages=installed)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    result = json.loads(ran.stdout)
    assert result["status"] == "SUCCEEDED"
    assert {line["symbol"]: line["filled_quantity"] for line in result["lines"]}["SPY"] == bought
    again = run(PLANFILL, "execute", "plan.json", "--json", cwd=tmp_path, packages=installed)
    assert json.loads(again.stdout)["lines"] == result["lines"]
    files = {path.name for path in tmp_path.iterdir()}
    assert ("sample-house.json" in files, "planfill-mock.db" in files) == (
        adapter == "sample",
        adapter == "mock",
    )


def test_a_setting_of_its_own_is_checked(installed: Path, tmp_path: Path) -> None:
    settings = SETTINGS.format(adapter="sample").replace("shares", "shraes")
    (tmp_path / "planfill.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "plan.json").write_text(json.dumps(PLAN), encoding="utf-8")
    ran = run(PLANFILL, "execute", "plan.json", cwd=tmp_path, packages=installed)
    assert ran.returncode == 2
    assert "sample.shraes: unknown; did you mean 'shares'?" in ran.stderr
