"""A halt while 200 lines are on their way, over the wire and between processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from halt_latency import LINES, Means, by_command, by_hand, measure


@pytest.mark.parametrize("means", [by_command, by_hand])
def test_no_order_is_sent_a_second_after_a_halt_and_what_was_in_flight_is_canceled_and_listed(
    means: Means, tmp_path: Path
) -> None:
    seen = measure(tmp_path, means)
    assert seen.status == "HALTED"
    assert max(seen.late_s, default=0) <= 1
    sent = seen.orders.total()
    assert 0 < sent < LINES, "all had been sent before the halt stood: nothing was measured"
    assert seen.orders == {"canceled": sent}
    assert seen.lines["BLOCKED", "HALTED"] == LINES - sent
    assert sum(count for (outcome, _), count in seen.lines.items() if outcome == "UNFILLED") == sent
