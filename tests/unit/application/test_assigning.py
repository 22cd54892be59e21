"""A plan is given to one account, by the order of the ledger's records, and executed there."""

from __future__ import annotations

import pytest
from stage import Stage, a_plan, buy

from planfill.adapters.brokers.mock.faults import Fail
from planfill.adapters.brokers.mock.script import On
from planfill.application.accounts import chosen as chosen_for
from planfill.application.assigning import Assign
from planfill.application.stopping import StopSignal
from planfill.domain.errors import AccountMismatch, BrokerUnavailable
from planfill.domain.events import AccountChosen
from planfill.domain.outcome import Reason
from planfill.domain.reading import read_plan
from planfill.domain.result import ExecutionStatus
from planfill.testing.clock import START

PLAN = read_plan(a_plan(buy("SPY", "1000"), account="growth"))


async def chosen(stage: Stage) -> list[str]:
    return [
        one.event.account for one in await stage.ledger.read("system") if isinstance(one.event, AccountChosen)
    ]


async def test_a_plan_is_recorded_for_its_account_once_and_before_anything_is_sent() -> None:
    stage = Stage()
    assign = Assign(stage.use_case, "growth")
    assert not await assign.is_known(PLAN)
    first = await assign(PLAN, StopSignal())
    assert first.status is ExecutionStatus.SUCCEEDED
    assert await assign(PLAN, StopSignal()) == first
    assert await assign.is_known(PLAN)
    assert await chosen(stage) == ["growth"]


async def test_whoever_is_recorded_second_executes_nothing() -> None:
    stage = Stage()
    both = [Assign(stage.use_case, "growth"), Assign(stage.use_case, "income")]
    for assign in both:  # both have looked, and nothing was there
        assert not await assign.is_known(PLAN)
    for name in ("income", "growth"):
        event = AccountChosen(plan_id=PLAN.plan_id, account=name)
        await stage.ledger.append("system", [event], at=stage.clock.now())
    with pytest.raises(AccountMismatch, match="was given to account 'income'"):
        await both[0](PLAN, StopSignal())
    assert await stage.ledger.executions() == ()
    assert await stage.brokerage.records.list_orders(START) == []


async def test_what_was_given_to_an_account_is_not_executed_without_a_name_unless_it_was_here() -> None:
    stage = Stage()
    unnamed = Assign(stage.use_case, "")
    await stage.ledger.append(
        "system", [AccountChosen(plan_id=PLAN.plan_id, account="growth")], at=stage.clock.now()
    )
    with pytest.raises(AccountMismatch, match=r"was given to account 'growth' .* the one for another an id"):
        await unnamed(PLAN, StopSignal())
    assert await stage.ledger.executions() == ()
    result = await Assign(stage.use_case, "growth")(PLAN, StopSignal())
    assert await unnamed(PLAN, StopSignal()) == result
    assert await chosen(stage) == ["growth"]


async def test_a_broker_that_does_not_say_whether_it_has_executed_the_plan_gets_nothing() -> None:
    stage = Stage()
    assign = Assign(stage.use_case, "growth")
    assert (await assign(PLAN, StopSignal())).success
    stage.script.add(On("get_account", Fail(BrokerUnavailable("gone"))))
    refused = await assign(PLAN, StopSignal())
    assert refused.status is ExecutionStatus.REFUSED
    assert refused.lines[0].reason is Reason.BROKER_UNAVAILABLE
    stage.script.clear()
    assert (await assign(PLAN, StopSignal())).success


def test_choosing_an_account_changes_nothing_else_of_a_plan() -> None:
    nameless = read_plan(a_plan(buy("SPY", "1000"), something="unknown", strategy_id="momentum"))
    named = chosen_for(nameless, "growth")
    assert nameless.warnings
    assert (named.account, named.warnings, named.items) == ("growth", nameless.warnings, nameless.items)
    assert named.model_extra == nameless.model_extra == {"something": "unknown"}
    assert named.model_dump(exclude={"account"}) == nameless.model_dump(exclude={"account"})
    assert chosen_for(named, "growth") is chosen_for(named, None) is named
