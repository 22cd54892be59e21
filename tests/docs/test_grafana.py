"""The dashboard asks for nothing that is not told, and shows everything that is."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from planfill.adapters.metrics.prometheus import Prometheus
from planfill.domain.attempts import AttemptFold
from planfill.domain.calls import CallCount
from planfill.domain.events import CallsCounted, ExecutionCompleted, OrderReported
from planfill.domain.metrics import measure
from planfill.domain.summary import summarize
from planfill.testing.builders import a_report, a_state, an_order_recorded, numbered, started
from planfill.testing.clock import START

DASHBOARD: Final = Path(__file__).parents[2] / "docs" / "grafana" / "planfill.json"
# What the dashboard need not show: their ratios are there.
ASIDE: Final = {"planfill_orders_ended", "planfill_executions_logged", "planfill_events"}


def told() -> set[str]:
    """Name the figures of an execution in which all can be taken."""
    events = (an_order_recorded(), OrderReported(report=a_report()))
    result = summarize(a_state(*events), START + timedelta(seconds=3))
    counted = CallsCounted(calls=(CallCount(call="place_order", status="ok", calls=1),))
    whole = numbered(started(), *events, counted, ExecutionCompleted(result=result))
    found = measure(AttemptFold(whole).attempts())
    families = Prometheus(lambda: found).collect()
    return {sample.name for family in families for sample in family.samples}


def asked(dashboard: Any) -> set[str]:
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [one["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    return {name for query in queries for name in re.findall(r"planfill_\w+", query)}


def test_each_figure_that_the_dashboard_asks_for_is_told() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert asked(dashboard) == told() - ASIDE


def test_no_two_panels_share_a_place_or_a_number() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)
