"""What is counted is what was asked, and asking is not changed by it."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from stage import Stage, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock.faults import Fail, LoseAnswer, Refuse
from planfill.adapters.brokers.mock.script import Call, Fault, On
from planfill.adapters.brokers.wrappers.counting import counted
from planfill.adapters.brokers.wrappers.rehearsal import rehearsal
from planfill.application.counting import Tally
from planfill.application.ports.limiter import RequestLimiter, Waits
from planfill.application.reconciling import Reconcile
from planfill.application.stopping import StopSignal
from planfill.domain.errors import BrokerUnavailable
from planfill.domain.events import CallsCounted, ExecutionCompleted

ASKED = (
    *("place_order", "get_order_status", "cancel_order", "list_orders", "list_fills", "get_current_prices"),
    *("get_account", "get_sellable", "get_positions", "get_instruments", "get_session"),
)


class Noted(Fault):
    """Notes what arrives at the broker."""

    def __init__(self, seen: Counter[str], name: str) -> None:
        self._seen = seen
        self._name = name

    async def before(self, call: Call) -> None:
        self._seen[self._name] += 1


class Paced(RequestLimiter):
    """Has waited once more at each turn."""

    times = 5

    async def turn(self, *, urgent: bool = False) -> None:
        self.times += 1

    def free(self) -> int:
        return 100

    async def ready(self) -> None:
        pass

    def waited(self) -> Waits:
        return Waits(self.times, self.times / 4)


class Silent(RequestLimiter):
    """Paces, and does not say how much was waited."""

    async def turn(self, *, urgent: bool = False) -> None:
        pass

    def free(self) -> int:
        return 1

    async def ready(self) -> None:
        pass


def by_call(event: CallsCounted) -> Counter[str]:
    found = Counter[str]()
    for one in event.calls:
        found[one.call] += one.calls
    return found


async def test_a_run_and_its_comparison_count_what_arrived_at_the_broker() -> None:
    seen = Counter[str]()
    stage = Stage(*(On(name, Noted(seen, name)) for name in ASKED), settings={"holdings": {"SPY": "10"}})
    stage.script.add(
        On("place_order", Refuse(), symbol="IWM"),
        On("place_order", LoseAnswer(), symbol="QQQ", nth=1),
        On("place_order", Fail(BrokerUnavailable("reset")), symbol="GLD", nth=1),
    )
    stage.replace(limiter=Paced())
    stage.brokerage = counted(stage.brokerage)
    lines = (sell("SPY", "4000", target_weight="0"), buy("QQQ", "500"), buy("IWM", "500"), buy("GLD", "500"))
    result = await stage.execute(a_plan(*lines, hold("EFA")))
    *_, told, ending = await stage.events()
    assert isinstance(told, CallsCounted)
    assert isinstance(ending, ExecutionCompleted)
    assert by_call(told) == seen
    statuses = {one.status: one.calls for one in told.calls if one.call == "place_order"}
    assert statuses == {"ok": 2, "OrderRejected": 1, "OutcomeUnknown": 1, "BrokerUnavailable": 1}
    # One turn a send; those before the tally was made are not its own.
    assert (told.resent, told.waits, told.waited_s) == (1, 5, 1.25)
    commits = {one.at for one in await stage.recorded()}
    assert len(commits) <= told.commits <= len(await stage.events())

    seen.clear()
    key = (await stage.ledger.executions())[0].key
    await Reconcile(stage.use_case)(key, StopSignal())
    *_, told, _ = await stage.events()
    assert isinstance(told, CallsCounted)
    assert by_call(told) == seen
    assert (told.resent, told.commits) == (0, 1)
    assert result.ledger_head is not None


async def test_an_attempt_that_is_refused_counts_too_and_a_rehearsal_does_not() -> None:
    stage = Stage(On("list_orders", Fail(BrokerUnavailable("reset")), nth=1))
    stage.brokerage = counted(stage.brokerage)
    assert rehearsal(stage.brokerage, stage.clock).tally is None
    await stage.execute(a_plan(buy("SPY", "500")))
    assert await stage.kinds() == ["execution_started", "calls_counted", "execution_refused"]
    (_, told, _) = await stage.events()
    assert isinstance(told, CallsCounted)
    assert told.commits == 1
    assert by_call(told)["get_account"] == 1
    assert {one.status for one in told.calls if one.call == "list_orders"} == {"BrokerUnavailable"}


async def test_an_answer_that_nobody_waits_for_and_an_error_that_nobody_foresaw_are_counted_as_such() -> None:
    tally = Tally()

    async def never() -> None:
        await asyncio.Event().wait()

    async def broken() -> None:
        raise ZeroDivisionError

    waiting = asyncio.create_task(tally.of("get_account", never()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(ZeroDivisionError):
        await tally.of("get_session", broken())
    told = tally.take(commits=0)
    assert [(one.call, one.status) for one in told.calls] == [
        ("get_account", "abandoned"),
        ("get_session", "unforeseen"),
    ]
    assert (told.waits, tally.take(commits=0)) == (0, CallsCounted())
    assert Tally(Silent()).take(commits=0) == CallsCounted()
