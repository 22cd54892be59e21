"""The figures are counts of events, and a figure that cannot be taken is none."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from planfill.domain.attempts import UNFINISHED, AttemptFold
from planfill.domain.calls import CallCount
from planfill.domain.events import (
    CallsCounted,
    Event,
    ExecutionCompleted,
    ExecutionRefused,
    ExecutionResumed,
    ExecutionSuspended,
    FundsAllotted,
    OrderDoubted,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
)
from planfill.domain.metrics import LineCount, Metrics, measure
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.report import OrderStatus
from planfill.domain.result import ExecutionResult
from planfill.domain.summary import summarize
from planfill.domain.targets import targets
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import (
    a_plan,
    a_report,
    a_state,
    an_item,
    an_order,
    an_order_recorded,
    numbered,
    started,
)
from planfill.testing.clock import START

PLAN = a_plan(an_item("SPY"), an_item("QQQ"))
RECORDED = (an_order_recorded(), an_order_recorded(an_order("QQQ")))
FILLED = OrderReported(report=a_report())
SPY, QQQ = ClientOrderId("pf-SPY-1"), ClientOrderId("pf-QQQ-1")
REFUSED = OrderRefused(client_order_id=QQQ, reason=Reason.NOT_FRACTIONABLE, detail="")
ALL = 10**6


def result(*events: Event) -> ExecutionResult:
    return summarize(a_state(*events, plan=PLAN), START + timedelta(seconds=len(events) + 1))


def metrics(*events: Event, logged_to: int = ALL) -> Metrics:
    return measure([one.logged_to(logged_to) for one in AttemptFold(numbered(*events)).attempts()])


def figures(found: Metrics) -> dict[str, tuple[str, bool | None]]:
    return {one.name: (one.figure, one.met) for one in targets(found)}


def test_a_ledger_without_executions_has_no_rates() -> None:
    found = metrics()
    assert (found.executions, found.statuses, found.lines) == (0, {}, ())
    rates = (found.success_rate, found.error_rate, found.median_run_s, found.worst_run_s, found.logged_rate)
    assert rates == (None,) * 5
    assert {met for _, met in figures(found).values()} == {None}


def test_a_completed_execution_is_counted_as_its_result_says() -> None:
    events = (*RECORDED, FILLED, REFUSED)
    ending = result(*events)
    found = metrics(started(PLAN), *events, ExecutionCompleted(result=ending))
    assert found.statuses == {str(ending.status): 1}
    assert found.lines == (
        LineCount(outcome=LineOutcome.FILLED, reason=None, lines=1),
        LineCount(outcome=LineOutcome.REJECTED, reason=Reason.NOT_FRACTIONABLE, lines=1),
    )
    assert (found.orders_placed, found.orders_filled, found.success_rate) == (2, 1, 0.5)
    assert (found.orders_ended, found.orders_failed, found.error_rate) == (2, 1, 0.5)
    assert (found.orders_without_id, found.orders_unresolved) == (0, 0)
    assert (found.runs, found.runs_s, found.median_run_s, found.worst_run_s) == (1, 5.0, 5.0, 5.0)
    assert (found.planned_usd, found.filled_usd) == (Decimal(2000), Decimal(1000))
    assert found.shortfall_usd == ending.shortfall_usd
    assert (found.events, found.executions_logged, found.logged_rate) == (6, 1, 1.0)
    assert figures(found) == {
        "order success rate": ("50.0 % (1 of 2)", False),
        "orders without an id": ("0", True),
        "seconds a plan": ("5.00 s median, 5.00 s worst of 1", False),
        "core": ("measured by make check", None),
        "error rate": ("50.0 % (1 of 2)", False),
        "executions logged": ("100.0 % (1 of 1)", True),
        "coverage by tests": ("measured by make test", None),
        "documentation": ("measured by make check, make docs", None),
    }


def test_an_execution_that_was_broken_off_has_orders_without_an_id_and_no_result() -> None:
    found = metrics(started(PLAN), *RECORDED, FILLED)
    assert found.statuses == {UNFINISHED: 1}
    assert (found.orders_without_id, found.orders_placed, found.lines, found.runs) == (1, 0, (), 0)
    assert figures(found)["orders without an id"] == ("1", False)


@pytest.mark.parametrize(
    "event",
    [
        REFUSED,
        OrderNotSent(client_order_id=QQQ, reason=Reason.STALE_PRICE),
        OrderDoubted(client_order_id=QQQ, reason=Reason.OUTCOME_UNKNOWN, detail=""),
        OrderReported(report=a_report(an_order("QQQ"), OrderStatus.NEW, 0)),
    ],
    ids=lambda event: event.kind,
)
def test_an_order_of_which_it_is_said_why_it_has_no_id_is_not_one_without(event: Event) -> None:
    assert metrics(started(PLAN), *RECORDED, event).orders_without_id == 1
    assert metrics(started(PLAN), *RECORDED, event, FILLED).orders_without_id == 0


def test_a_run_in_doubt_counts_until_the_next_one_begins() -> None:
    doubt = (
        OrderDoubted(client_order_id=QQQ, reason=Reason.OUTCOME_UNKNOWN, detail=""),
        OrderUnresolved(client_order_id=QQQ, reason=Reason.OUTCOME_UNKNOWN, detail=""),
    )
    events = (*RECORDED, FILLED, *doubt)
    suspended = (started(PLAN), *events, ExecutionSuspended(result=result(*events)))
    found = metrics(*suspended)
    assert found.statuses == {"IN_DOUBT": 1}
    assert (found.orders_unresolved, found.orders_without_id) == (1, 0)
    resumed = metrics(*suspended, ExecutionResumed(holder="another"))
    assert (resumed.statuses, resumed.orders_placed, resumed.runs) == ({UNFINISHED: 1}, 0, 1)
    again = metrics(
        *suspended, ExecutionResumed(holder="another"), ExecutionSuspended(result=result(*events))
    )
    assert (again.executions, again.runs, again.median_run_s, again.worst_run_s) == (1, 2, 3.5, 6.0)


def test_a_plan_that_was_refused_and_came_again_is_two_executions() -> None:
    refused = ExecutionRefused(result=result())
    events = (started(PLAN), refused, started(PLAN), *RECORDED)
    first, second = (one.logged_to(2) for one in AttemptFold(numbered(*events)).attempts())
    assert (first.events, first.logged, first.started_at) == (2, True, START)
    assert (second.events, second.logged, second.started_at) == (3, False, START + timedelta(seconds=2))
    found = measure([first, second])
    assert (found.executions, found.executions_logged, found.logged_rate) == (2, 1, 0.5)
    assert figures(found)["executions logged"] == ("50.0 % (1 of 2)", False)


def test_what_was_recorded_after_the_log_was_told_is_not_logged() -> None:
    assert metrics(started(PLAN), *RECORDED, logged_to=3).executions_logged == 1
    assert metrics(started(PLAN), *RECORDED, logged_to=2).executions_logged == 0


def test_a_run_took_what_its_phases_took_and_an_order_is_filled_once() -> None:
    sell = an_order_recorded(an_order("SPY", Side.SELL))
    funds = FundsAllotted(cash_usd=Money(Decimal(5000)), budget_usd=Money(Decimal(4975)), allotted={})
    late = OrderReported(report=a_report(an_order("QQQ")))
    doubt = OrderDoubted(client_order_id=QQQ, reason=Reason.OUTCOME_UNKNOWN, detail="")
    unresolved = OrderUnresolved(client_order_id=QQQ, reason=Reason.OUTCOME_UNKNOWN, detail="")
    first = (sell, FILLED, funds, RECORDED[1], doubt, unresolved)
    suspended = ExecutionSuspended(result=result(*first))
    resumed = ExecutionResumed(holder="another")
    found = metrics(
        started(PLAN), *first, suspended, resumed, late, ExecutionSuspended(result=result(*first))
    )
    assert found.phases_s == {"checks": 1 + 2, "sells": 2, "funds": 1, "buys": 3}
    assert (found.runs, found.runs_s) == (2, sum(found.phases_s.values()))
    # In doubt from its record to its fill, which another run learnt of.
    assert (found.fills, found.fills_s, found.median_fill_s, found.worst_fill_s) == (2, 6.0, 3.0, 5.0)
    broken_off = metrics(started(PLAN), *first, suspended, resumed, late)
    assert broken_off.phases_s == {"checks": 1, "sells": 2, "funds": 1, "buys": 3}
    assert (broken_off.runs, broken_off.fills) == (1, 2)


def test_what_runs_have_counted_is_added_up() -> None:
    def counted(status: str, calls: int) -> CallsCounted:
        found = (CallCount(call="place_order", status=status, calls=calls),)
        return CallsCounted(calls=found, resent=1, waits=2, waited_s=0.5, commits=3)

    suspended = ExecutionSuspended(result=result())
    events = (counted("ok", 2), suspended, counted("ok", 1), counted("OutcomeUnknown", 1))
    found = metrics(started(PLAN), *events)
    assert found.broker_calls == (
        CallCount(call="place_order", status="OutcomeUnknown", calls=1),
        CallCount(call="place_order", status="ok", calls=3),
    )
    assert (found.orders_resent, found.rate_waits, found.rate_waited_s, found.commits) == (3, 6, 1.5, 9)
    # As in a ledger from before anybody counted.
    assert metrics(started(PLAN), suspended).broker_calls == ()


def test_a_fill_that_is_told_twice_is_one_fill() -> None:
    bought = metrics(started(PLAN), RECORDED[0], FILLED, OrderReported(report=a_report()))
    assert (bought.fills, bought.fills_s) == (1, 1.0)
