from datetime import timedelta
from decimal import Decimal

import pytest
from figures import figures

from planfill.domain.errors import LedgerCorrupt
from planfill.domain.events import (
    Alerted,
    CancelAsked,
    CancelRequested,
    Event,
    ExecutionCompleted,
    ExecutionRefused,
    ExecutionResumed,
    ExecutionSuspended,
    FundsAllotted,
    LineClosed,
    OrderDoubted,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderRequoted,
    OrderResolved,
    OrderUnresolved,
    Reconciled,
    Severity,
    StopRequested,
)
from planfill.domain.identity import ExecutionKey, client_order_ids
from planfill.domain.outcome import Reason
from planfill.domain.report import OrderStatus
from planfill.domain.result import nothing_to_do
from planfill.domain.state import OPEN, ExecutionState, OrderState, Phase
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import (
    PAPER,
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

NAME = ClientOrderId("pf-SPY-1")
RECORDED = an_order_recorded()
DOUBTED = OrderDoubted(client_order_id=NAME, reason=Reason.OUTCOME_UNKNOWN, detail="timed out")
UNRESOLVED = OrderUnresolved(client_order_id=NAME, reason=Reason.CANCEL_UNCONFIRMED, detail="silence")
REFUSED = OrderRefused(client_order_id=NAME, reason=Reason.INSUFFICIENT_FUNDS, detail="too little", raw="{}")
CANCELED = CancelRequested(client_order_id=NAME, reason=Reason.DEADLINE)
RESUMED = ExecutionResumed(holder="another")
S = OrderStatus


def reported(status: OrderStatus = S.FILLED, filled: int | None = None, **fields: object) -> OrderReported:
    return OrderReported(report=a_report(None, status, filled, **fields))  # type: ignore[arg-type]


def order_after(*events: Event) -> OrderState:
    return a_state(RECORDED, *events).orders[NAME]


def stands(order: OrderState) -> tuple[Phase, Reason | None, str]:
    return order.phase, order.reason, order.detail


# --- the stream -----------------------------------------------------------------------------------


def test_nothing_has_happened_before_the_first_event() -> None:
    state = ExecutionState()
    assert (state.number, state.started, state.started_at, state.stop, state.result) == (
        0,
        None,
        None,
        None,
        None,
    )
    assert (state.lines, state.orders, state.finished) == ({}, {}, False)
    assert (state.head, state.result_head, state.begun_at) == ("", "", None)
    assert state.client_order_ids(1) == {}


@pytest.mark.parametrize("number", [0, 1, 3, -1])
def test_an_event_that_is_not_the_next_one_is_refused_and_changes_nothing(number: int) -> None:
    state = a_state()
    (event,) = numbered(RESUMED, after=number - 1)
    with pytest.raises(
        LedgerCorrupt, match=rf"execution/mock:paper:1:plan-1: event {number} follows event 1"
    ):
        state.apply(event)
    assert (state.number, state.head) == (1, "hash-1")


def test_the_head_is_the_hash_of_the_last_event() -> None:
    state = a_state(RECORDED, reported())
    assert (state.number, state.head) == (3, "hash-3")


def test_a_start_lays_out_the_lines_in_the_order_of_the_plan() -> None:
    plan = a_plan(an_item("B"), an_item("A", "HOLD"), an_item("C", "SELL"))
    state = a_state(plan=plan)
    assert [(line.item.symbol, line.rank, line.is_pending) for line in state.lines.values()] == [
        ("B", 0, True),
        ("A", 1, False),
        ("C", 2, True),
    ]
    assert state.started is not None
    assert (state.started.plan, state.started_at) == (plan, START)
    assert state.client_order_ids(2) == client_order_ids(
        ExecutionKey(account=PAPER, plan_id="plan-1"), ("B", "A", "C"), 2
    )


def test_another_start_begins_anew() -> None:
    refused = ExecutionRefused(result=nothing_to_do(START))
    halt = StopRequested(reason=Reason.HALTED, detail="")
    state = a_state(halt, refused, started(a_plan(an_item("QQQ"))))
    assert list(state.lines) == ["QQQ"]
    assert (state.orders, state.stop, state.result, state.finished) == ({}, None, None, False)
    assert state.started_at == START + timedelta(seconds=3)


@pytest.mark.parametrize(
    ("event", "finished"),
    [
        (ExecutionRefused(result=nothing_to_do(START)), True),
        (ExecutionSuspended(result=nothing_to_do(START)), False),
        (ExecutionCompleted(result=nothing_to_do(START)), True),
    ],
    ids=["refused", "suspended", "completed"],
)
def test_a_result_finishes_an_execution_unless_it_is_in_doubt(
    event: ExecutionRefused | ExecutionSuspended | ExecutionCompleted, *, finished: bool
) -> None:
    state = a_state(event)
    assert state.result is event.result
    assert state.result_head == "hash-2"
    assert state.finished is finished
    assert state.begun_at == (None if finished else START)


def test_a_finished_execution_stays_finished_whatever_is_told_later() -> None:
    alert = Alerted(severity=Severity.CRITICAL, reason=Reason.LATE_FILL, detail="")
    assert a_state(ExecutionCompleted(result=nothing_to_do(START)), alert).finished
    assert not a_state(ExecutionSuspended(result=nothing_to_do(START)), RESUMED).finished


@pytest.mark.parametrize(
    "event",
    [
        Alerted(severity=Severity.WARNING, reason=Reason.BREAKER, detail=""),
        CancelAsked(plan_id="plan-1", by="me", detail=""),
        Reconciled(differences=()),
    ],
    ids=lambda event: event.kind,
)
def test_an_event_for_people_changes_nothing(event: Event) -> None:
    state, after = a_state(RECORDED), a_state(RECORDED, event)
    assert (state.lines, state.orders, state.stop) == (after.lines, after.orders, after.stop)


def test_the_first_stop_stands() -> None:
    first = StopRequested(reason=Reason.BREAKER, detail="sick")
    state = a_state(first, StopRequested(reason=Reason.HALTED, detail="later"))
    assert state.stop is first


# --- lines ----------------------------------------------------------------------------------------


def test_a_line_is_pending_until_something_is_decided() -> None:
    assert a_state().lines["SPY"].is_pending
    assert not a_state(RECORDED).lines["SPY"].is_pending
    assert not a_state(LineClosed(symbol="SPY", reason=Reason.NO_PRICE)).lines["SPY"].is_pending


def test_a_closed_line_says_why() -> None:
    line = a_state(LineClosed(symbol="SPY", reason=Reason.NO_PRICE, detail="no source quotes it")).lines[
        "SPY"
    ]
    assert (line.closed, line.detail, line.is_open) == (Reason.NO_PRICE, "no source quotes it", False)


def test_a_line_is_open_while_an_order_of_it_may_trade() -> None:
    assert a_state(RECORDED).lines["SPY"].is_open
    assert not a_state(RECORDED, reported()).lines["SPY"].is_open


def test_money_is_allotted_line_by_line() -> None:
    funds = FundsAllotted(
        cash_usd=Money(Decimal(5)), budget_usd=Money(Decimal(4)), allotted={"QQQ": Money(Decimal(3))}
    )
    state = a_state(funds, plan=a_plan(an_item("SPY"), an_item("QQQ")))
    assert figures(state.lines["SPY"].allotted, state.lines["QQQ"].allotted) == (None, 3)


# --- orders ---------------------------------------------------------------------------------------


def test_a_recorded_order_is_in_its_line_and_not_yet_placed() -> None:
    state = a_state(RECORDED)
    order = state.orders[NAME]
    assert state.lines["SPY"].orders == [order]
    assert (order.order, order.sizing, order.attempt, order.deadline) == (
        RECORDED.order,
        RECORDED.sizing,
        1,
        START + timedelta(seconds=120),
    )
    assert stands(order) == (Phase.RECORDED, None, "")
    assert order.is_open
    assert not order.was_placed


@pytest.mark.parametrize("phase", Phase)
def test_an_order_is_open_or_was_placed_by_its_phase(phase: Phase) -> None:
    order = order_after()
    order.phase = phase
    assert order.is_open is (phase in OPEN)
    assert order.was_placed is (phase not in {Phase.RECORDED, Phase.NOT_SENT})
    assert order.is_unresolved is (phase is Phase.UNRESOLVED)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (REFUSED, (Phase.REFUSED, Reason.INSUFFICIENT_FUNDS, "too little")),
        (
            OrderNotSent(client_order_id=NAME, reason=Reason.HALTED, detail="halt"),
            (Phase.NOT_SENT, Reason.HALTED, "halt"),
        ),
        (DOUBTED, (Phase.DOUBTED, Reason.OUTCOME_UNKNOWN, "timed out")),
        (UNRESOLVED, (Phase.UNRESOLVED, Reason.CANCEL_UNCONFIRMED, "silence")),
        (reported(S.NEW, 0), (Phase.WORKING, None, "")),
        (reported(S.UNKNOWN, 0), (Phase.WORKING, None, "")),
        (reported(S.PARTIALLY_FILLED, 3), (Phase.WORKING, None, "")),
        (reported(S.REPLACED, 3), (Phase.WORKING, None, "")),
        (reported(), (Phase.ENDED, None, "")),
        (reported(price=None), (Phase.WORKING, None, "")),
        (reported(S.CANCELED, 3), (Phase.ENDED, Reason.CANCELED, "")),
        (reported(S.CANCELED, 0), (Phase.ENDED, Reason.CANCELED, "")),
        (reported(S.EXPIRED, 0), (Phase.ENDED, Reason.EXPIRED, "")),
        (reported(S.DONE_FOR_DAY, 0), (Phase.ENDED, Reason.EXPIRED, "")),
        (reported(S.REJECTED, 0, raw="no"), (Phase.ENDED, Reason.REJECTED, "no")),
        (reported(S.CANCELED, 0, raw="told"), (Phase.ENDED, Reason.CANCELED, "")),
    ],
    ids=["refused", "not sent", "doubted", "unresolved", "new", "unknown", "part", "replaced", "filled",
         "unpriced", "part canceled", "canceled", "expired", "done for day", "rejected", "raw"],
)  # fmt: skip
def test_an_event_of_an_order_leads_to_its_phase(
    event: Event, expected: tuple[Phase, Reason | None, str]
) -> None:
    order = order_after(event)
    assert stands(order) == expected
    assert not order.inherited


