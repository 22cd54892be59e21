"""Previews and queries: nothing is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from stage import Stage, a_plan, buy, sell

from planfill.adapters.brokers.mock.faults import Fail
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.halts.memory import MemoryHalts
from planfill.application.preview import Preview
from planfill.application.queries import Executions
from planfill.domain.errors import HaltUnavailable, OutcomeUnknown, PlanConflict, PlanUnknown
from planfill.domain.halting import Halt
from planfill.domain.identity import AccountKey
from planfill.domain.outcome import Reason
from planfill.domain.reading import read_plan
from planfill.domain.result import ExecutionStatus

PLAN = a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "2000"), buy("IWM", "9000"), buy("XYZ", "5"))


async def _preview(stage: Stage, plan: dict[str, Any] | None = None) -> Preview:
    return await stage.preview(plan or PLAN)


async def test_a_preview_shows_the_very_orders_that_are_sent_then() -> None:
    stage = Stage(settings={"cash": "6000", "holdings": {"SPY": "10"}})
    preview = await _preview(stage)
    assert await stage.broker.list_orders(stage.clock.now()) == []
    result = await stage.execute(PLAN)
    sent = [event.order for event in await stage.events() if event.kind == "order_recorded"]
    terms = {
        symbol: (order.client_order_id, order.side, order.order_type, order.limit_price)
        for symbol, order in preview.orders.items()
    }
    assert terms == {
        order.symbol: (order.client_order_id, order.side, order.order_type, order.limit_price)
        for order in sent
    }
    for order in sent:
        # The proceeds are at their quote in a rehearsal, and a little less in life.
        assert order.quantity == pytest.approx(preview.orders[order.symbol].quantity, rel=Decimal("0.001"))
    assert preview.digest == read_plan(PLAN).digest
    assert [line.reason for line in preview.result.lines] == [line.reason for line in result.lines]
    assert preview.result.lines[3].reason is Reason.NOT_TRADABLE
    assert preview.result.lines[2].reason is Reason.FUNDS_CUT


async def test_a_preview_of_what_would_be_refused_says_so() -> None:
    preview = await _preview(Stage(settings={"market_open": False}))
    assert preview.result.status is ExecutionStatus.REFUSED
    assert preview.orders == {}


async def test_a_preview_says_what_the_ledger_has_to_say_to_it() -> None:
    stage = Stage(On("place_order", Fail(OutcomeUnknown("lost"))), On("get_order_status", Fail()))
    plan, other = a_plan(buy("SPY", "1000")), a_plan(buy("QQQ", "1000"), plan_id="plan-2")
    assert (await _preview(stage, plan)).note == ""
    await stage.execute(plan)
    assert "goes on where it stands" in (await _preview(stage, plan)).note
    assert "'plan-1' is unfinished" in (await _preview(stage, other)).note
    stage.script.clear()
    await stage.execute(plan)
    assert "has ended SUCCEEDED: execute sends nothing" in (await _preview(stage, plan)).note
    with pytest.raises(PlanConflict):
        await _preview(stage, a_plan(buy("SPY", "1001")))


async def test_a_preview_of_what_was_only_refused_says_nothing_of_it() -> None:
    stage = Stage(settings={"market_open": False})
    await stage.execute(a_plan(buy("SPY", "1000")))
    assert (await _preview(stage, a_plan(buy("SPY", "1000")))).note == ""


async def test_executions_are_listed_and_shown() -> None:
    stage = Stage(
        On("place_order", Fail(OutcomeUnknown("timed out")), symbol="GLD"),
        On("get_order_status", Fail()),
    )
    first = await stage.execute(a_plan(buy("SPY", "1000"), plan_id="plan-1"))
    await stage.execute(a_plan(buy("GLD", "1000"), plan_id="plan-2"))
    executions = Executions(stage.ledger, stage.clock)
    assert [one.key.plan_id for one in await executions.all()] == ["plan-1", "plan-2"]
    assert [one.key.plan_id for one in await executions.all(unfinished=True)] == ["plan-2"]
    assert await executions.result("plan-1") == first
    assert (await executions.result("plan-2")).status is ExecutionStatus.IN_DOUBT


async def test_an_execution_that_a_crash_cut_short_is_shown_as_it_stands() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "1000")))
    result = await Executions(stage.ledger, stage.clock).result("plan-1")
    assert result.status is ExecutionStatus.IN_DOUBT


async def test_a_plan_that_the_ledger_does_not_know_is_an_error_that_names_the_remedy() -> None:
    stage = Stage()
    with pytest.raises(PlanUnknown, match="planfill list"):
        await Executions(stage.ledger, stage.clock).result("plan-9")


async def test_a_preview_says_that_a_halt_is_in_force() -> None:
    stage, account = Stage(), AccountKey(broker="mock", environment="mock", number="MOCK-1")
    halt = Halt(by="ann", at=stage.clock.now(), reason="odd prices", account=account)
    assert stage.switch is not None
    stage.switch.set(halt)
    preview = await _preview(stage)
    assert preview.note == str(halt)
    assert preview.orders


async def test_a_preview_says_that_nobody_knows_of_a_halt() -> None:
    class Unreadable(MemoryHalts):
        def read(self, account: AccountKey | None) -> Halt | None:
            raise HaltUnavailable(f"cannot be read for {account}")

    stage = Stage()
    stage.switch = Unreadable()
    assert (await _preview(stage)).note == "execute sends nothing: cannot be read for mock:mock:MOCK-1"
    stage.script.add(On("get_account", Fail()))
    assert (await _preview(stage)).note == "execute sends nothing: cannot be read for None"


async def test_a_preview_shows_the_first_order_of_a_walk() -> None:
    stage = Stage(settings={"spread_bps": 20}, style="walk")
    preview = await _preview(stage, a_plan(buy("SPY", "4004")))
    (order,) = preview.orders.values()
    assert (order.client_order_id[-2:], str(order.limit_price)) == ("-1", "400.00")


async def test_what_was_recorded_is_given_from_a_number_on_and_waited_for() -> None:
    stage = Stage()
    await stage.execute(PLAN)
    found, before = Executions(stage.ledger, stage.clock), stage.clock.monotonic()
    everything = await found.events("plan-1")
    assert [one.number for one in everything] == list(range(1, len(everything) + 1))
    assert await found.events("plan-1", 3) == everything[3:]
    assert await found.events("plan-1", len(everything)) == ()
    assert stage.clock.monotonic() == before
    assert await found.events("plan-1", len(everything), wait_s=0.6) == ()
    assert stage.clock.monotonic() == pytest.approx(before + 0.6)
    with pytest.raises(PlanUnknown):
        await found.events("plan-9")
