"""The journal and the teller: durable first, folded next, told last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from stage import Stage, a_plan, buy

from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.ports.listener import EventListener
from planfill.application.stopping import StopSignal
from planfill.domain.errors import LedgerCorrupt, LedgerUnavailable
from planfill.domain.events import Event, Recorded
from planfill.domain.reading import read_plan
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.state import ExecutionState

FIVE = a_plan(*(buy(symbol, "1000") for symbol in ("SPY", "QQQ", "IWM", "GLD", "TLT")))


class Ear(EventListener):
    """Hears everything, until it is told to break."""

    def __init__(self, name: str, *, breaks_at: int = 0) -> None:
        self.name = name
        self.heard: list[Recorded] = []
        self.breaks_at = breaks_at

    async def on_event(self, recorded: Recorded) -> None:
        if recorded.number == self.breaks_at:
            msg = "no ear for that"
            raise RuntimeError(msg)
        self.heard.append(recorded)


class FailingLedger(MemoryLedger):
    """Fails from the nth append on, as a full disk does."""

    def __init__(self, stage: Stage, nth: int) -> None:
        super().__init__(stage.store)
        self.left = nth

    async def append(self, stream: str, events: Sequence[Event], **rest: Any) -> Any:
        self.left -= 1
        if self.left <= 0:
            msg = "planfill.db: the disk is full"
            raise LedgerUnavailable(msg)
        return await super().append(stream, events, **rest)

    async def set_cursors(self, stream: str, cursors: Mapping[str, int]) -> None:
        msg = "planfill.db: the disk is full"
        raise LedgerUnavailable(msg)


async def test_listeners_are_told_every_event_in_order_after_it_is_durable() -> None:
    stage, named, nameless = Stage(), Ear("log"), Ear("")
    stage.listeners = (named, nameless)
    await stage.execute(FIVE)
    kinds = await stage.kinds()
    assert [recorded.event.kind for recorded in named.heard] == kinds
    assert [recorded.number for recorded in nameless.heard] == list(range(1, len(kinds) + 1))


async def test_a_listener_that_breaks_changes_nothing_and_catches_up_next_time() -> None:
    stage, broken, whole = Stage(), Ear("log", breaks_at=4), Ear("metrics")
    stage.listeners = (broken, whole)
    first = await stage.execute(FIVE)
    assert first.status is ExecutionStatus.SUCCEEDED
    assert len(broken.heard) == 3
    broken.breaks_at = 0
    assert await stage.execute(FIVE) == first
    assert [recorded.number for recorded in broken.heard] == list(range(1, len(whole.heard) + 1))
    assert await stage.execute(FIVE) == first
    assert len(broken.heard) == len(whole.heard)


async def test_cursors_that_cannot_be_stored_change_nothing_and_all_is_told_again() -> None:
    stage, ear = Stage(), Ear("log")
    stage.listeners = (ear,)
    stage.cursors = FailingLedger(stage, 1)
    first = await stage.execute(FIVE)
    assert first.success
    told = len(ear.heard)
    stage.cursors = MemoryLedger(stage.store)
    assert await stage.execute(FIVE) == first
    assert len(ear.heard) == 2 * told


async def test_a_new_listener_is_told_what_happened_before_it_came() -> None:
    stage, late = Stage(), Ear("late")
    await stage.execute(FIVE)
    stage.listeners = (late,)
    await stage.execute(FIVE)
    assert [recorded.event.kind for recorded in late.heard] == await stage.kinds()


async def test_many_answers_at_once_share_their_commits() -> None:
    stage = Stage(settings={"latency_s": 0.1})
    appends: list[int] = []

    class Counting(MemoryLedger):
        async def append(self, stream: str, events: Sequence[Event], **rest: Any) -> Any:
            appends.append(len(events))
            await stage.clock.sleep(0.05)
            return await super().append(stream, events, **rest)

    stage.ledger = Counting(stage.store)
    assert (await stage.execute(FIVE)).success
    assert sum(appends) == len(await stage.kinds())
    assert max(appends[3:]) > 1


async def test_a_ledger_that_fails_before_the_first_order_sends_nothing() -> None:
    stage = Stage()
    stage.ledger = FailingLedger(stage, 2)
    with pytest.raises(LedgerUnavailable, match="disk is full"):
        await stage.execute(FIVE)
    assert await stage.broker.list_orders(stage.clock.now()) == []


@pytest.mark.parametrize("nth", [4, 5])
async def test_scenario_14_a_ledger_that_fails_after_the_fills_still_tells_the_result(nth: int) -> None:
    stage = Stage()
    stage.listeners = (Ear("log"),)
    stage.ledger = FailingLedger(stage, nth)
    result = await stage.execute(FIVE)
    assert (result.status, result.exit_code) == (ExecutionStatus.IN_DOUBT, 4)
    assert "disk is full" in result.detail
    assert "resume" in result.detail
    placed = len(await stage.broker.list_orders(stage.clock.now()))
    stage.ledger = MemoryLedger(stage.store)
    resumed = await stage.execute(FIVE)
    assert resumed.status is ExecutionStatus.SUCCEEDED
    assert len(await stage.broker.list_orders(stage.clock.now())) >= placed
    assert resumed.orders_placed == 5


async def test_a_stream_with_a_gap_is_refused() -> None:
    stage = Stage()
    await stage.execute(FIVE)
    (stream,) = stage.store.streams.values()
    del stream.rows[2]
    with pytest.raises(LedgerCorrupt, match="follows"):
        await stage.use_case(read_plan(FIVE), StopSignal())


async def test_ids_are_the_same_on_every_run_and_no_two_are_equal() -> None:
    async def ids() -> list[str]:
        stage = Stage()
        result: ExecutionResult = await stage.execute(FIVE)
        return [str(line.client_order_id) for line in result.lines]

    first = await ids()
    assert first == await ids()
    assert len(set(first)) == len(FIVE["items"])


async def test_the_state_is_nothing_but_its_events_folded() -> None:
    stage = Stage()
    await stage.execute(FIVE)
    one, other = await stage.state(), await stage.state()
    assert isinstance(one, ExecutionState)
    assert one.orders == other.orders
    assert one.head == other.head