def test_reports_are_merged() -> None:
    order = order_after(reported(S.PARTIALLY_FILLED, 3), reported(S.NEW, 0))
    assert order.report is not None
    assert order.report.filled_quantity == 3


def test_a_fill_without_a_price_is_not_the_end_until_it_is_priced() -> None:
    assert order_after(reported(price=None), reported(S.FILLED)).phase is Phase.ENDED


def test_more_filled_after_the_end_reopens_the_order() -> None:
    order = order_after(reported(S.CANCELED, 3), reported(S.PARTIALLY_FILLED, 5))
    assert order.phase is Phase.WORKING
    assert order.reason is None


def test_old_news_after_the_end_changes_nothing() -> None:
    assert stands(order_after(reported(S.CANCELED, 3), reported(S.NEW, 0))) == (
        Phase.ENDED,
        Reason.CANCELED,
        "",
    )


def test_an_order_that_was_in_doubt_and_filled_needs_no_reason() -> None:
    assert stands(order_after(DOUBTED, reported())) == (Phase.ENDED, None, "")
    assert stands(order_after(UNRESOLVED, reported())) == (Phase.ENDED, None, "")


def test_a_cancel_of_ours_says_why_the_order_ended() -> None:
    order = order_after(CANCELED, reported(S.CANCELED, 3))
    assert stands(order) == (Phase.ENDED, Reason.DEADLINE, "")
    assert order.cancel_requested_at == START + timedelta(seconds=2)


