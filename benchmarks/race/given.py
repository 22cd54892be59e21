"""What a system finds in its folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def with_a_ledger(folder: Path) -> Path:
    """Fill a folder with the ledger that a first execution, at the mock broker, leaves behind."""
    item = {"symbol": "SPY", "action": "BUY", "trade_amount": "100"}
    head = {"plan_id": "first", "correlation_id": "first", "timestamp": "2021-03-31T20:55:00+00:00"}
    (folder / "plan.json").write_text(
        json.dumps({**head, "total_portfolio_value": "1000", "items": [item]}), encoding="utf-8"
    )
    mock = {"PLANFILL_MOCK__PRICES": '{"SPY": "400"}', "PLANFILL_MOCK__BOOK": ":memory:"}
    program = Path(sys.executable).with_name("planfill")
    subprocess.run(  # noqa: S603 - our own program
        [program, "execute", "plan.json"], cwd=folder, env=os.environ | mock, check=True, capture_output=True
    )
    return folder
