"""From events to alerts: what is told, how gravely, and what to do then."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from planfill.domain import events as ev
from planfill.domain.alert import QUIET, Alert, audible, is_for
from planfill.domain.alert_message import message
from planfill.domain.deadman import is_suspended, silent_after_s, silent_s, slow_after_s
from planfill.domain.events import Event, Recorded, Severity
from planfill.domain.identity import ExecutionKey
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.policy import ExecutionPolicy, Policy
from planfill.domain.raising import alerts
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.stages import Stage, Terms
from planfill.domain.values import ZERO_USD, Money
from planfill.testing.events import ACCOUNT, AT, a_result, a_start, an_execution, one_of_each_kind

KEY = ExecutionKey(account=ACCOUNT, plan_id="plan-1")


def a_stream(*events: Event, name: str | None = None, apart_s: float = 1) -> list[Recorded]:
    return [
        Recorded(name or an_execution(), number, AT + timedelta(seconds=apart_s * number), "", event)
        for number, event in enumerate(events, start=1)
    ]


def raised(*events: Event, name: str | None = None) -> list[Alert]:
    return [alert for _, alert in alerts(a_stream(*events, name=name))]


def ended(status: ExecutionStatus, **fields: object) -> ExecutionResult:
    return ExecutionResult.model_validate({**dict(a_result()), "status": status, **fields})


def of_kind(kind: str) -> Event:
    return next(event for event in one_of_each_kind() if event.kind == kind)


def warned(reason: Reason, *, symbol: str = "", plan_id: str = "") -> ev.Alerted:
    return ev.Alerted(severity=Severity.WARNING, reason=reason, detail="why", symbol=symbol, plan_id=plan_id)


def test_every_kind_of_event_has_its_place_in_the_table() -> None:
    told = {number for number, _ in alerts(a_stream(*one_of_each_kind()))}
    kinds = {event.kind for number, event in enumerate(one_of_each_kind(), start=1) if number in told}
    assert kinds >= {"order_unresolved", "stop_requested", "execution_refused", "halted", "alerted"}
    assert not kinds & {"execution_started", "order_recorded", "order_refused", "reconciled", "cancel_asked"}


@pytest.mark.parametrize(
    ("event", "severity", "todo"),
    [
        (ev.ExecutionRefused(result=ended(ExecutionStatus.REFUSED)), "CRITICAL", "planfill doctor"),
        (ev.ExecutionSuspended(result=ended(ExecutionStatus.IN_DOUBT)), "CRITICAL", "planfill resume plan-1"),
        (ev.ExecutionCompleted(result=ended(ExecutionStatus.FAILED)), "CRITICAL", "planfill show plan-1"),
        (ev.ExecutionCompleted(result=ended(ExecutionStatus.HALTED)), "CRITICAL", "planfill show plan-1"),
        (ev.ExecutionCompleted(result=ended(ExecutionStatus.PARTIAL)), "WARNING", "planfill show plan-1"),
        (warned(Reason.RECONCILIATION, symbol="SPY"), "WARNING", "planfill reconcile plan-1"),
        (warned(Reason.BREAKER), "WARNING", "planfill show plan-1"),
        (ev.StopRequested(reason=Reason.BREAKER, detail="3 of 5"), "CRITICAL", "planfill show plan-1"),
        (
            ev.StopRequested(reason=Reason.HALTED, detail="", only_buys=True),
            "WARNING",
            "planfill show plan-1",
        ),
    ],
    ids=str,
)
def test_an_alert_says_how_grave_it_is_whose_it_is_and_what_to_type(
    event: Event, severity: str, todo: str
) -> None:
    (alert,) = raised(a_start(), event)
    assert (alert.severity, alert.todo) == (severity, todo)
    assert (alert.plan_id, alert.account) == ("plan-1", str(ACCOUNT))


@pytest.mark.parametrize("status", [ExecutionStatus.SUCCEEDED, ExecutionStatus.NOTHING_TO_DO])
def test_what_went_well_is_no_alert(status: ExecutionStatus) -> None:
    assert raised(a_start(), ev.ExecutionCompleted(result=ended(status))) == []


def test_the_lines_that_fell_short_are_named_and_a_halt_is_to_be_lifted() -> None:
    line = {**dict(a_result().lines[0]), "outcome": LineOutcome.BLOCKED, "reason": Reason.HALTED}
    result = ended(ExecutionStatus.REFUSED, lines=(line,))
    (alert,) = raised(a_start(), ev.ExecutionRefused(result=result))
    assert [(one.symbol, one.what) for one in alert.lines] == [(line["symbol"], "BUY BLOCKED HALTED")]
    assert alert.todo == "planfill unhalt"
    of_one = f"nothing is sent on account {ACCOUNT} until planfill unhalt --account {ACCOUNT}"
    (alert,) = raised(a_start(), ev.ExecutionRefused(result=result.model_copy(update={"detail": of_one})))
    assert alert.todo == f"planfill unhalt --account {ACCOUNT}"


def test_a_line_that_was_filled_for_less_than_planned_is_named_with_its_reason() -> None:
    line = {**dict(a_result().lines[0]), "outcome": LineOutcome.FILLED, "reason": Reason.FUNDS_CUT}
    (alert,) = raised(ev.ExecutionCompleted(result=ended(ExecutionStatus.PARTIAL, lines=(line,))))
    assert [one.what for one in alert.lines] == ["BUY FILLED FUNDS_CUT"]


def test_a_line_that_fell_short_for_no_reason_is_named_all_the_same() -> None:
    line = {**dict(a_result().lines[0]), "outcome": LineOutcome.UNFILLED, "reason": None}
    (alert,) = raised(ev.ExecutionCompleted(result=ended(ExecutionStatus.PARTIAL, lines=(line,))))
    assert [one.what for one in alert.lines] == ["BUY UNFILLED"]


@pytest.mark.parametrize("recorded", [True, False])
def test_an_order_in_doubt_names_both_ways_out(*, recorded: bool) -> None:
    order, doubt = of_kind("order_recorded"), of_kind("order_unresolved")
    assert isinstance(order, ev.OrderRecorded)
    assert isinstance(doubt, ev.OrderUnresolved)
    name = order.order.client_order_id
    doubt = ev.OrderUnresolved.model_validate({**dict(doubt), "client_order_id": name})
    (alert,) = raised(a_start(), *([order] if recorded else []), doubt)
    assert alert.severity is Severity.CRITICAL
    assert alert.todo == "planfill resume plan-1"
    assert alert.detail.endswith(f"; whoever knows says so: planfill resolve {name} --help")
    assert [one.symbol for one in alert.lines] == ([order.order.symbol] if recorded else [])


def test_a_halt_names_the_command_that_lifts_it_and_so_does_its_end() -> None:
    halt = ev.Halted(by="me", reason="odd", reduce_only=False)
    lifted = ev.Unhalted(by="me", reason="better")
    of_all = raised(halt, lifted, name="system")
    assert [(one.severity, one.todo) for one in of_all] == [("CRITICAL", "planfill unhalt"), ("WARNING", "")]
    (of_one,) = raised(ev.Halted(by="me", reason="odd", reduce_only=True), name=f"account/{ACCOUNT}")
    assert of_one.todo == f"planfill unhalt --account {ACCOUNT}"
    assert "nothing is bought" in of_one.title
    assert str(ACCOUNT) in raised(lifted, name=f"account/{ACCOUNT}")[0].title


def test_a_fill_after_the_end_of_its_order_is_told_once() -> None:
    (report,) = [event for event in one_of_each_kind() if isinstance(event, ev.OrderReported)][:1]
    (alert,) = raised(a_start(), report, report, warned(Reason.LATE_FILL, symbol="SPY"))
    assert (alert.title, alert.todo) == ("plan 'plan-1': LATE_FILL", "planfill reconcile plan-1")


def test_a_cut_for_want_of_money_names_the_buys_and_the_dollars() -> None:
    def allotted(usd: str) -> ev.FundsAllotted:
        money = Money(Decimal(usd))
        return ev.FundsAllotted(cash_usd=money, budget_usd=money, allotted={"SPY": money})

    (alert,) = raised(a_start(), allotted("400.10"), allotted("1000.10"))
    assert "1 buys cut by $600.00" in alert.title
    assert [(one.symbol, one.what) for one in alert.lines] == [("SPY", "allotted $400.10")]
    assert raised(allotted("1.00")) == []


@pytest.mark.parametrize(
    ("took_s", "resumed", "slow"), [(400, False, False), (3600, False, True), (3600, True, False)]
)
def test_a_run_that_took_longer_than_both_sides_may_was_slow(
    took_s: int, *, resumed: bool, slow: bool
) -> None:
    result = ended(ExecutionStatus.SUCCEEDED, started_at=AT, finished_at=AT + timedelta(seconds=took_s))
    again = [ev.ExecutionResumed(holder="x")] if resumed else []
    found = raised(a_start(), of_kind("order_recorded"), *again, ev.ExecutionCompleted(result=result))
    assert [one.title for one in found] == (["plan 'plan-1' was slow"] if slow else [])


def test_an_alert_outside_of_an_execution_names_its_plan_where_there_is_one() -> None:
    stuck, other, refused = raised(
        warned(Reason.STUCK, plan_id="plan 7"),
        warned(Reason.RECONCILIATION),
        warned(Reason.BREAKER),
        name=f"account/{ACCOUNT}",
    )
    assert (stuck.plan_id, stuck.todo) == ("plan 7", "planfill resume 'plan 7'")
    assert (other.plan_id, other.todo) == ("", "planfill reconcile")
    assert refused.todo == "planfill list"


def test_the_same_is_not_repeated_within_the_hour_and_is_after_it() -> None:
    half = QUIET.total_seconds() / 2
    stream = a_stream(*[warned(Reason.BREAKER)] * 5, apart_s=half)
    assert [number for number, _ in audible(alerts(stream))] == [1, 3, 5]


def test_something_else_is_told_at_once() -> None:
    stream = a_stream(warned(Reason.BREAKER), warned(Reason.BREAKER, symbol="SPY"), warned(Reason.STUCK))
    assert len(list(audible(alerts(stream)))) == 3


def test_who_wants_only_the_gravest_hears_of_nothing_else() -> None:
    (warning,) = raised(warned(Reason.BREAKER))
    assert (is_for(warning, Severity.WARNING), is_for(warning, Severity.CRITICAL)) == (True, False)
    (critical,) = raised(of_kind("order_unresolved"))
    assert is_for(critical, Severity.WARNING)


def test_a_message_begins_with_the_gravest_and_hides_nothing_of_the_number() -> None:
    many = [warned(Reason.BREAKER, symbol=f"S{n}") for n in range(11)]
    found = message(tuple(raised(a_start(), *many, of_kind("order_unresolved"))))
    assert found.severity is Severity.CRITICAL
    assert found.title.startswith("Planfill CRITICAL: nobody knows what became of order")
    assert found.title.endswith("(and 11 more)")
    assert found.plain.endswith("2 more: planfill alerts list")
    assert found.html.endswith("<p>2 more: planfill alerts list</p>")
    assert "next: planfill resume plan-1" in found.plain


def test_a_message_shows_a_table_and_no_markup_of_strangers() -> None:
    line = {**dict(a_result().lines[0]), "outcome": LineOutcome.REJECTED, "reason": Reason.REJECTED}
    result = ended(ExecutionStatus.PARTIAL, lines=(line,) * 25, detail="<script>\n" + "x" * 500)
    found = message(tuple(raised(ev.ExecutionCompleted(result=result))))
    assert "&lt;script&gt; xxx" in found.html
    assert "<script>" not in found.html
    assert "[...]" in found.plain
    assert found.plain.count("BUY REJECTED REJECTED") == found.html.count("BUY REJECTED REJECTED") == 20
    assert "  and 5 more" in found.plain
    assert "$1,000.10" in found.plain


def test_a_message_of_one_thing_says_that_alone() -> None:
    halt = raised(ev.Unhalted(by="me", reason=""), name="system")
    found = message(tuple(halt))
    assert found.title == "Planfill WARNING: halt of all accounts lifted by me"
    assert found.plain == "WARNING 2021-03-31 15:00:01 UTC: halt of all accounts lifted by me"
    assert "<table>" not in found.html


def test_only_the_last_run_says_whether_an_execution_is_suspended() -> None:
    suspended = ev.ExecutionSuspended(result=ended(ExecutionStatus.IN_DOUBT))
    assert is_suspended(a_stream(a_start(), suspended, warned(Reason.BREAKER)))
    assert not is_suspended(a_stream(a_start(), suspended, ev.ExecutionResumed(holder="x")))
    assert not is_suspended([])


def test_a_run_is_silent_when_it_records_nothing_for_longer_than_its_policy_explains() -> None:
    stream, policy = a_stream(a_start()), a_start().policy.execution
    last, usual = stream[-1].at, timedelta(seconds=silent_after_s(policy))
    assert silent_s(stream, last + usual) is None
    assert silent_s(stream, last + usual * 2) == usual.total_seconds() * 2
    assert silent_s([], last) is None
    assert slow_after_s(policy) > silent_after_s(policy)


def test_a_plan_that_waits_for_the_session_may_be_silent() -> None:
    wait = Policy(execution=ExecutionPolicy(market_closed="wait"))
    start = ev.ExecutionStarted.model_validate({**dict(a_start()), "policy": wait})
    later = AT + timedelta(days=1)
    assert silent_s(a_stream(start), later) is None
    assert silent_s(a_stream(start, of_kind("order_recorded")), later) is not None


def test_a_new_stage_of_an_account_is_told_with_where_to_look() -> None:
    event = ev.StageChanged(stage=Stage.CANARY, by="ada", reason="needed", overridden=True)
    (told,) = raised(event, name=f"account/{ACCOUNT}")
    assert (told.todo, told.detail) == ("planfill rollout status", "needed (overridden)")
    (told,) = raised(
        ev.StageChanged(stage=Stage.LIVE, reason="5 clean executions"), name=f"account/{ACCOUNT}"
    )
    assert (told.title, told.detail) == (
        f"account {ACCOUNT} is at stage live now: by itself",
        "5 clean executions",
    )


@pytest.mark.parametrize(("clean", "trouble", "details"), [(True, "", []), (False, "raised", ["raised"])])
def test_a_shadow_that_differs_is_told(clean: bool, trouble: str, details: list[str]) -> None:  # noqa: FBT001
    event = of_kind("shadow_compared").model_copy(update={"clean": clean, "trouble": trouble})
    assert [one.detail for one in raised(event)] == details


def test_what_a_stage_holds_back_is_no_want_of_money() -> None:
    start = a_start()
    (item,) = [item for item in start.plan.items if item.planned_usd][:1]
    terms = Terms(stage=Stage.LIVE, percent=Decimal(5))
    allotted = {item.symbol: terms.permitted_usd(item)}
    funds = ev.FundsAllotted(cash_usd=ZERO_USD, budget_usd=ZERO_USD, allotted=allotted)
    assert raised(start.model_copy(update={"rollout": terms}), funds) == []
    assert [one.title for one in raised(start, funds)] != []
