"""What a plan will need of the broker is asked for at once, unless others have the account meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from stage import Stage, a_plan, buy, hold

from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.ports.ahead import AsksAhead
from planfill.application.ports.ledger import Claim
from planfill.application.stopping import StopSignal
from planfill.domain.reading import read_plan
from planfill.domain.result import ExecutionStatus

pytestmark = pytest.mark.anyio


class Ahead(AsksAhead):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Collection[str]] = []
        self.forgotten = self.connected = 0

    def connect(self) -> None:
        assert not self.told, "connections are of use only before it is asked"
        self.connected += 1

    def ask(self, symbols: Collection[str]) -> None:
        self.told.append(symbols)

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def ahead(stage: Stage) -> Ahead:
    ahead = Ahead()
    stage.replace(ahead=ahead)
    return ahead


async def test_it_is_told_what_will_be_traded(stage: Stage, ahead: Ahead) -> None:
    await stage.execute(a_plan(buy("SPY", "1000"), hold("QQQ"), buy("IWM", "0.5")))
    assert ahead.told == [["SPY"]]
    assert (ahead.connected, ahead.forgotten) == (1, 0)


async def test_nothing_is_asked_for_a_plan_that_was_taken_up_or_trades_nothing(
    stage: Stage, ahead: Ahead
) -> None:
    await stage.execute(a_plan(buy("SPY", "1000")))
    ahead.told.clear()
    await stage.execute(a_plan(buy("SPY", "1000")))
    await stage.execute(a_plan(hold("SPY"), plan_id="plan-2"))
    assert ahead.told == []


async def test_what_was_asked_before_another_execution_ended_is_forgotten(stage: Stage, ahead: Ahead) -> None:
    class Late(MemoryLedger):
        """Another process has the account until just before it is claimed."""

        async def claim(self, *args: Any, **rest: Any) -> Claim:
            other = Stage()
            other.store, other.ledger, other.cursors = stage.store, MemoryLedger(stage.store), self
            await other.use_case(read_plan(a_plan(buy("QQQ", "1000"), plan_id="plan-2")), StopSignal())
            return await super().claim(*args, **rest)

    stage.ledger = Late(stage.store)
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert (ahead.told, ahead.forgotten) == ([["SPY"]], 1)
