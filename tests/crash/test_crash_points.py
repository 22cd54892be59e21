"""
A run is killed at every one of its side effects; the next one finishes it, and the outcome is the same.

What "the same" means is said in one place: ``outcomes.outcome``. Real processes are killed by SIGKILL, with
the ledger and the exchange in files; where pairs of crashes are tried, they happen in this process.
"""

from __future__ import annotations

import time
from typing import Final

import pytest
from crashing import MIXED, SMALL, WALK, Drive, MemoryWorld, Note, Scenario
from outcomes import Outcome, difference

UNIQUE: Final = "unique ids"
NOT_UNIQUE: Final = "no unique ids"
LAG_S: Final = 0.5
FORKS: Final = [(ids, 3, share) for ids in (UNIQUE, NOT_UNIQUE) for share in range(3)]


async def calm(scenario: Scenario, *, looks: bool = False) -> tuple[list[str], Outcome]:
    """Run without a crash; give its points and its outcome."""
    world = MemoryWorld(scenario, looks=looks)
    points, result = await world.run()
    assert result is not None
    return points.reached, world.outcome(result)


async def test_the_run_that_is_killed_has_an_order_of_every_fate() -> None:
    _, expected = await calm(MIXED)
    fates = {line["symbol"]: (line["outcome"], line["reason"]) for line in expected.result["lines"]}
    assert fates == {
        "SPY": ("FILLED", None),
        "XOM": ("PARTIALLY_FILLED", "DEADLINE"),
        "GLD": ("HOLD", None),
        "QQQ": ("FILLED", None),
        "IWM": ("REJECTED", "REJECTED"),
        "TLT": ("UNFILLED", "DEADLINE"),
    }
    statuses = {order.symbol: order.status for order in expected.book.orders}
    assert statuses == {"SPY": "FILLED", "XOM": "CANCELED", "QQQ": "FILLED", "TLT": "CANCELED"}
    assert {order.symbol: len(order.fills) for order in expected.book.orders}["QQQ"] == 2


@pytest.mark.parametrize(("ids", "shares", "share"), FORKS)
def test_scenario_19_a_process_killed_at_any_step_is_finished_by_the_next_with_the_same_outcome(
    ids: str, shares: int, share: int, drive: Drive, record_property: Note
) -> None:
    lag_s = 0 if ids == UNIQUE else LAG_S
    job = {"unique_ids": ids == UNIQUE, "read_lag_s": lag_s, "shares": shares, "share": share}
    found = drive("killing.py", job)
    note(record_property, f"SIGKILL, forked, {ids}", found["killed"], found["seconds"])
    assert found["killed"] >= found["points"] // shares


