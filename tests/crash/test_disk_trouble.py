"""
Whatever happens to the ledger's file, at whichever commit.

Before anything is sent, nothing is sent; after that, the result is told all the same, in doubt, exit 4. Once
the trouble is gone the next run completes the record, and the outcome is that of a run without trouble.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from crashing import MIXED, SMALL, Scenario, live
from outcomes import Book, Outcome, check_chains, outcome, rows_in_file
from trouble import Damaged, Deleted, Full, Locked, NoMoreBytes, ReadOnly, Trouble, troubled

from planfill.adapters.brokers.mock import MockBroker
from planfill.domain.errors import LedgerError
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.testing.clock import VirtualClock

TROUBLES: Final = [Full, NoMoreBytes, ReadOnly, Locked, Deleted, Damaged]


def deaf(_number: int) -> None:
    """Hear of an event, and forget it."""


class Disk:
    """The exchange in memory, the ledger in a file."""

    def __init__(self, scenario: Scenario, path: Path) -> None:
        self.path = path
        self.scenario = scenario
        self.clock = VirtualClock()
        self.broker: MockBroker = scenario.exchange(self.clock, None)
        self.commits = 0

    async def run(self, trouble: Trouble, nth: int | None = None, *, resume: bool = False) -> ExecutionResult:
        """Be a process whose ledger's file is in trouble from a commit on."""
        ledger, file = troubled(self.path, nth, trouble)
        try:
            return await live(
                self.scenario,
                self.broker.brokerage(),
                ledger,
                self.clock,
                lambda _number: None,
                resume=resume,
            )
        finally:
            await ledger.aclose()
            self.commits = file.commits

    @property
    def book(self) -> Book:
        return Book.in_memory(self.broker.desk.book.exchange)

    def outcome(self, result: ExecutionResult) -> Outcome:
        rows, heads = rows_in_file(self.path)
        check_chains(rows, heads)
        tickets = self.broker.desk.book.exchange.blotter.tickets
        numbers = {str(t.order.client_order_id): str(t.broker_order_id) for t in tickets if not t.refusal}
        return outcome(result, self.book, numbers, rows)


@pytest.mark.parametrize("kind", TROUBLES, ids=[kind.__name__ for kind in TROUBLES])
@pytest.mark.parametrize(
    "scenario", [SMALL, pytest.param(MIXED, marks=pytest.mark.soak)], ids=["small", "mixed"]
)
async def test_scenario_14_the_ledger_fails_at_any_commit_and_nothing_is_lost_or_sent_twice(
    kind: Callable[[], Trouble],
    scenario: Scenario,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    begin = time.perf_counter()
    calm = Disk(scenario, tmp_path / "calm.db")
    expected = calm.outcome(await calm.run(kind()))
    told = dict.fromkeys(("nothing sent", "in doubt", "not noticed"), 0)
    for nth in range(2, calm.commits + 1):  # the first makes the tables
        (tmp_path / str(nth)).mkdir()
        disk, trouble = Disk(scenario, tmp_path / str(nth) / "ledger.db"), kind()
        result: ExecutionResult | None = None
        try:
            result = await disk.run(trouble, nth)
        except LedgerError:
            assert disk.book.orders == ()
            assert not disk.book.refused
        finally:
            trouble.mend(disk.path)
        if result is None:
            told["nothing sent"] += 1
        elif result.status is ExecutionStatus.IN_DOUBT:
            assert result.exit_code == 4
            assert "the ledger failed" in result.detail
            told["in doubt"] += 1
        else:
            # What was written still fitted in, or it was only how far the listeners have been told.
            assert disk.outcome(result) == expected, nth
            told["not noticed"] += 1
        resumed = await disk.run(kind(), resume=bool(nth % 2))
        assert disk.outcome(resumed) == expected, nth
        assert await disk.run(kind(), resume=True) == resumed
    title = f"disk trouble at any commit, {kind.__name__}"
    record_property("figures", (title, sum(told.values()), time.perf_counter() - begin))
    # The pages that making the tables has left take the first events.
    assert told["nothing sent"] or kind is Full, told
    assert told["in doubt"], told
