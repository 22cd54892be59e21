"""What is tried on an installed wheel, from outside: scripts/smoke copies this folder away, and runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import planfill

# In the repository the package is not installed but linked, and its layers stand at the top.
collect_ignore_glob = [] if "site-packages" in Path(planfill.__file__).parts else ["test_*.py"]

SETTINGS = """
[mock]
prices = { SPY = "400", QQQ = "300" }
cash = "100000"
holdings = {}

[log]
level = "WARNING"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of an engine's own, with its settings; the tests run in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planfill.toml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def a_plan() -> Any:
    """Write a plan that buys $100 of SPY."""

    def write(plan_id: str) -> dict[str, Any]:
        return {
            "plan_id": plan_id,
            "correlation_id": "run-1",
            "timestamp": "2021-03-31T14:59:00Z",
            "items": [{"symbol": "SPY", "action": "BUY", "trade_amount": "100"}],
        }

    return write
