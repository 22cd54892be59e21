"""Alerts: from the ledger to each target, once, whoever is down meanwhile; and the runs that fell silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from inbox import Inbox
from stage import Stage, a_plan, buy, sell

from planfill.adapters.brokers.mock.faults import Fail, NeverFill
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.halts.memory import MemoryHalts
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.alert_counts import message_counts
from planfill.application.alerting import Alerts, AlertTarget
from planfill.application.heeding import account_stream
from planfill.application.watching import Watch
from planfill.domain.alert import MessageCount
from planfill.domain.errors import (
    AlertNotDelivered,
    BrokerUnavailable,
    HaltUnavailable,
    InsufficientFundsError,
    LedgerUnavailable,
    OutcomeUnknown,
)
from planfill.domain.events import Alerted, Event, Halted, OrderReported, Severity
from planfill.domain.halting import Halt
from planfill.domain.identity import AccountKey
from planfill.domain.outcome import Reason
from planfill.domain.result import ExecutionStatus
from planfill.domain.values import Money

PLAN = a_plan(buy("SPY", "1000"), buy("QQQ", "1000"))
REFUSED = On("place_order", Fail(InsufficientFundsError("no funds")))
LOST = (On("place_order", Fail(OutcomeUnknown("timed out"))), On("get_order_status", Fail()))


def thin(symbol: str = "") -> Alerted:
    return Alerted(severity=Severity.WARNING, reason=Reason.THIN_QUOTE, detail="thin", symbol=symbol)


def alerts(stage: Stage, *targets: AlertTarget) -> Alerts:
    """Give what another process would tell the targets with."""
    ledger = MemoryLedger(stage.store)
    return Alerts(ledger, ledger, stage.clock, targets, "another process")


def a_watch(stage: Stage, *targets: AlertTarget) -> Watch:
    assert stage.switch is not None
    found = alerts(stage, *targets)
    return Watch(found.ledger, stage.switch, stage.clock, found, found.holder)


async def note(stage: Stage, *events: Alerted | Halted, stream: str = "system") -> None:
    await MemoryLedger(stage.store).append(stream, events, at=stage.clock.now())


async def test_a_failed_execution_is_told_once_with_its_lines_and_the_command() -> None:
    stage, inbox = Stage(REFUSED), Inbox()
    assert (await stage.execute(PLAN)).status is ExecutionStatus.FAILED
    (delivery,) = await alerts(stage, AlertTarget("phone", inbox)).deliver()
    (message,) = inbox.messages
    assert message.severity is Severity.CRITICAL
    assert "plan 'plan-1' FAILED: 0 of 2 lines filled, $0.00 of $2,000.00" in message.title
    assert "SPY | BUY REJECTED INSUFFICIENT_FUNDS | $1,000.00 | $0.00" in message.plain
    assert "next: planfill show plan-1" in message.plain
    assert [one.plan_id for one in delivery.alerts] == ["plan-1"]
    (again,) = await alerts(stage, AlertTarget("phone", inbox)).deliver()
    assert (again.alerts, again.trouble, len(inbox.messages)) == ((), "", 1)


async def test_what_goes_well_is_told_to_nobody() -> None:
    stage, inbox = Stage(), Inbox()
    await stage.execute(PLAN)
    await alerts(stage, AlertTarget("phone", inbox)).deliver()
    assert inbox.messages == []


async def test_a_target_that_is_down_is_told_when_it_is_back_and_nobody_else_twice() -> None:
    stage, down, up = Stage(REFUSED), Inbox(), Inbox()
    down.is_up = False
    await stage.execute(PLAN)
    targets = AlertTarget("down", down), AlertTarget("up", up)
    first, other = await alerts(stage, *targets).deliver()
    assert (first.trouble, other.trouble) == ("nobody at home", "")
    await stage.execute(a_plan(buy("GLD", "500"), plan_id="plan-2"))
    down.is_up = True
    await alerts(stage, *targets).deliver()
    await alerts(stage, *targets).deliver()
    assert [len(box.messages) for box in (down, up)] == [1, 2]
    assert "plan-1" in down.text
    assert "plan-2" in down.text
    assert message_counts(await stage.cursors.get_cursors("system")) == (
        MessageCount(target="down", status="delivered", messages=1),
        MessageCount(target="down", status="failed", messages=1),
        MessageCount(target="up", status="delivered", messages=2),
    )


async def test_what_holds_nothing_for_a_target_is_not_read_again_while_it_is_down() -> None:
    stage, inbox, read = Stage(), Inbox(), list[str]()

    class Counting(MemoryLedger):
        async def read(self, stream: str, after: int = 0) -> Any:
            read.append(stream)
            return await super().read(stream, after)

    for number in range(3):
        assert (await stage.execute(a_plan(buy("GLD", str(500 + number)), plan_id=f"good {number}"))).success
    await note(stage, thin())
    inbox.is_up = False
    ledger, target = Counting(stage.store), AlertTarget("phone", inbox)
    found = Alerts(ledger, ledger, stage.clock, (target,), "another process")
    await found.deliver()
    assert len(read) == 4
    await found.deliver()
    assert read[4:] == ["system"]
    inbox.is_up = True
    for _ in range(2):
        await found.deliver()
    assert (read[5:], len(inbox.messages)) == (["system"], 1)


async def test_an_account_on_which_nothing_was_executed_is_told_of_too() -> None:
    stage, inbox = Stage(), Inbox()
    account = AccountKey(broker="mock", environment="mock", number="MOCK-1")
    await note(stage, Halted(by="me", reason="odd", reduce_only=False), stream=account_stream(account))
    told = alerts(stage, AlertTarget("phone", inbox))
    await told.deliver()
    assert f"nothing is sent on {account}" in inbox.text
    assert [one.account for one in await told.recent(5)] == [str(account)]


async def test_each_target_hears_of_what_is_grave_enough_for_it() -> None:
    stage, grave, all_of_it = Stage(), Inbox(), Inbox()
    await note(stage, thin())
    targets = AlertTarget("grave", grave, Severity.CRITICAL), AlertTarget("all", all_of_it)
    await alerts(stage, *targets).deliver()
    assert (len(grave.messages), len(all_of_it.messages)) == (0, 1)


async def test_the_same_is_not_repeated_within_the_hour_by_whatever_process() -> None:
    stage, inbox = Stage(), Inbox()
    for _ in range(4):
        await note(stage, thin())
        await alerts(stage, AlertTarget("phone", inbox)).deliver()
        stage.clock.advance(1500)
    assert len(inbox.messages) == 2


async def test_what_is_over_the_rate_waits_and_comes_together() -> None:
    stage, inbox = Stage(), Inbox()
    target = AlertTarget("phone", inbox, per_hour=2)
    for number in range(3):
        await note(stage, thin(f"S{number}"))
        await alerts(stage, target).deliver()
    await note(stage, thin("S3"))
    (delivery,) = await alerts(stage, target).deliver()
    assert delivery.trouble == "2 alerts wait: 2 messages were sent within the hour"
    assert len(inbox.messages) == 2
    stage.clock.advance(3600)
    await alerts(stage, target).deliver()
    assert inbox.messages[-1].title.endswith("(and 1 more)")


async def test_a_new_target_is_not_told_of_what_is_long_over() -> None:
    stage, inbox = Stage(), Inbox()
    await note(stage, thin())
    stage.clock.advance(timedelta(days=2).total_seconds())
    await alerts(stage, AlertTarget("phone", inbox)).deliver()
    await note(stage, Halted(by="me", reason="odd", reduce_only=False))
    await alerts(stage, AlertTarget("phone", inbox)).deliver()
    (message,) = inbox.messages
    assert "halted by me" in message.title


async def test_one_process_tells_a_target_at_a_time_and_the_other_waits_for_it() -> None:
    stage, inbox = Stage(), Inbox()
    await note(stage, thin())
    ledger = MemoryLedger(stage.store)
    key = AccountKey(broker="planfill", environment="alerts", number="phone")
    async with await ledger.claim(key, holder="somebody", at=stage.clock.now()):
        (delivery,) = await alerts(stage, AlertTarget("phone", inbox)).deliver()
    assert "another process tells it" in delivery.trouble
    assert inbox.messages == []
    (delivery,) = await alerts(stage, AlertTarget("phone", inbox)).deliver()
    assert len(delivery.alerts) == 1


async def test_the_last_alerts_can_be_listed() -> None:
    stage = Stage(REFUSED)
    await stage.execute(PLAN)
    stage.clock.advance(1)
    await note(stage, thin())
    found = await alerts(stage).recent(2)
    assert [one.plan_id for one in found] == ["plan-1", ""]


async def test_a_test_message_says_what_came_of_it() -> None:
    stage, up, down = Stage(), Inbox(), Inbox()
    down.is_up = False
    found = alerts(stage, AlertTarget("up", up), AlertTarget("down", down))
    assert [(one.target, one.trouble) for one in await found.test()] == [
        ("up", ""),
        ("down", "nobody at home"),
    ]
    assert [one.target for one in await found.test("up")] == ["up"]
    with pytest.raises(AlertNotDelivered, match="no alert target 'moon': known are up, down"):
        await found.test("moon")
    with pytest.raises(AlertNotDelivered, match="no alert target is configured"):
        await alerts(stage).test()


@pytest.mark.parametrize(
    ("faults", "plan", "figures", "told"),
    [
        (LOST, PLAN, {}, "nobody knows what became of order"),
        (
            (REFUSED,),
            a_plan(*[buy(s, "500") for s in ("SPY", "QQQ", "IWM", "GLD", "TLT", "XOM")]),
            {},
            "BREAKER",
        ),
        ((On("place_order", NeverFill(), symbol="SPY"),), PLAN, {}, "plan 'plan-1' PARTIAL: 1 of 2 lines"),
        ((), a_plan(buy("SPY", "999999")), {}, "buys cut by"),
        ((), PLAN, {"max_order_usd": Money(Decimal(1))}, "plan 'plan-1' REFUSED: 0 of 2 lines"),
    ],
    ids=["unresolved", "breaker", "unfilled", "cut", "refused"],
)
async def test_each_trouble_of_an_execution_reaches_the_target(
    faults: tuple[On, ...], plan: Mapping[str, Any], figures: Mapping[str, Any], told: str
) -> None:
    stage, inbox = Stage(*faults, **figures), Inbox()
    await stage.execute(plan)
    for _ in range(2):
        await alerts(stage, AlertTarget("phone", inbox)).deliver()
    assert told in inbox.text
    assert len(inbox.messages) == 1


async def test_all_is_well_where_nothing_was_begun_and_where_it_came_to_an_end() -> None:
    stage = Stage()
    assert (await a_watch(stage)()).exit_code == 0
    await stage.execute(PLAN)
    report = await a_watch(stage)()
    assert (report.exit_code, report.troubles, report.deliveries) == (0, (), ())


async def test_a_run_that_nobody_drives_is_an_alert_once_an_hour_and_a_trouble_until_it_is_resumed() -> None:
    stage, inbox = Stage(), Inbox()
    await stage.crash_after("order_recorded", PLAN)
    for _ in range(3):
        report = await a_watch(stage, AlertTarget("phone", inbox))()
        (trouble,) = report.troubles
        assert report.exit_code == 1
        assert "it has no end and nobody drives it" in trouble.what
        assert trouble.todo == "planfill resume plan-1"
    assert len(inbox.messages) == 1
    assert "plan 'plan-1': STUCK" in inbox.messages[0].title
    assert "next: planfill resume plan-1" in inbox.text
    stage.clock.advance(3601)
    await a_watch(stage, AlertTarget("phone", inbox))()
    assert len(inbox.messages) == 2
    await stage.execute(PLAN)
    assert (await a_watch(stage)()).troubles == ()


async def test_a_run_that_is_driven_is_a_trouble_only_once_it_has_been_silent_too_long() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", PLAN)
    (known,) = await MemoryLedger(stage.store).executions()
    ledger = MemoryLedger(stage.store)
    async with await ledger.claim(known.key.account, holder="its driver", at=stage.clock.now()):
        assert (await a_watch(stage)()).troubles == ()
        stage.clock.advance(1000)
        (trouble,) = (await a_watch(stage)()).troubles
    assert "nothing was recorded since 2021-03-31 15:00:00 UTC, 1000 s ago" in trouble.what
    assert "its driver" in trouble.what


async def test_an_execution_in_doubt_is_a_trouble_and_its_own_alert_is_enough() -> None:
    stage = Stage(*LOST)
    assert (await stage.execute(PLAN)).status is ExecutionStatus.IN_DOUBT
    (trouble,) = (await a_watch(stage)()).troubles
    assert trouble.what.endswith("is in doubt")
    (known,) = await MemoryLedger(stage.store).executions()
    assert await MemoryLedger(stage.store).read(account_stream(known.key.account)) == ()


async def test_halts_that_hold_are_troubles_until_they_are_lifted() -> None:
    stage = Stage()
    await stage.execute(PLAN)
    assert stage.switch is not None
    stage.switch.set(Halt(by="me", at=stage.clock.now(), reason="odd"))
    (trouble,) = (await a_watch(stage)()).troubles
    assert (trouble.todo, "halted by me" in trouble.what) == ("planfill unhalt", True)


async def test_a_halt_that_cannot_be_read_is_a_trouble() -> None:
    class Unreadable(MemoryHalts):
        def read(self, account: AccountKey | None) -> Halt | None:
            raise HaltUnavailable(f"cannot be read for {account}")

    stage = Stage()
    stage.switch = Unreadable()
    (trouble,) = (await a_watch(stage)()).troubles
    assert trouble.what == "cannot be read for None"


async def test_a_plan_that_was_refused_before_the_ledger_knew_of_it_is_an_alert_too() -> None:
    stage, inbox = Stage(On("get_account", Fail(BrokerUnavailable("unreachable")))), Inbox()
    result = await stage.execute(PLAN)
    watch = a_watch(stage, AlertTarget("phone", inbox))
    for _ in range(2):
        await watch.note(result)
    assert (await watch()).exit_code == 1
    assert "plan 'plan-1': BROKER_UNAVAILABLE" in inbox.messages[0].title
    assert "REFUSED, nothing was sent" in inbox.text
    await watch.note(await Stage().execute(PLAN))
    assert (await watch()).exit_code == 0


async def test_a_ledger_that_fails_while_a_target_is_told_is_a_trouble_of_that_target() -> None:
    class Fails(MemoryLedger):
        async def behind(self, listener: str) -> Any:
            raise LedgerUnavailable(f"no cursors of {listener}")

    stage = Stage()
    found = alerts(stage, AlertTarget("phone", Inbox()))
    failing = Alerts(found.ledger, Fails(stage.store), stage.clock, found.targets, found.holder)
    (delivery,) = await failing.deliver()
    assert "no cursors of alerts/phone" in delivery.trouble


class TestScenario14:
    """The alert target is down; the log disk is full; the ledger fails after the fills."""

    async def test_scenario_14_trouble_with_telling_changes_nothing_of_what_was_executed(self) -> None:
        stage, well, inbox = Stage(), Stage(), Inbox()
        inbox.is_up = False
        plan = a_plan(sell("SPY", "400"), buy("QQQ", "300"))
        result, other = await stage.execute(plan), await well.execute(plan)
        (delivery,) = await alerts(stage, AlertTarget("phone", inbox)).deliver()
        assert delivery.trouble == "nobody at home"
        assert result.lines == other.lines
        inbox.is_up = True
        await alerts(stage, AlertTarget("phone", inbox)).deliver()
        assert "plan 'plan-1'" in inbox.text
        assert len(inbox.messages) == 1

    async def test_scenario_14_the_ledger_fails_after_the_fills_and_the_alert_says_how_to_go_on(self) -> None:
        stage, inbox, plan = Stage(), Inbox(), a_plan(buy("SPY", "400"))

        class FailsOnceItIsFilled(MemoryLedger):
            async def append(self, stream: str, events: Sequence[Event], **rest: Any) -> Any:
                if any(isinstance(one, OrderReported) and one.report.is_terminal for one in events):
                    raise LedgerUnavailable("the disk is full")
                return await super().append(stream, events, **rest)

        stage.ledger = FailsOnceItIsFilled(stage.store)
        in_doubt = await stage.execute(plan)
        (filled,) = await stage.broker.list_orders(stage.clock.now() - timedelta(minutes=1))
        assert (in_doubt.status, in_doubt.exit_code) == (ExecutionStatus.IN_DOUBT, 4)
        assert ("disk is full" in in_doubt.detail, filled.is_terminal) == (True, True)
        stage.ledger = MemoryLedger(stage.store)
        for _ in range(2):
            await a_watch(stage, AlertTarget("phone", inbox))()
        (message,) = inbox.messages
        assert "plan 'plan-1': STUCK" in message.title
        assert "next: planfill resume plan-1" in message.plain
        resumed = await stage.execute(plan)
        assert (resumed.status, resumed.orders_placed) == (ExecutionStatus.SUCCEEDED, 1)
        assert len(await stage.broker.list_orders(stage.clock.now() - timedelta(minutes=1))) == 1
        await a_watch(stage, AlertTarget("phone", inbox))()
        assert len(inbox.messages) == 1
