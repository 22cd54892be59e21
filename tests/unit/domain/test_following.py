from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from planfill.domain.events import (
    Alerted,
    CancelRequested,
    Event,
    OrderDoubted,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
    Severity,
    StopRequested,
)
from planfill.domain.following import (
    answered,
    doubted,
    given_up,
    news,
    not_sent,
    overdue,
    priced,
    unpriced,
    unresolved,
)
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.state import ExecutionState, OrderState
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import (
    a_fill,
    a_plan,
    a_report,
    a_state,
    an_item,
    an_order,
    an_order_recorded,
)
from planfill.testing.clock import START

S = OrderStatus
NAME = ClientOrderId("pf-SPY-1")
DEADLINE_S = 120
HALT = StopRequested(reason=Reason.HALTED, detail="")


def reported(status: OrderStatus = S.FILLED, filled: int | None = None, **fields: object) -> OrderReported:
    return OrderReported(report=a_report(None, status, filled, **fields))  # type: ignore[arg-type]


def state_after(*events: Event) -> ExecutionState:
    return a_state(an_order_recorded(deadline_s=DEADLINE_S), *events)


def order_after(*events: Event) -> OrderState:
    return state_after(*events).orders[NAME]


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


# --- news -----------------------------------------------------------------------------------------


def test_the_first_word_on_an_order_is_news() -> None:
    report = a_report(status=S.NEW, filled=0)
    assert list(news(state_after(), [report])) == [OrderReported(report=report)]


def test_more_filled_is_news() -> None:
    report = a_report(status=S.PARTIALLY_FILLED, filled=5)
    assert list(news(state_after(reported(S.PARTIALLY_FILLED, 3)), [report])) == [
        OrderReported(report=report)
    ]


def test_what_is_known_is_no_news() -> None:
    state = state_after(reported(S.PARTIALLY_FILLED, 3))
    old = [
        a_report(status=S.PARTIALLY_FILLED, filled=3),
        a_report(status=S.NEW, filled=0),
        a_report(status=S.CANCELED, filled=2),
    ]
    assert list(news(state, old)) == []


def test_what_is_known_does_not_hide_what_is_new() -> None:
    old, new = a_report(status=S.NEW, filled=0), a_report(status=S.PARTIALLY_FILLED, filled=3)
    foreign = a_report(an_order(client_order_id="web-1"))
    found = list(news(state_after(reported(S.NEW, 0)), [foreign, old, new]))
    assert found == [OrderReported(report=new)]


def test_what_concerns_the_orders_of_others_is_no_news() -> None:
    assert list(news(state_after(), [a_report(an_order(client_order_id="web-1"))])) == []


@pytest.mark.parametrize("other", [{"symbol": "QQQ"}, {"side": Side.SELL}])
def test_a_report_under_our_id_about_something_else_is_no_news_of_ours(other: dict[str, object]) -> None:
    stranger = ExecutionReport.model_validate({**dict(a_report()), **other})
    assert list(news(state_after(), [stranger])) == []


def test_more_filled_after_the_end_is_news_and_an_alert() -> None:
    report = a_report(status=S.FILLED, filled=10)
    found = list(news(state_after(reported(S.CANCELED, 3)), [report]))
    alert = Alerted(
        severity=Severity.CRITICAL,
        reason=Reason.LATE_FILL,
        symbol="SPY",
        detail="pf-SPY-1 filled more after it had ended",
    )
    assert found == [OrderReported(report=report), alert]


def test_an_order_for_more_than_its_line_is_left_with_is_canceled_before_its_time() -> None:
    second = an_order(quantity=7, client_order_id="pf-SPY-2")
    working = OrderReported(report=a_report(second, S.NEW, 2))
    recorded = an_order_recorded(second, deadline_s=500)
    state = state_after(reported(S.CANCELED, 3), recorded, working)
    assert overdue(state, START) == []
    grown = state_after(reported(S.CANCELED, 3), recorded, working, reported(S.CANCELED, 4))
    assert overdue(grown, START) == [grown.orders[ClientOrderId("pf-SPY-2")]]