def test_a_cancel_of_ours_before_a_crash_says_why_the_order_ended() -> None:
    order = order_after(CANCELED, RESUMED, reported(S.CANCELED, 3))
    assert stands(order) == (Phase.ENDED, Reason.DEADLINE, "")


def test_an_order_that_filled_before_our_cancel_needs_no_reason() -> None:
    assert stands(order_after(CANCELED, reported(S.FILLED))) == (Phase.ENDED, None, "")


def test_a_late_answer_to_an_unconfirmed_cancel_says_how_it_ended() -> None:
    order = order_after(CANCELED, UNRESOLVED, reported(S.CANCELED, 0))
    assert stands(order) == (Phase.ENDED, Reason.CANCELED, "")


def test_a_rejection_that_the_broker_lists_keeps_the_reason_of_the_refusal() -> None:
    order = order_after(REFUSED, reported(S.REJECTED, 0, raw="rejected"))
    assert stands(order) == (Phase.REFUSED, Reason.INSUFFICIENT_FUNDS, "too little")
    assert order.report is not None


def test_an_order_that_was_refused_and_lives_is_working() -> None:
    assert order_after(REFUSED, reported(S.NEW, 0)).phase is Phase.WORKING


def test_an_order_that_is_looked_at_again_is_as_good_as_new() -> None:
    again = OrderRequoted(
        order=RECORDED.order.seen_at(START + timedelta(hours=1)), deadline=START + timedelta(hours=2)
    )
    order = order_after(DOUBTED, RESUMED, again)
    assert stands(order) == (Phase.RECORDED, None, "")
    assert (order.order, order.deadline, order.inherited) == (again.order, again.deadline, False)
    assert order.sizing is RECORDED.sizing


