"""The benchmark counts right; how long anything takes is not looked at here."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from race.chart import chart
from race.protocol import Case, Outcome, Seen
from race.report import Results, ceiling, overview, table
from race.running import Measured, Void, run

CASE = Case(lines=20, rtt_s=0)


@pytest.mark.parametrize(("system", "lines"), [("planfill", 1), ("planfill", 20), ("floor", 20), ("loop", 2)])
def test_each_system_fills_every_line_once(system: str, lines: int) -> None:
    run_ = run(system, Case(lines=lines, rtt_s=0))
    assert (run_.seen.orders, run_.seen.filled, run_.outcome.filled) == (lines, lines, lines)
    assert run_.seen.requests["place"] == lines
    assert run_.seen.too_many == 0
    assert run_.outcome.cpu_s > 0
    assert run_.outcome.makespan_s > 0
    assert run_.outcome.peak_mb > 0


def test_sales_are_filled_over_tls_at_a_distance() -> None:
    run_ = run("planfill", Case(lines=4, rtt_s=0.01, tls=True, sells=True))
    assert (run_.seen.orders, run_.seen.filled) == (4, 4)
    # Two to connect, one for the prices, one for an order and its fill; twice that for sales and then buys.
    assert run_.outcome.makespan_s > 0.06


def test_a_system_that_fails_is_void_with_its_last_words() -> None:
    with pytest.raises(Void, match="No module named"):
        run("nobody", CASE)


def measured(makespan_s: float) -> Measured:
    outcome = Outcome(makespan_s=makespan_s, cpu_s=0.02, peak_mb=20, filled=20)
    seen = Seen(
        orders=20, filled=20, requests={"place": 20}, too_many=0, connections=1, cpu_s=0.01, timeline=[]
    )
    return Measured(outcome, seen)


def test_a_row_is_the_median_as_a_multiple_of_the_floors() -> None:
    results = Results()
    for makespan_s in (0.3, 0.5, 0.9):
        results.add(CASE, "planfill", measured(makespan_s))
    results.add(CASE, "floor", measured(0.25))
    (planfill, floor) = results.rows()
    assert (planfill.makespan_s, planfill.of_floor, planfill.cpu_per_order_s) == (0.5, 2, 0.001)
    assert (floor.system, floor.of_floor) == ("floor", 1)
    line = "| 20 | 0 ms | plain | planfill | 0.500 s | [0.300 to 0.900] | 2.00 | 1.00 ms | 20 | 20 MB |"
    assert line in table([planfill, floor]).splitlines()
    assert overview([planfill, floor]).splitlines() == [
        "| 0 ms, plain | planfill | floor |",
        "|---:|---:|---:|",
        "| 20 | 0.500 s (2.00) | 0.250 s (1.00) |",
    ]


def test_the_markets_ceiling_is_told_by_its_own_cpu() -> None:
    results = Results()
    results.add(CASE, "floor", measured(0.25))
    assert "2000 orders a second (0.50 ms" in ceiling(results.rows())


def test_one_void_run_makes_its_row_void() -> None:
    results = Results()
    results.add(CASE, "loop", measured(0.3))
    results.add_void(CASE, "loop", "20 lines, 19 orders")
    (row,) = results.rows()
    assert row.makespan_s is None
    assert "void: 20 lines, 19 orders" in table([row])


def test_a_plot_has_a_line_a_series_and_a_mark_a_point() -> None:
    drawn = chart("t", "x", "y", {"a": [(1, 0.1), (100, 2.5)], "b": [(1, 0.2)]})
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    names = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert (names.count("polyline"), names.count("circle")) == (2, 3)
