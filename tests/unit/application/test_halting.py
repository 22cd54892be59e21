"""A halt: at the start, at the gate, while an execution runs, and where nobody drives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from stage import Stage, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock.faults import Fail, Hang, NeverFill
from planfill.adapters.brokers.mock.script import Call, Fault, On
from planfill.adapters.halts.memory import MemoryHalts
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.halting import HaltReport, Halts
from planfill.application.heeding import account_stream
from planfill.application.ports.broker import Broker
from planfill.application.ports.ledger import Ledger
from planfill.application.queries import Executions
from planfill.application.stopping import StopSignal
from planfill.domain.errors import (
    AccountUnknown,
    BrokerUnavailable,
    HaltUnavailable,
    LedgerUnavailable,
    OutcomeUnknown,
    SettingsError,
)
from planfill.domain.events import Halted, Unhalted
from planfill.domain.halting import Halt
from planfill.domain.identity import AccountKey
from planfill.domain.order import Order
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.report import ExecutionReport
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.values import ClientOrderId

PLAN = a_plan(buy("SPY", "1000"), buy("QQQ", "1000"))
BOTH = a_plan(sell("SPY", "2000"), buy("QQQ", "1000"))
SPY = {"holdings": {"SPY": "10"}}
LOST = (On("place_order", Fail(OutcomeUnknown("timed out"))), On("get_order_status", Fail()))


class Unusable(MemoryHalts):
    """A switch that cannot be used."""

    def read(self, account: AccountKey | None) -> Halt | None:
        raise HaltUnavailable(f"cannot be read for {account}")

    def set(self, halt: Halt) -> None:
        raise HaltUnavailable("cannot be written")


class Fails(MemoryLedger):
    """A ledger of which some methods fail."""

    def __init__(self, stage: Stage, *methods: str) -> None:
        super().__init__(stage.store)
        self.methods = methods

    async def read(self, stream: str, after: int = 0) -> Any:
        self._fail("read")
        return await super().read(stream, after)

    async def append(self, stream: str, *args: Any, **rest: Any) -> Any:
        self._fail("append")
        return await super().append(stream, *args, **rest)

    async def executions(self, account: AccountKey | None = None) -> Any:
        self._fail("executions")
        return await super().executions(account)

    def _fail(self, method: str) -> None:
        if method in self.methods:
            raise LedgerUnavailable(f"no {method}")


def halts(stage: Stage, ledger: Ledger | None = None) -> Halts:
    """Give what another process would halt with."""
    ledger = ledger or MemoryLedger(stage.store)
    return Halts(
        ledger,
        stage.switch or MemoryHalts(),
        stage.clock,
        Executions(ledger, stage.clock),
        lambda: stage.use_case,
        "ann",
    )


async def halt(stage: Stage, account: str | None = None, *, reduce_only: bool = False) -> HaltReport:
    return await halts(stage).halt("prices look wrong", account=account, reduce_only=reduce_only)


async def meanwhile(
    stage: Stage, plan: Mapping[str, Any], *does: Any, after_s: float = 10
) -> ExecutionResult:
    """Execute a plan, and do something after some seconds."""
    results: list[ExecutionResult] = []

    async def execute() -> None:
        results.append(await stage.execute(plan))

    async with anyio.create_task_group() as group:
        group.start_soon(execute)
        await stage.clock.sleep(after_s)
        for do in does:
            await do()
    return results[0]


def reasons(result: ExecutionResult) -> list[Reason | None]:
    return [line.reason for line in result.lines]


class Sets(Fault):
    """Somebody sets the switch while a call is on its way."""

    def __init__(self, switch: MemoryHalts, halt: Halt) -> None:
        self.switch = switch
        self.halt = halt

    async def before(self, _call: Call) -> None:
        self.switch.set(self.halt)


def a_halt(stage: Stage, *, reduce_only: bool = False) -> Halt:
    return Halt(by="ann", at=stage.clock.now(), reason="by hand", reduce_only=reduce_only)


# --- at the start ----------------------------------------------------------------------------------


@pytest.mark.parametrize("account", [None, "mock:mock:MOCK-1", "MOCK-1"])
async def test_under_a_halt_a_plan_is_refused_and_can_be_executed_once_it_is_lifted(
    account: str | None,
) -> None:
    stage = Stage()
    report = await halt(stage, account)
    result = await stage.execute(PLAN)
    assert (result.status, result.orders_placed) == (ExecutionStatus.REFUSED, 0)
    assert reasons(result) == [Reason.HALTED, Reason.HALTED]
    assert result.detail == str(report.halt)
    assert "halted by ann" in result.detail
    assert "prices look wrong" in result.detail
    assert "planfill unhalt" in result.detail
    assert stage.broker.desk.book.exchange.blotter.tickets == []

    lifted = await halts(stage).lift("all well", account=account)
    assert lifted.left == ()
    assert (await stage.execute(PLAN)).status is ExecutionStatus.SUCCEEDED


@pytest.mark.parametrize("place", ["switch", "ledger"])
async def test_either_of_the_two_places_halts(place: str) -> None:
    stage = Stage()
    await halt(stage)
    if place == "switch":
        stage.store.streams.clear()
    else:
        stage.switch = None
    assert reasons(await stage.execute(PLAN)) == [Reason.HALTED, Reason.HALTED]


async def test_a_switch_that_cannot_be_read_halts() -> None:
    stage = Stage()
    stage.switch = Unusable()
    result = await stage.execute(PLAN)
    assert result.status is ExecutionStatus.REFUSED
    assert reasons(result) == [Reason.HALTED, Reason.HALTED]
    assert "cannot be read for mock:mock:MOCK-1" in result.detail


async def test_a_ledger_that_cannot_be_read_lets_nothing_begin() -> None:
    stage = Stage()
    stage.ledger = Fails(stage, "read")
    with pytest.raises(LedgerUnavailable):
        await stage.execute(PLAN)


async def test_another_accounts_halt_is_not_ours() -> None:
    stage = Stage()
    other = AccountKey(broker="mock", environment="mock", number="other")
    await MemoryLedger(stage.store).append(
        account_stream(other), [Halted(by="ann", reason="why", reduce_only=False)], at=stage.clock.now()
    )
    assert (await stage.execute(PLAN)).status is ExecutionStatus.SUCCEEDED


async def test_under_a_halt_a_plan_with_nothing_to_trade_has_nothing_to_do() -> None:
    stage = Stage()
    await halt(stage)
    assert (await stage.execute(a_plan(hold("SPY")))).status is ExecutionStatus.NOTHING_TO_DO


async def test_a_plan_that_has_ended_gives_its_result_under_a_halt_too() -> None:
    stage = Stage()
    result = await stage.execute(PLAN)
    await halt(stage)
    assert await stage.execute(PLAN) == result


# --- while an execution runs -----------------------------------------------------------------------


@pytest.mark.parametrize("place", ["both", "switch", "ledger"])
async def test_a_running_execution_obeys_within_a_second_wherever_the_halt_stands(place: str) -> None:
    stage = Stage(On("place_order", NeverFill()))
    ours = stage.switch
    if place == "ledger":
        stage.switch = None

    async def obey() -> None:
        if place == "switch":
            assert ours is not None
            ours.set(a_halt(stage))
            return
        report = await halt(stage)
        (told,) = report.obeying
        assert "'plan-1'" in told
        assert (report.ended, report.exit_code) == ((), 0)

    result = await meanwhile(stage, PLAN, obey)
    assert result.status is ExecutionStatus.HALTED
    assert reasons(result) == [Reason.HALTED, Reason.HALTED]
    assert [line.outcome for line in result.lines] == [LineOutcome.UNFILLED] * 2
    assert "halted by ann" in result.detail
    assert stage.clock.monotonic() <= 13


@pytest.mark.parametrize(("place", "within_s"), [("switch", 0), ("ledger", 0.5)])
async def test_of_200_lines_on_their_way_none_is_sent_later_than_that(place: str, within_s: float) -> None:
    symbols = [f"S{number:03}" for number in range(200)]
    stage = Stage(
        On("place_order", Hang(0.1)), settings={"prices": dict.fromkeys(symbols, "10")}, concurrency=1
    )
    sent_s, stood_s = list[float](), list[float]()

    class Watched(Broker):
        async def place_order(self, order: Order) -> ExecutionReport:
            sent_s.append(stage.clock.monotonic())
            return await stage.broker.place_order(order)

        async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
            return await stage.broker.get_order_status(client_order_id)

        async def cancel_order(self, client_order_id: ClientOrderId) -> None:
            await stage.broker.cancel_order(client_order_id)

    async def obey() -> None:
        if place == "ledger":
            stage.switch = Unusable()
        await halt(stage)
        stood_s.append(stage.clock.monotonic())

    stage.replace(broker=Watched())
    result = await meanwhile(stage, a_plan(*(buy(symbol, "100") for symbol in symbols)), obey, after_s=5.05)
    assert result.status is ExecutionStatus.HALTED
    assert 0 < len(sent_s) < 100
    assert max(sent_s) <= stood_s[0] + within_s
    assert reasons(result).count(Reason.HALTED) == 200 - len(sent_s)


async def test_the_gate_sees_the_switch_before_each_send() -> None:
    stage = Stage(concurrency=1)
    assert isinstance(stage.switch, MemoryHalts)
    stage.script.add(On("place_order", Sets(stage.switch, a_halt(stage)), nth=1))
    result = await stage.execute(PLAN)
    assert result.status is ExecutionStatus.HALTED
    assert [(line.outcome, line.reason) for line in result.lines] == [
        (LineOutcome.FILLED, None),
        (LineOutcome.BLOCKED, Reason.HALTED),
    ]
    assert len(stage.broker.desk.book.exchange.blotter.tickets) == 1


async def test_an_order_that_did_not_get_there_is_not_sent_again_under_a_halt() -> None:
    stage = Stage()
    assert isinstance(stage.switch, MemoryHalts)
    stage.script.add(On("place_order", Sets(stage.switch, a_halt(stage)), nth=1))
    stage.script.add(On("place_order", Fail(BrokerUnavailable("503")), nth=1))
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.HALTED
    assert "503" in result.lines[0].detail
    assert stage.broker.desk.book.exchange.blotter.tickets == []


async def test_a_ledger_that_cannot_be_read_any_more_halts() -> None:
    stage = Stage(On("place_order", NeverFill()))
    stage.ledger = failing = Fails(stage)

    async def fail() -> None:
        failing.methods = ("read",)

    result = await meanwhile(stage, PLAN, fail)
    assert (result.status, set(reasons(result))) == (ExecutionStatus.HALTED, {Reason.HALTED})
    assert result.detail == "nobody can say whether there is a halt: no read"


async def test_a_plan_that_waits_for_the_session_hears_a_halt() -> None:
    stage = Stage(settings={"opens_at": "2021-03-31T16:30:20Z"}, market_closed="wait")
    result = await meanwhile(stage, PLAN, lambda: halt(stage))
    assert (result.status, set(reasons(result))) == (ExecutionStatus.REFUSED, {Reason.HALTED})
    assert stage.clock.monotonic() <= 12


async def test_what_is_resumed_under_a_halt_is_wound_down() -> None:
    stage = Stage(On("place_order", NeverFill()))
    await stage.crash_after("order_reported", PLAN)
    assert isinstance(stage.switch, MemoryHalts)
    stage.switch.set(a_halt(stage))
    result = await stage.execute(PLAN)
    assert (result.status, set(reasons(result))) == (ExecutionStatus.HALTED, {Reason.HALTED})
    assert not any(ticket.is_open for ticket in stage.broker.desk.book.exchange.blotter.tickets)


# --- reduce-only -----------------------------------------------------------------------------------


async def test_under_reduce_only_a_new_plan_sells_and_buys_nothing() -> None:
    stage = Stage(settings=SPY)
    await halt(stage, reduce_only=True)
    result = await stage.execute(BOTH)
    assert (result.status, result.exit_code) == (ExecutionStatus.HALTED, 3)
    assert [(line.outcome, line.reason) for line in result.lines] == [
        (LineOutcome.FILLED, None),
        (LineOutcome.BLOCKED, Reason.HALTED),
    ]
    assert "nothing is bought on any account" in result.detail


async def test_under_reduce_only_a_plan_of_sells_succeeds() -> None:
    stage = Stage(settings=SPY)
    await halt(stage, reduce_only=True)
    assert (await stage.execute(a_plan(sell("SPY", "2000")))).status is ExecutionStatus.SUCCEEDED


async def test_under_reduce_only_a_plan_of_buys_is_refused_and_can_be_executed_later() -> None:
    stage = Stage()
    await halt(stage, reduce_only=True)
    assert (await stage.execute(PLAN)).status is ExecutionStatus.REFUSED
    await halts(stage).lift("", account=None)
    assert (await stage.execute(PLAN)).status is ExecutionStatus.SUCCEEDED


async def test_a_running_execution_goes_on_selling_and_buys_nothing_more() -> None:
    stage = Stage(
        On("place_order", Hang(30)), settings={"holdings": {"SPY": "10", "IWM": "10"}}, concurrency=1
    )
    plan = a_plan(sell("SPY", "2000"), sell("IWM", "1000"), buy("QQQ", "1000"))
    result = await meanwhile(stage, plan, lambda: halt(stage, reduce_only=True))
    assert result.status is ExecutionStatus.HALTED
    assert [(line.outcome, line.reason) for line in result.lines] == [
        (LineOutcome.FILLED, None),
        (LineOutcome.FILLED, None),
        (LineOutcome.BLOCKED, Reason.HALTED),
    ]


async def test_of_what_works_reduce_only_cancels_the_buys() -> None:
    stage = Stage(On("place_order", NeverFill(), symbol="QQQ"), settings=SPY)
    result = await meanwhile(stage, BOTH, lambda: halt(stage, reduce_only=True))
    assert [(line.outcome, line.reason) for line in result.lines] == [
        (LineOutcome.FILLED, None),
        (LineOutcome.UNFILLED, Reason.HALTED),
    ]
    assert stage.clock.monotonic() < 20


@pytest.mark.parametrize("reduce_only", [False, True])
async def test_a_walk_takes_no_further_step(*, reduce_only: bool) -> None:
    stage = Stage(On("place_order", NeverFill()), settings={"spread_bps": 20}, style="walk")
    result = await meanwhile(
        stage, a_plan(buy("SPY", "4004")), lambda: halt(stage, reduce_only=reduce_only), after_s=1
    )
    assert result.status is ExecutionStatus.HALTED
    assert [(line.outcome, line.reason) for line in result.lines] == [(LineOutcome.UNFILLED, Reason.HALTED)]
    assert len(stage.broker.desk.book.exchange.blotter.tickets) == 1


async def test_the_gate_lets_sells_through_and_no_buys() -> None:
    stage = Stage(settings=SPY, concurrency=1)
    assert isinstance(stage.switch, MemoryHalts)
    stage.script.add(On("get_current_prices", Sets(stage.switch, a_halt(stage, reduce_only=True)), nth=2))
    result = await stage.execute(BOTH)
    assert [(line.outcome, line.reason) for line in result.lines] == [
        (LineOutcome.FILLED, None),
        (LineOutcome.BLOCKED, Reason.HALTED),
    ]


async def test_a_halt_after_a_reduce_only_stops_the_sells_too() -> None:
    stage = Stage(On("place_order", NeverFill()), settings=SPY)
    result = await meanwhile(
        stage, BOTH, lambda: halt(stage, reduce_only=True), lambda: stage.clock.sleep(5), lambda: halt(stage)
    )
    assert [(line.outcome, line.reason) for line in result.lines] == [
        (LineOutcome.UNFILLED, Reason.HALTED),
        (LineOutcome.BLOCKED, Reason.HALTED),
    ]
    assert "nothing is sent" in result.detail


# --- where nobody drives it ------------------------------------------------------------------------


@pytest.mark.parametrize("reduce_only", [False, True])
async def test_what_nobody_drives_is_ended_and_its_canceled_orders_are_listed(*, reduce_only: bool) -> None:
    stage = Stage(On("place_order", NeverFill()))
    await stage.crash_after("order_reported", PLAN)
    report = await halt(stage, reduce_only=reduce_only)
    (ended,) = report.ended
    assert (ended.status, ended.plan_id) == (ExecutionStatus.HALTED, "plan-1")
    assert set(reasons(ended)) == {Reason.HALTED}
    assert (report.obeying, report.troubles, report.exit_code) == ((), (), 0)
    assert not any(ticket.is_open for ticket in stage.broker.desk.book.exchange.blotter.tickets)


async def test_what_stays_in_doubt_is_said() -> None:
    stage = Stage(*LOST)
    assert (await stage.execute(PLAN)).status is ExecutionStatus.IN_DOUBT
    report = await halt(stage)
    assert [one.status for one in report.ended] == [ExecutionStatus.IN_DOUBT]
    assert report.exit_code == 4


async def test_what_is_unfinished_elsewhere_is_named_and_the_halt_stands() -> None:
    stage, other = Stage(*LOST), Stage(settings={"account": "MOCK-2"})
    await stage.execute(PLAN)
    report = await Halts(
        MemoryLedger(stage.store),
        MemoryHalts(),
        stage.clock,
        Executions(MemoryLedger(stage.store), stage.clock),
        lambda: _over(other, stage),
        "ann",
    ).halt("why", account=None, reduce_only=False)
    (trouble,) = report.troubles
    assert "plan 'plan-1' on mock:mock:MOCK-1 is not ended: " in trouble
    assert "mock:mock:MOCK-2" in trouble
    assert (report.ended, report.exit_code) == ((), 1)


def _over(stage: Stage, ledger_of: Stage) -> Any:
    stage.ledger = MemoryLedger(ledger_of.store)
    return stage.use_case


async def test_an_account_that_is_not_meant_is_left_alone() -> None:
    stage = Stage(*LOST)
    await stage.execute(PLAN)
    stage.script.clear()
    halting = halts(stage)
    other = Stage(settings={"account": "MOCK-2"})
    report = await Halts(
        halting.ledger, halting.switch, stage.clock, halting.executions, lambda: other.use_case, "ann"
    ).halt("why", account="MOCK-2", reduce_only=False)
    assert (report.ended, report.troubles) == ((), ())
    assert report.halt.account == AccountKey(broker="mock", environment="mock", number="MOCK-2")
    assert (await stage.execute(PLAN)).status is not ExecutionStatus.HALTED


@pytest.mark.parametrize("method", ["get_account", "everything"])
async def test_where_the_broker_does_not_answer_the_halt_stands_and_what_is_left_is_said(method: str) -> None:
    stage = Stage(*LOST)
    await stage.execute(PLAN)
    stage.script.add(On("get_account", Fail()))

    def unbuilt() -> Any:
        raise SettingsError([])

    halting = halts(stage)
    make = halting.execute if method == "get_account" else unbuilt
    report = await Halts(halting.ledger, halting.switch, stage.clock, halting.executions, make, "ann").halt(
        "why", account="MOCK-1", reduce_only=False
    )
    (trouble,) = report.troubles
    assert "plan 'plan-1'" in trouble
    assert "is not ended" in trouble
    assert report.where == (halting.switch.where, "the ledger")
    assert (report.ended, report.obeying, report.exit_code) == ((), (), 1)


# --- what does not go as it should -----------------------------------------------------------------


async def test_an_account_that_the_settings_do_not_name_is_an_error_and_nothing_is_halted() -> None:
    stage = Stage()
    with pytest.raises(
        AccountUnknown, match=r"'OTHER' is not known here: the settings name mock:mock:MOCK-1"
    ):
        await halt(stage, "OTHER")
    stage.script.add(On("get_account", Fail()))
    with pytest.raises(AccountUnknown, match="the broker does not say which account the settings name"):
        await halt(stage, "MOCK-1")
    stage.script.clear()
    assert (await stage.execute(PLAN)).status is ExecutionStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("switch", "failing", "where", "trouble"),
    [
        (Unusable(), (), ("the ledger",), "cannot be written"),
        (MemoryHalts(), ("append",), ("the memory of this process alone",), "no append"),
    ],
)
async def test_one_of_the_two_places_suffices_and_the_other_is_named(
    switch: MemoryHalts, failing: tuple[str, ...], where: tuple[str, ...], trouble: str
) -> None:
    stage = Stage()
    stage.switch = switch
    report = await halts(stage, Fails(stage, *failing)).halt("why", account=None, reduce_only=False)
    assert (report.where, report.troubles, report.exit_code) == (where, (trouble,), 1)
    assert (await stage.execute(PLAN)).status is ExecutionStatus.REFUSED


async def test_where_neither_takes_it_nothing_is_halted() -> None:
    stage = Stage()
    stage.switch = Unusable()
    with pytest.raises(HaltUnavailable, match="NOT halted: cannot be written; no append"):
        await halts(stage, Fails(stage, "append")).halt("why", account=None, reduce_only=False)


async def test_that_nobody_can_say_what_is_unfinished_is_said() -> None:
    stage = Stage()
    report = await halts(stage, Fails(stage, "executions")).halt("why", account=None, reduce_only=False)
    assert report.troubles == ("nobody can say what is unfinished: no executions",)


# --- lifting ---------------------------------------------------------------------------------------


async def test_who_halted_and_who_lifted_it_when_and_why_is_in_the_ledger() -> None:
    stage = Stage()
    await halt(stage)
    await stage.clock.sleep(60)
    await halts(stage).lift("all well", account=None)
    recorded = await MemoryLedger(stage.store).read("system")
    assert [one.event for one in recorded] == [
        Halted(by="ann", reason="prices look wrong", reduce_only=False),
        Unhalted(by="ann", reason="all well"),
    ]
    assert (recorded[1].at - recorded[0].at).total_seconds() == 60


async def test_each_halt_is_lifted_by_itself_and_what_still_holds_is_said() -> None:
    stage = Stage()
    await stage.execute(PLAN)
    await halt(stage)
    report = await halt(stage, "MOCK-1", reduce_only=True)
    lifted = await halts(stage).lift("", account=None)
    assert (lifted.account, lifted.left) == (None, (str(report.halt),))
    assert (await halts(stage).lift("", account="MOCK-1")).left == ()


async def test_a_halt_that_cannot_be_read_counts_among_those_that_hold() -> None:
    stage = Stage()

    class Handmade(MemoryHalts):
        def read(self, account: AccountKey | None) -> Halt | None:
            raise HaltUnavailable(f"made by hand, for {account}")

    stage.switch = Handmade()
    assert (await halts(stage).lift("", account=None)).left == ("made by hand, for None",)


async def test_what_was_stopped_stays_stopped() -> None:
    stage = Stage(On("place_order", NeverFill()))
    result = await meanwhile(stage, PLAN, lambda: halt(stage))
    await halts(stage).lift("", account=None)
    assert await stage.execute(PLAN) == result


async def test_a_stop_that_was_asked_for_is_not_recorded_twice() -> None:
    stop = StopSignal()
    stop.forbid_buys(Reason.HALTED, "first")
    stop.forbid_buys(Reason.HALTED, "second")
    assert stop.buys is not None
    assert stop.buys.detail == "first"