def test_an_operator_may_say_what_became_of_an_order() -> None:
    said = OrderResolved(client_order_id=NAME, by="me", evidence="statement", report=a_report())
    order = order_after(UNRESOLVED, said)
    assert stands(order) == (Phase.ENDED, None, "")
    assert order.report == a_report()


def test_an_operator_may_say_that_an_order_was_never_placed() -> None:
    said = OrderResolved(client_order_id=NAME, by="me", evidence="statement", report=None)
    assert stands(order_after(UNRESOLVED, said)) == (Phase.NOT_SENT, Reason.RESOLVED, "statement")


def test_an_order_that_was_once_in_doubt_stays_known_as_such() -> None:
    assert not order_after(REFUSED).was_doubted
    assert order_after(DOUBTED, reported()).was_doubted
    assert order_after(DOUBTED, UNRESOLVED).was_doubted
    assert order_after(RESUMED, reported()).was_doubted
    assert not order_after(reported(), RESUMED).was_doubted


# --- resume ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "phase", "inherited"),
    [
        ((), Phase.DOUBTED, True),
        ((DOUBTED,), Phase.DOUBTED, True),
        ((UNRESOLVED,), Phase.DOUBTED, True),
        ((reported(S.NEW, 0),), Phase.WORKING, True),
        ((reported(S.NEW, 0), UNRESOLVED), Phase.WORKING, True),
        ((reported(price=None), UNRESOLVED), Phase.WORKING, True),
        ((reported(),), Phase.ENDED, False),
        ((REFUSED,), Phase.REFUSED, False),
        ((OrderNotSent(client_order_id=NAME, reason=Reason.HALTED),), Phase.NOT_SENT, False),
    ],
    ids=[
        "recorded",
        "doubted",
        "unresolved",
        "working",
        "working unresolved",
        "unpriced",
        "ended",
        "refused",
        "not sent",
    ],
)
def test_a_resume_asks_again_for_all_that_may_be_at_the_broker(
    events: tuple[Event, ...], phase: Phase, *, inherited: bool
) -> None:
    order = order_after(*events, RESUMED)
    assert (order.phase, order.inherited) == (phase, inherited)


def test_what_a_resume_asked_for_and_was_answered_is_its_own() -> None:
    for answer in (reported(S.NEW, 0), DOUBTED, UNRESOLVED, REFUSED):
        assert not order_after(RESUMED, answer).inherited


def test_a_resume_cancels_anew() -> None:
    assert order_after(reported(S.NEW, 0), CANCELED, RESUMED).cancel_requested_at is None


def test_a_resume_counts_the_money_of_undecided_lines_anew() -> None:
    half = Money(Decimal(500))
    funds = FundsAllotted(cash_usd=half, budget_usd=half, allotted={"SPY": half, "QQQ": half, "TLT": half})
    closed = LineClosed(symbol="TLT", reason=Reason.NO_PRICE)
    plan = a_plan(an_item("SPY"), an_item("QQQ"), an_item("TLT"))
    state = a_state(funds, RECORDED, closed, RESUMED, plan=plan)
    assert {symbol: line.allotted for symbol, line in state.lines.items()} == {
        "SPY": 500,
        "QQQ": None,
        "TLT": 500,
    }


def test_a_resume_does_not_forget_a_stop() -> None:
    stop = StopRequested(reason=Reason.HALTED, detail="")
    assert a_state(stop, RESUMED).stop is stop


def test_orders_are_known_by_their_names() -> None:
    plan = a_plan(an_item("SPY"), an_item("QQQ"))
    state = a_state(RECORDED, an_order_recorded(an_order("QQQ")), reported(), plan=plan)
    assert state.orders[NAME].phase is Phase.ENDED
    assert state.orders[ClientOrderId("pf-QQQ-1")].phase is Phase.RECORDED
