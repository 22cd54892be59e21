"""Every name of the rebuild plan has one of ours beside it, and ours can be imported."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "0002-names-of-the-rebuild-plan.md"
ROW: Final = re.compile(r"^\| `?(?P<theirs>[^|`]+?)`? \| (?P<ours>[^|]+) \| `(?P<path>[\w.]+)` \| [^|]+ \|$")
NAMES: Final = [
    match.groupdict()
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if (match := ROW.fullmatch(line))
]
OF_THE_REBUILD_PLAN: Final = {
    "SimpleExecutor",
    "ExecutionManager.execute_rebalance_plan",
    "BrokerInterface",
    "BrokerInterface.get_current_price",
    "BrokerInterface.place_order",
    "BrokerInterface.get_order_status",
    "AlpacaBroker",
    "MockBroker",
    "ExecutionResultDTO",
    "OrderResult",
    "OrderStatus",
    "ExecutionMonitor",
    "ExecutionLogger",
    "execution tracker",
    "ExecutionError",
    "BrokerConnectionError",
    "OrderPlacementError",
    "InsufficientFundsError",
}


def found_at(path: str) -> object:
    """Import the longest part of a dotted path that is a module, and walk on from there."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(path)


def test_every_name_of_the_rebuild_plan_is_in_the_table_once() -> None:
    assert sorted(row["theirs"] for row in NAMES) == sorted(OF_THE_REBUILD_PLAN)


@pytest.mark.parametrize("row", NAMES, ids=[row["theirs"] for row in NAMES])
def test_ours_beside_it_can_be_imported_under_the_name_that_is_shown(row: dict[str, str]) -> None:
    assert callable(found_at(row["path"]))
    shown = row["theirs"] if row["ours"] == "the same" else row["ours"]
    if row["ours"] != "not built yet":
        assert row["path"].rpartition(".")[2] == shown.replace("`", "").partition(",")[0].rpartition(".")[2]


def test_nothing_of_it_is_left_to_be_built() -> None:
    assert [row["theirs"] for row in NAMES if row["ours"] == "not built yet"] == []
