"""``python -m trading_engine``: the year 2021, in the current folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from trading_engine import chart, report
from trading_engine.engine import EngineStopped, rebalance
from trading_engine.market import Market
from trading_engine.weights import target_weights

YEAR: Final = 2021
CHART: Final = Path("growth.svg")


def main() -> int:
    """Rebalance at the end of each month, print what came of it, and draw it."""
    market = Market()
    months = []
    print(report.HEADER)
    try:
        for month in rebalance(market, market.month_ends(YEAR), target_weights):
            print(report.line(month))
            months.append(month)
    except EngineStopped as e:
        print(e, file=sys.stderr)
        return 1
    print(f"\n{report.summary(months)}")
    CHART.write_text(chart.draw(market, months), encoding="utf-8")
    print(f"the chart is in {CHART}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