@pytest.mark.parametrize(
    ("ids", "at_most", "share"),
    [
        (NOT_UNIQUE, 30, 0),
        (NOT_UNIQUE, 30, 1),
        pytest.param(UNIQUE, 30, None, marks=pytest.mark.soak),
    ],
)
def test_scenario_19_a_program_killed_at_any_step_is_finished_by_a_fresh_one_with_the_same_outcome(
    ids: str, at_most: int, share: int | None, drive: Drive, record_property: Note
) -> None:
    shares = {} if share is None else {"shares": 2, "share": share}
    found = drive("killing.py", {"unique_ids": ids == UNIQUE, "fresh": True, "at_most": at_most, **shares})
    note(
        record_property,
        f"SIGKILL, fresh interpreters, {ids}",
        found["killed"],
        found["seconds"],
    )
    assert found["killed"] >= (at_most if share is None else at_most // 2)


@pytest.mark.parametrize("ids", [UNIQUE, NOT_UNIQUE])
@pytest.mark.parametrize(
    ("lag_s", "downtime_s"),
    [
        (LAG_S, 0.5),
        *(
            pytest.param(lag_s, downtime_s, marks=pytest.mark.soak)
            for lag_s in (0, LAG_S, 5)
            for downtime_s in (0, 5, 600)
        ),
    ],
)
async def test_scenario_19_a_crash_at_any_call_of_any_port_ends_with_the_same_outcome(
    ids: str, lag_s: float, downtime_s: float, record_property: Note
) -> None:
    # An order whose time is over before the exchange shows it is in doubt, crash or none.
    scenario = MIXED.with_deadline(3 + 4 * lag_s)._replace(downtime_s=downtime_s)
    scenario = scenario.with_settings(unique_ids=ids == UNIQUE, read_lag_s=lag_s)
    reached, expected = await calm(scenario, looks=True)
    begin = time.perf_counter()
    for fatal, point in enumerate(reached, 1):
        world = MemoryWorld(scenario, looks=True)
        _, result = await world.run(fatal)
        assert result is None
        found = await world.outcome_of_restart(resume=bool(fatal % 2))
        assert found == expected, f"{fatal}, {point}: {difference(found, expected)}"
    title = f"crash at any call, in process, {ids}"
    note(record_property, title, len(reached), time.perf_counter() - begin)


@pytest.mark.parametrize("ids", [UNIQUE, NOT_UNIQUE])
async def test_scenario_19_a_crash_at_any_call_of_any_port_leaves_a_walk_where_it_stood(
    ids: str, record_property: Note
) -> None:
    scenario = WALK.with_settings(unique_ids=ids == UNIQUE, read_lag_s=LAG_S)
    reached, expected = await calm(scenario, looks=True)
    attempts = [(order.symbol, order.client_order_id[-2:], order.status) for order in expected.book.orders]
    assert attempts == [
        ("QQQ", "-1", "CANCELED"),
        ("QQQ", "-2", "FILLED"),
        ("SPY", "-1", "CANCELED"),
        ("SPY", "-2", "FILLED"),
    ]
    begin = time.perf_counter()
    for fatal, point in enumerate(reached, 1):
        world = MemoryWorld(scenario, looks=True)
        _, result = await world.run(fatal)
        assert result is None
        found = await world.outcome_of_restart(resume=bool(fatal % 2))
        assert found == expected, f"{fatal}, {point}: {difference(found, expected)}"
    note(record_property, f"crash of a walk at any call, {ids}", len(reached), time.perf_counter() - begin)


async def crash_twice(scenario: Scenario, expected: Outcome, first: int) -> int:
    """Crash at a point, and at every point of the run that takes it up; give how many those are."""
    second = 0
    while True:
        second += 1
        world = MemoryWorld(scenario)
        _, result = await world.run(first)
        assert result is None
        points, result = await world.run(second, resume=bool(second % 2))
        if result is not None:
            assert world.outcome(result) == expected
            return second - 1
        found = await world.outcome_of_restart(resume=bool(first % 2))
        where = f"{first}, then {second} ({points.reached[-1]})"
        assert found == expected, f"{where}: {difference(found, expected)}"


@pytest.mark.parametrize(
    ("scenario", "ids", "every"),
    [
        *(pytest.param(SMALL, NOT_UNIQUE, (n, 4), id=f"small-not-unique-{n}") for n in (0, 2)),
        pytest.param(SMALL, UNIQUE, (0, 6), id="small-unique-0"),
        pytest.param(WALK, UNIQUE, (0, 6), id="walk-unique-0"),
        pytest.param(SMALL, NOT_UNIQUE, (0, 1), id="small-not-unique", marks=pytest.mark.soak),
        pytest.param(SMALL, UNIQUE, (0, 1), id="small-unique", marks=pytest.mark.soak),
        pytest.param(WALK, NOT_UNIQUE, (0, 1), id="walk-not-unique", marks=pytest.mark.soak),
        pytest.param(MIXED, UNIQUE, (0, 1), id="mixed-unique", marks=pytest.mark.soak),
        pytest.param(MIXED, NOT_UNIQUE, (0, 1), id="mixed-not-unique", marks=pytest.mark.soak),
    ],
)
async def test_scenario_19_a_crash_of_the_run_that_takes_up_a_crashed_one_changes_nothing_either(
    scenario: Scenario, ids: str, every: tuple[int, int], record_property: Note
) -> None:
    scenario = scenario.with_settings(unique_ids=ids == UNIQUE, read_lag_s=LAG_S)
    reached, expected = await calm(scenario)
    begin, pairs = time.perf_counter(), 0
    start, step = every
    for first in range(1 + start, len(reached) + 1, step):
        pairs += await crash_twice(scenario, expected, first)
    note(record_property, f"two crashes in a row, in process, {ids}", pairs, time.perf_counter() - begin)


async def test_an_exchange_that_delivers_later_than_it_says_would_be_found_out_here() -> None:
    """Without unique ids nothing can be promised then; and so these tests do see an order that is doubled."""
    scenario = MIXED.with_settings(unique_ids=False, max_delivery_delay_s=0)
    reached, _ = await calm(scenario)
    doubled = []
    for fatal, point in enumerate(reached, 1):
        world = MemoryWorld(scenario)
        await world.run(fatal)
        try:
            await world.outcome_of_restart(resume=True)
        except AssertionError as e:
            assert "stands twice" in str(e)  # noqa: PT017 - any other assertion is a fault
            doubled.append(point)
    assert doubled
    assert all("sent" in point for point in doubled)


def note(record_property: Note, title: str, points: int, seconds: float) -> None:
    """Keep a figure for the summary at the end of the run."""
    record_property("figures", (title, points, seconds))