@pytest.mark.parametrize("status", [S.NEW, S.FILLED])
@pytest.mark.parametrize(
    "end",
    [
        OrderNotSent(client_order_id=NAME, reason=Reason.BROKER_UNAVAILABLE),
        OrderRefused(client_order_id=NAME, reason=Reason.REJECTED, detail="no"),
    ],
    ids=["not sent", "refused"],
)
def test_an_order_that_lives_though_it_never_got_there_is_news_and_an_alert(
    end: Event, status: OrderStatus
) -> None:
    report = a_report(status=status)
    alert = Alerted(
        severity=Severity.CRITICAL,
        reason=Reason.OUTCOME_UNKNOWN,
        symbol="SPY",
        detail="pf-SPY-1 is at the broker, and was thought never to have got there",
    )
    assert list(news(state_after(end), [report])) == [OrderReported(report=report), alert]


def test_a_refusal_that_the_broker_lists_is_no_alert() -> None:
    refused = OrderRefused(client_order_id=NAME, reason=Reason.REJECTED, detail="no")
    report = a_report(status=S.REJECTED, filled=0)
    assert list(news(state_after(refused), [report])) == [OrderReported(report=report)]


def test_fees_that_are_told_after_the_end_are_news_and_no_alert() -> None:
    report = a_report(fees_usd=Decimal("0.05"))
    assert list(news(state_after(reported()), [report])) == [OrderReported(report=report)]


def test_more_filled_before_the_end_is_no_alert() -> None:
    assert len(list(news(state_after(reported(S.NEW, 0)), [a_report()]))) == 1


def test_a_report_without_a_price_is_priced_by_the_fills() -> None:
    report, fill = a_report(filled=10, price=None), a_fill(quantity=10, price=101)
    (event,) = news(state_after(), [report], [fill])
    assert isinstance(event, OrderReported)
    assert event.report.average_price == 101


# --- pricing --------------------------------------------------------------------------------------


def test_the_price_of_fills_is_their_average_by_quantity() -> None:
    fills = [a_fill(quantity=4, price=100), a_fill(quantity=6, price=105)]
    assert priced(a_report(filled=10, price=None), fills).average_price == 103


@pytest.mark.parametrize(
    ("report", "fills"),
    [
        (a_report(price=100), [a_fill(price=105)]),
        (a_report(price=None), []),
        (a_report(price=None), [a_fill(quantity=9)]),
        (a_report(price=None), [a_fill(quantity=11)]),
        (a_report(price=None), [a_fill(broker_order_id="another")]),
        (a_report(status=S.NEW, filled=0), []),
        (a_report(status=S.NEW, filled=0), [a_fill(quantity=1)]),
    ],
    ids=["priced", "no fills", "too few", "too many", "of another order", "nothing filled", "not yet filled"],
)
def test_a_report_that_fills_do_not_account_for_stays_as_it_is(
    report: ExecutionReport, fills: list[object]
) -> None:
    assert priced(report, fills) is report  # type: ignore[arg-type]


def test_only_the_fills_of_the_order_count() -> None:
    fills = [a_fill(quantity=10, price=101), a_fill(quantity=10, price=500, broker_order_id="another")]
    assert priced(a_report(price=None), fills).average_price == 101


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), False),
        ((reported(S.NEW, 0),), False),
        ((reported(S.PARTIALLY_FILLED, 3),), False),
        ((reported(S.PARTIALLY_FILLED, 3, price=None),), True),
        ((reported(price=None),), True),
        ((reported(),), False),
        (
            (reported(price=None), OrderUnresolved(client_order_id=NAME, reason=Reason.UNPRICED, detail="")),
            False,
        ),
    ],
    ids=["silent", "new", "priced part", "unpriced part", "unpriced", "priced", "given up"],
)
def test_an_open_order_may_have_filled_without_a_price(events: tuple[Event, ...], *, expected: bool) -> None:
    assert unpriced(state_after(*events)) is expected


# --- the answer to a placement --------------------------------------------------------------------


def test_an_answer_about_our_order_is_a_report() -> None:
    report = a_report(status=S.NEW, filled=0)
    assert answered(order_after(), report) == OrderReported(report=report)


