"""Reconciliation on the mock exchange, untouched and tampered with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

import anyio
import pytest
from stage import Stage, a_plan, buy, hold, script_replacement, sell

from planfill.adapters.brokers.mock.exchange import Exchange
from planfill.adapters.brokers.mock.faults import Fail, IgnoreCancel, LoseAnswer, NeverFill
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.heeding import account_stream
from planfill.application.ports.listener import EventListener
from planfill.application.ports.market import BrokerAccount
from planfill.application.queries import Executions
from planfill.application.reconciling import Reconcile
from planfill.application.resolving import ResolveOrder
from planfill.application.stopping import StopSignal
from planfill.domain.errors import AccountMismatch, BrokerUnavailable, LedgerUnavailable
from planfill.domain.events import Alerted, ExecutionStarted, Reconciled, Recorded, Severity
from planfill.domain.identity import AccountKey, ExecutionKey, stem_of
from planfill.domain.market import Account
from planfill.domain.order import Side
from planfill.domain.order_machine import Phase
from planfill.domain.outcome import Reason
from planfill.domain.reconciliation import Discrepancy, Reconciliation
from planfill.domain.resolution import Canceled
from planfill.domain.result import ExecutionStatus
from planfill.domain.values import Money, Price, Quantity
from planfill.testing.venue import a_new_order

PLAN = a_plan(sell("SPY", "2000"), buy("QQQ", "1500"), hold("GLD"))
BOOK = {"cash": "1000", "holdings": {"SPY": "10", "GLD": "3"}, "fee_bps": 3, "partial_fills": 1}
KEY = ExecutionKey(account=AccountKey(broker="mock", environment="mock", number="MOCK-1"), plan_id="plan-1")
NEVER_ENDS = (On("place_order", NeverFill()), On("cancel_order", IgnoreCancel()))
ONES_OWN = f"{stem_of(KEY)}-7-1"


async def reconcile(stage: Stage, stop: StopSignal | None = None) -> Reconciliation:
    return await Reconcile(stage.use_case)(KEY, stop or StopSignal())


async def executed(*faults: On, plan: Mapping[str, Any] = PLAN, **book: Any) -> Stage:
    """Execute the plan on an exchange of its own; nothing goes wrong after that."""
    stage = Stage(*faults, settings={**BOOK, **book})
    await stage.execute(plan)
    stage.script.clear()
    return stage


def the_exchange(stage: Stage) -> Exchange:
    return stage.broker.desk.book.exchange


async def alerts(stage: Stage) -> list[tuple[Severity, str]]:
    return [(e.severity, e.symbol) for e in await stage.events() if isinstance(e, Alerted)]


async def test_after_a_run_plan_and_fills_are_what_the_broker_has() -> None:
    stage = await executed()
    before = len(await stage.events())
    found = await reconcile(stage)
    assert (found.orders, found.positions, found.differences, found.trouble) == (2, 3, (), "")
    assert (await stage.events())[before:] == [Reconciled(differences=())]
    assert stage.clock.monotonic() < 15


async def test_what_was_held_is_recorded_with_the_start() -> None:
    (started, *_) = await (await executed()).events()
    assert isinstance(started, ExecutionStarted)
    assert dict(started.positions or {}) == {"SPY": 10, "GLD": 3}


async def test_where_nobody_says_what_was_held_the_plan_is_executed_and_that_is_told() -> None:
    stage = await executed(On("get_positions", Fail(BrokerUnavailable("no route"))))
    started, alert, *_ = await stage.events()
    assert isinstance(started, ExecutionStarted)
    assert isinstance(alert, Alerted)
    assert (started.positions, alert.reason, alert.severity) == (
        None,
        Reason.RECONCILIATION,
        Severity.WARNING,
    )
    assert "no route" in alert.detail
    found = await reconcile(stage)
    assert (found.positions, found.differences) == (None, ())


def an_extra_fill(exchange: Exchange) -> None:
    trade = exchange.blotter.trades[-1]
    exchange.blotter.trades.append(trade._replace(fill_id="FILL-X"))


def another_quantity(exchange: Exchange) -> None:
    trade = exchange.blotter.trades[-1]
    exchange.blotter.trades[-1] = trade._replace(quantity=Quantity(trade.quantity - 1))


def another_price(exchange: Exchange) -> None:
    trade = exchange.blotter.trades[-1]
    exchange.blotter.trades[-1] = trade._replace(price=Price(trade.price + 1))


def a_missing_order(exchange: Exchange) -> None:
    exchange.blotter.tickets.pop()


def other_shares(exchange: Exchange) -> None:
    exchange.balances.shares["GLD"] = Quantity(Decimal(2))


def other_cash(exchange: Exchange) -> None:
    exchange.balances.cash_usd = Money(exchange.balances.cash_usd + 1)


def a_bust(exchange: Exchange) -> None:
    """Take a fill back, with all that came of it."""
    trade = exchange.blotter.trades.pop()
    ticket = exchange.blotter.tickets[-1]
    assert (ticket.broker_order_id, trade.side) == (trade.broker_order_id, Side.BUY)
    exchange.balances.shares[trade.symbol] = Quantity(exchange.balances.shares[trade.symbol] - trade.quantity)
    exchange.balances.cash_usd = Money(
        exchange.balances.cash_usd + trade.quantity * trade.price + trade.fees_usd
    )
    ticket.filled = Quantity(ticket.filled - trade.quantity)
    exchange.blotter.saw(ticket)


def a_correction(exchange: Exchange) -> None:
    """Give a fill another price, and the account the difference."""
    trade = exchange.blotter.trades[-1]
    exchange.blotter.trades[-1] = trade._replace(price=Price(trade.price - 2))
    exchange.balances.cash_usd = Money(exchange.balances.cash_usd + 2 * trade.quantity)


@pytest.mark.parametrize(
    ("taken_back", "kind"),
    [(a_bust, Discrepancy.FILLED_QUANTITY), (a_correction, Discrepancy.FILLED_VALUE)],
    ids=["bust", "correction"],
)
async def test_a_fill_that_the_broker_busts_or_corrects_changes_no_record_and_is_alerted(
    taken_back: Callable[[Exchange], None], kind: Discrepancy
) -> None:
    stage = await executed()
    result = (await stage.state()).result
    taken_back(the_exchange(stage))
    (difference,) = (await reconcile(stage)).differences
    assert (difference.kind, difference.symbol) == (kind, "QQQ")
    assert await alerts(stage) == [(Severity.CRITICAL, "QQQ")]
    state = await stage.state()
    assert state.result == result
    assert all(order.phase is Phase.ENDED for order in state.orders.values())


async def test_what_somebody_replaced_is_reconciled_with_what_took_its_place() -> None:
    stage = Stage(On("place_order", NeverFill()))
    script_replacement(stage, quantity="2")
    await stage.execute(a_plan(buy("QQQ", "600")))
    assert (await reconcile(stage)).differences == ()


@pytest.mark.parametrize(
    ("tamper", "kinds"),
    [
        (an_extra_fill, [Discrepancy.FILLED_QUANTITY, Discrepancy.POSITION, Discrepancy.CASH]),
        (another_quantity, [Discrepancy.FILLED_QUANTITY, Discrepancy.POSITION, Discrepancy.CASH]),
        (another_price, [Discrepancy.FILLED_VALUE, Discrepancy.CASH]),
        (a_missing_order, [Discrepancy.ORDER_MISSING]),
        (other_shares, [Discrepancy.POSITION]),
        (other_cash, [Discrepancy.CASH]),
    ],
)
async def test_what_was_changed_at_the_broker_is_found_recorded_and_alerted(
    tamper: Callable[[Exchange], None], kinds: list[Discrepancy]
) -> None:
    stage = await executed()
    tamper(the_exchange(stage))
    result = (await stage.state()).result
    found = await reconcile(stage)
    assert [one.kind for one in found.differences] == kinds
    assert (await stage.events())[-1] == Reconciled(differences=found.differences)
    assert await alerts(stage) == [(Severity.CRITICAL, one.symbol) for one in found.differences]
    assert (await stage.state()).result == result


async def test_an_order_of_ours_that_the_ledger_lacks_is_found() -> None:
    stage = await executed()
    await stage.broker.place_order(a_new_order("GLD", name=ONES_OWN))
    (unknown,) = (await reconcile(stage)).differences
    assert (unknown.kind, unknown.client_order_id) == (Discrepancy.ORDER_UNKNOWN, ONES_OWN)


async def test_a_second_order_under_one_of_our_ids_is_found() -> None:
    stage = await executed(plan=a_plan(buy("QQQ", "400")), unique_ids=False)
    ours = next(iter((await stage.state()).orders.values())).order
    await stage.broker.place_order(ours)
    (unknown,) = (await reconcile(stage)).differences
    assert (unknown.kind, unknown.client_order_id) == (Discrepancy.ORDER_UNKNOWN, ours.client_order_id)


async def test_an_order_that_has_ended_for_us_and_works_on_is_found() -> None:
    stage = await executed(*NEVER_ENDS, plan=a_plan(buy("QQQ", "400")))
    (name,) = (await stage.state()).orders
    resolve = ResolveOrder(stage.use_case, Executions(stage.ledger, stage.clock), "an operator")
    assert (await resolve(name, Canceled(), "seen in another account")).status is ExecutionStatus.FAILED
    (works,) = (await reconcile(stage)).differences
    assert (works.kind, works.client_order_id) == (Discrepancy.ORDER_OPEN, name)


async def test_scenario_16_a_foreign_order_is_reported_and_never_touched() -> None:
    stage = await executed(plan=PLAN)
    stage.broker.desk.hold_fills()
    foreign = await stage.broker.place_order(a_new_order("QQQ", name="human-1"))
    found = await reconcile(stage)
    (one,) = found.differences
    assert (one.kind, one.symbol, one.client_order_id) == (Discrepancy.FOREIGN_ORDER, "QQQ", "human-1")
    assert (found.exit_code, await alerts(stage)) == (1, [(Severity.WARNING, "QQQ")])
    assert await stage.broker.get_order_status(foreign.client_order_id) == foreign
    assert stage.clock.monotonic() < 15


async def test_what_somebody_else_filled_is_reported_and_breaks_no_sum() -> None:
    stage = await executed(plan=PLAN)
    await stage.broker.place_order(a_new_order("SPY", "2.5", side=Side.SELL, name="human-1"))
    await stage.broker.place_order(a_new_order("XOM", "1", name="human-2"))
    (one,) = (await reconcile(stage)).differences
    assert (one.kind, one.theirs) == (Discrepancy.FOREIGN_ORDER, "SELL FILLED, 2.5 shares filled")


async def test_the_next_plan_of_the_account_is_not_foreign() -> None:
    stage = await executed()
    await stage.execute(a_plan(buy("QQQ", "100"), buy("SPY", "100"), plan_id="plan-2"))
    assert (await reconcile(stage)).differences == ()


async def test_late_proceeds_are_waited_for() -> None:
    stage = await executed(plan=a_plan(sell("SPY", "2000")), proceeds_delay_s=10)
    assert (await reconcile(stage)).differences == ()
    assert 10 <= stage.clock.monotonic() < 15


async def test_proceeds_that_never_show_are_told_after_the_wait() -> None:
    stage = await executed(plan=a_plan(sell("SPY", "2000")), proceeds_delay_s=600)
    (cash,) = (await reconcile(stage)).differences
    assert cash.kind is Discrepancy.CASH
    assert 15 <= stage.clock.monotonic() < 30
    assert (await stage.kinds()).count("reconciled") == 1


async def test_a_broker_that_lags_longer_than_the_money_is_waited_for_longer() -> None:
    stage = await executed(plan=a_plan(sell("SPY", "2000")), proceeds_delay_s=20, read_lag_s=25)
    assert (await reconcile(stage)).differences == ()


@pytest.mark.parametrize("method", ["list_orders", "list_fills", "get_positions", "get_account"])
async def test_a_broker_that_cannot_be_asked_is_an_alert_and_no_difference(method: str) -> None:
    stage = await executed()
    stage.script.add(On(method, Fail(BrokerUnavailable("no route"))))
    found = await reconcile(stage)
    assert (found.differences, found.exit_code) == ((), 3)
    assert "no route" in found.trouble
    assert await alerts(stage) == [(Severity.WARNING, "")]
    assert "reconciled" not in await stage.kinds()


async def test_a_broker_that_answers_late_is_asked_again() -> None:
    stage = await executed()
    stage.script.add(On("list_fills", Fail(), times=3))
    assert (await reconcile(stage)).exit_code == 0
    assert await alerts(stage) == []


async def test_what_an_adapter_did_not_foresee_is_no_answer() -> None:
    class Broken(BrokerAccount):
        async def get_account(self) -> Account:
            raise NotImplementedError

        async def get_sellable(self, symbols: object) -> dict[str, Quantity]:
            raise NotImplementedError

        async def get_positions(self, symbols: object) -> dict[str, Quantity]:
            raise KeyError(symbols)

    stage = await executed()
    stage.replace(account=Broken())
    assert (await reconcile(stage)).trouble.endswith("KeyError in the adapter")


async def test_another_account_is_never_compared() -> None:
    stage = await executed()
    account = (await stage.broker.get_account()).model_dump()
    other = Account.model_validate({**account, "key": {**account["key"], "number": "MOCK-2"}})

    class Other(BrokerAccount):
        async def get_account(self) -> Account:
            return other

        async def get_sellable(self, symbols: object) -> dict[str, Quantity]:
            raise NotImplementedError

        async def get_positions(self, symbols: object) -> dict[str, Quantity]:
            return {}

    stage.replace(account=Other())
    with pytest.raises(AccountMismatch, match="MOCK-2"):
        await reconcile(stage)
    assert "reconciled" not in await stage.kinds()


class Ear(EventListener):
    """Hears everything."""

    name = "log"

    def __init__(self) -> None:
        self.heard: list[Recorded] = []

    async def on_event(self, recorded: Recorded) -> None:
        self.heard.append(recorded)


async def test_an_account_that_is_busy_is_left_alone_and_that_is_said() -> None:
    stage, ear = await executed(), Ear()
    stage.listeners = (ear,)
    async with await stage.ledger.claim(KEY.account, holder="another run", at=stage.clock.now()):
        found = await reconcile(stage)
    assert (found.differences, found.exit_code) == ((), 3)
    assert "another run" in found.trouble
    assert "reconciled" not in await stage.kinds()
    (said,) = await stage.ledger.read(account_stream(KEY.account))
    assert isinstance(said.event, Alerted)
    assert "'plan-1' is not reconciled" in said.event.detail
    assert ear.heard == [said]


async def test_while_it_waits_the_account_is_free() -> None:
    stage = await executed(plan=a_plan(sell("SPY", "2000")), proceeds_delay_s=600)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reconcile, stage)
        await stage.clock.sleep(1.1)
        assert (await stage.execute(a_plan(buy("QQQ", "100"), plan_id="plan-2"))).success


async def test_a_stop_ends_the_waiting_and_nothing_is_concluded() -> None:
    never = {"proceeds_delay_s": 600, "latency_s": 0.01}
    stage, stop = await executed(plan=a_plan(sell("SPY", "2000")), **never), StopSignal()
    began = stage.clock.monotonic()
    async with anyio.create_task_group() as tasks:

        async def interrupt() -> None:
            await stage.clock.sleep(2)
            stop.request(Reason.INTERRUPTED, "interrupted")

        tasks.start_soon(interrupt)
        found = await reconcile(stage, stop)
    assert (found.trouble, found.differences) == ("interrupted", ())
    assert stage.clock.monotonic() - began < 3
    assert "reconciled" not in await stage.kinds()


async def test_listeners_are_told_of_it_after_what_they_had_missed() -> None:
    stage, ear = await executed(), Ear()
    stage.listeners = (ear,)
    await reconcile(stage)
    assert [recorded.event.kind for recorded in ear.heard] == await stage.kinds()


class TestAfter:
    """What follows a run by itself."""

    async def test_every_run_is_reconciled_once(self) -> None:
        stage = Stage(settings=BOOK)
        first = await stage.execute(PLAN)
        assert await self.after(stage) == "reconciled: the broker's record is what ours is"
        again = await stage.execute(PLAN)
        assert (again, again.ledger_head) == (first, first.ledger_head)
        assert await self.after(stage) is None
        (one,) = await stage.ledger.executions()
        assert one.finished
        assert (await stage.kinds()).count("reconciled") == 1

    async def test_a_run_in_doubt_is_reconciled_and_so_is_its_resume(self) -> None:
        lost, silent = On("place_order", LoseAnswer()), On("get_order_status", Fail())
        stage = Stage(lost, silent, On("list_orders", Fail(), nth=2, times=10_000), settings=BOOK)
        plan = a_plan(buy("QQQ", "500"))
        assert (await stage.execute(plan)).status is ExecutionStatus.IN_DOUBT
        stage.script.clear()
        assert "FILLED_QUANTITY QQQ" in (await self.after(stage) or "")
        (one,) = await stage.ledger.executions()
        assert not one.finished
        assert (await stage.execute(plan)).success
        assert await self.after(stage) == "reconciled: the broker's record is what ours is"

    async def test_what_was_refused_is_not_reconciled(self) -> None:
        stage = Stage(settings={**BOOK, "market_open": False})
        assert (await stage.execute(PLAN)).status is ExecutionStatus.REFUSED
        assert await self.after(stage) is None

    async def test_what_never_reached_the_ledger_is_not_reconciled(self) -> None:
        stage = await executed()
        stage.script.add(On("get_account", Fail()))
        result = await stage.execute(a_plan(buy("QQQ", "10"), plan_id="plan-2"))
        assert await Reconcile(stage.use_case).after(result, StopSignal()) is None

    async def test_what_could_not_be_reconciled_is_owed(self) -> None:
        stage = await executed()
        stage.script.add(On("list_fills", Fail(BrokerUnavailable("no route"))))
        assert "no route" in (await self.after(stage) or "")
        stage.script.clear()
        assert await self.after(stage) == "reconciled: the broker's record is what ours is"

    @pytest.mark.parametrize(
        ("error", "told"),
        [(LedgerUnavailable("the disk is full"), "the disk is full"), (OSError("x"), "OSError: x")],
    )
    async def test_whatever_fails_is_told_and_never_raised(self, error: Exception, told: str) -> None:
        class Failing(MemoryLedger):
            async def executions(self, account: AccountKey | None = None) -> NoReturn:
                raise error

        stage = await executed()
        stage.ledger = Failing(stage.store)
        assert told in (await self.after(stage) or "")

    async def test_an_order_that_nobody_could_cancel_is_no_difference_while_it_is_in_doubt(self) -> None:
        stage = await executed(*NEVER_ENDS, plan=a_plan(buy("QQQ", "500")))
        assert await self.after(stage) == "reconciled: the broker's record is what ours is"

    @staticmethod
    async def after(stage: Stage) -> str | None:
        result = (await stage.state()).result
        assert result is not None
        found = await Reconcile(stage.use_case).after(result, StopSignal())
        return None if found is None else str(found)


async def test_orders_are_read_as_they_are_after_a_crash() -> None:
    """An execution that was cut short can be compared like any other; its resume is still to come."""
    stage = Stage(settings=BOOK)
    await stage.crash_after("order_reported", PLAN)
    assert (await reconcile(stage)).differences == ()
