from __future__ import annotations

import asyncio

from planfill.application.afterwards import Afterwards
from planfill.application.stopping import StopSignal
from planfill.domain.outcome import Reason
from planfill.domain.reconciliation import Reconciliation


def a_reconciliation(name: str) -> Reconciliation:
    return Reconciliation(plan_id=name, account="mock")


async def test_where_nothing_goes_on_nothing_is_waited_for() -> None:
    assert await Afterwards().done() is None


async def test_what_was_begun_starts_later_and_is_waited_for() -> None:
    afterwards, began = Afterwards(), asyncio.Event()

    async def work(stop: StopSignal) -> Reconciliation:
        began.set()
        await asyncio.sleep(0)
        assert stop.reason is None
        return a_reconciliation("plan-1")

    afterwards.begin(work)
    assert not began.is_set()
    assert await afterwards.done() == a_reconciliation("plan-1")
    assert await afterwards.done() == a_reconciliation("plan-1")


async def test_what_was_owed_nothing_leaves_nothing_to_tell() -> None:
    afterwards = Afterwards()

    async def one(_stop: StopSignal) -> Reconciliation:
        return a_reconciliation("plan-1")

    async def other(_stop: StopSignal) -> None:
        return None

    afterwards.begin(one)
    await afterwards.done()
    afterwards.begin(other)
    assert await afterwards.done() is None


async def test_those_who_wait_can_be_hurried() -> None:
    afterwards = Afterwards()

    async def work(stop: StopSignal) -> Reconciliation:
        await stop.or_done(asyncio.Event().wait())  # type: ignore[arg-type] # it never answers
        assert stop.reason is Reason.INTERRUPTED
        return a_reconciliation(stop.detail)

    afterwards.begin(work)
    afterwards.begin(work)
    await asyncio.sleep(0)
    afterwards.hurry("interrupted")
    assert await afterwards.done() == a_reconciliation("interrupted")