@pytest.mark.parametrize(
    "other",
    [an_order(client_order_id="pf-other"), an_order("QQQ", client_order_id=NAME), an_order(side=Side.SELL)],
    ids=["name", "symbol", "side"],
)
def test_an_answer_about_another_order_is_a_doubt(other: object) -> None:
    report = a_report(other, S.NEW, 0)  # type: ignore[arg-type]
    said = f"{report.client_order_id} {report.symbol} {report.side}"
    assert answered(order_after(), report) == OrderDoubted(
        client_order_id=NAME,
        reason=Reason.OUTCOME_UNKNOWN,
        detail=f"the broker answered with another order: {said}",
    )


# --- deadlines ------------------------------------------------------------------------------------


def test_an_order_is_overdue_from_its_deadline_on() -> None:
    state = state_after(reported(S.NEW, 0))
    assert overdue(state, after(DEADLINE_S - 1)) == []
    assert overdue(state, after(DEADLINE_S)) == [state.orders[NAME]]


def test_all_that_works_is_overdue_once_a_stop_is_asked_for() -> None:
    state = state_after(reported(S.NEW, 0), HALT)
    assert overdue(state, START) == [state.orders[NAME]]


def test_an_order_in_doubt_is_canceled_too() -> None:
    state = state_after(doubted(order_after(), "?"))
    assert overdue(state, after(DEADLINE_S)) == [state.orders[NAME]]


@pytest.mark.parametrize(
    "events",
    [(reported(),), (reported(S.NEW, 0), CancelRequested(client_order_id=NAME, reason=Reason.DEADLINE))],
    ids=["ended", "canceled"],
)
def test_what_has_ended_or_is_being_canceled_is_not_canceled(events: tuple[Event, ...]) -> None:
    assert overdue(state_after(*events, HALT), after(DEADLINE_S + 1)) == []


def test_silence_after_a_cancel_is_given_up_after_the_grace() -> None:
    cancel = CancelRequested(client_order_id=NAME, reason=Reason.DEADLINE)  # 3 s after the start
    state = state_after(reported(S.NEW, 0), cancel)
    assert given_up(state, after(32), 30) == []
    assert given_up(state, after(33), 30) == [
        OrderUnresolved(
            client_order_id=NAME,
            reason=Reason.CANCEL_UNCONFIRMED,
            detail="the broker does not say what became of it",
        )
    ]


def test_silence_without_a_cancel_is_given_up_after_deadline_and_grace() -> None:
    state = state_after(doubted(order_after(), "?"))
    assert given_up(state, after(149), 30) == []
    assert len(given_up(state, after(150), 30)) == 1


def test_what_has_ended_is_not_given_up() -> None:
    assert given_up(state_after(reported()), after(9999), 30) == []


def test_orders_are_judged_one_by_one() -> None:
    late, early = an_order_recorded(deadline_s=500), an_order_recorded(an_order("QQQ"), deadline_s=10)
    state = a_state(late, early, plan=a_plan(an_item("SPY"), an_item("QQQ")))
    assert [order.order.symbol for order in overdue(state, after(100))] == ["QQQ"]
    assert len(given_up(state, after(100), 30)) == 1


# --- what is said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ((), Reason.OUTCOME_UNKNOWN),
        ((reported(S.NEW, 0),), Reason.CANCEL_UNCONFIRMED),
        ((reported(S.PARTIALLY_FILLED, 3),), Reason.CANCEL_UNCONFIRMED),
        ((reported(price=None),), Reason.UNPRICED),
        ((reported(S.CANCELED, 3, price=None),), Reason.UNPRICED),
        ((reported(S.REPLACED, 3),), Reason.REPLACED),
    ],
    ids=["silent", "new", "part", "unpriced", "part unpriced", "replaced"],
)
def test_an_order_is_unresolved_for_the_reason_that_is_known(
    events: tuple[Event, ...], reason: Reason
) -> None:
    expected = OrderUnresolved(client_order_id=NAME, reason=reason, detail="why")
    assert unresolved(order_after(*events), "why") == expected


def test_an_order_that_was_not_sent_says_why() -> None:
    expected = OrderNotSent(client_order_id=NAME, reason=Reason.HALTED, detail="why")
    assert not_sent(order_after(), Reason.HALTED, "why") == expected


def test_a_doubt_says_why() -> None:
    expected = OrderDoubted(client_order_id=NAME, reason=Reason.OUTCOME_UNKNOWN, detail="why")
    assert doubted(order_after(), "why") == expected
