"""What an event is to people, and how grave it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from planfill.adapters.logs.messages import Told, tell
from planfill.adapters.logs.story import Story
from planfill.domain import events as ev
from planfill.domain.calls import CallCount
from planfill.domain.linting import BrokenRule
from planfill.domain.outcome import Reason
from planfill.domain.reconciliation import Difference, Discrepancy
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.result import ExecutionStatus
from planfill.domain.shadow import ShadowDifference, ShadowField
from planfill.domain.stages import Stage
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import (
    a_plan,
    a_report,
    an_item,
    an_order,
    an_order_recorded,
    numbered,
    started,
)
from planfill.testing.clock import START
from planfill.testing.events import a_result

ORDER = ClientOrderId("pf-SPY-1")
PLAN = a_plan(an_item("SPY"), an_item("QQQ"))


def _more(event: ev.Event) -> str:
    result = getattr(event, "result", None)
    return result.status if result else ""


def told(event: ev.Event, *before: ev.Event) -> Told:
    story = Story()
    recorded = list(numbered(started(PLAN), *before, event))
    for one in recorded:
        story.take(one)
    return tell(recorded[-1], story)


def of_order(kind: type[ev.Event], reason: Reason = Reason.DEADLINE, **fields: str) -> ev.Event:
    return kind.model_validate({"client_order_id": ORDER, "reason": reason, **fields})


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (started(), "INFO"),
        (ev.ExecutionResumed(holder="h"), "INFO"),
        (ev.RulesBroken(broken=()), "WARNING"),
        (ev.LineClosed(symbol="SPY", reason=Reason.AMOUNT_ZERO), "INFO"),
        (ev.LineClosed(symbol="SPY", reason=Reason.NO_PRICE), "WARNING"),
        (an_order_recorded(), "INFO"),
        (of_order(ev.OrderRefused, detail="no"), "WARNING"),
        (of_order(ev.OrderNotSent), "WARNING"),
        (of_order(ev.OrderDoubted, detail="504"), "WARNING"),
        (of_order(ev.OrderUnresolved, detail="504"), "ERROR"),
        (of_order(ev.CancelRequested), "WARNING"),
        (ev.StopRequested(reason=Reason.INTERRUPTED, detail="Ctrl-C"), "WARNING"),
        (ev.StopRequested(reason=Reason.BREAKER, detail="6 of 6"), "ERROR"),
        (ev.ExecutionRefused(result=a_result(ExecutionStatus.REFUSED)), "WARNING"),
        (ev.ExecutionSuspended(result=a_result(ExecutionStatus.IN_DOUBT)), "ERROR"),
        (ev.ExecutionCompleted(result=a_result(ExecutionStatus.SUCCEEDED)), "INFO"),
        (ev.ExecutionCompleted(result=a_result(ExecutionStatus.PARTIAL)), "WARNING"),
        (ev.ExecutionCompleted(result=a_result(ExecutionStatus.HALTED)), "WARNING"),
        (ev.ExecutionCompleted(result=a_result(ExecutionStatus.FAILED)), "ERROR"),
        (ev.Alerted(severity=ev.Severity.WARNING, reason=Reason.LATE_FILL, detail="d"), "WARNING"),
        (ev.Alerted(severity=ev.Severity.CRITICAL, reason=Reason.BREAKER, detail="d"), "CRITICAL"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.kind}-{_more(value)}",
)
def test_an_event_is_as_grave_as_what_it_means(event: ev.Event, level: str) -> None:
    assert told(event).level == level


@pytest.mark.parametrize("status", OrderStatus)
def test_a_report_is_a_warning_unless_it_is_what_was_hoped_for(status: OrderStatus) -> None:
    hoped = {OrderStatus.PENDING_NEW, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED}
    event = ev.OrderReported(report=a_report(status=status, filled=0))
    assert told(event).level == ("INFO" if status in hoped else "WARNING")


def test_an_order_is_told_whole_with_its_id_and_the_quote_it_was_sized_at() -> None:
    event = an_order_recorded(an_order(quantity="2.5", limit_price=101))
    assert told(event).message == (
        "BUY SPY: sending 2.5 shares, LIMIT at 101, DAY, planned $1,000.00, quoted 100 by test, "
        "order pf-SPY-1"
    )


def test_a_fill_is_told_with_its_price_and_both_ids() -> None:
    event = ev.OrderReported(report=a_report(filled="2.5", fees_usd=Money(Decimal("0.02"))))
    assert told(event).message == (
        "BUY SPY: FILLED, 2.5 shares at 100, fees $0.02, order pf-SPY-1, the broker's broker-pf-SPY-1"
    )


def test_a_fill_without_a_price_says_so() -> None:
    event = ev.OrderReported(report=a_report(price=None))
    assert "10 shares at a price not told yet" in told(event).message


def test_a_strange_answer_is_told_in_the_brokers_words() -> None:
    report = a_report(status=OrderStatus.UNKNOWN, filled=0, raw="held for review", replaced_by="B-2")
    message = told(ev.OrderReported(report=report)).message
    assert message.endswith("(the broker's words: held for review)")
    assert "replaced by B-2" in message


def test_orders_are_named_by_their_line() -> None:
    message = told(of_order(ev.OrderRefused, detail="no", raw="{}"), an_order_recorded()).message
    assert message == (
        "BUY SPY: refused by the broker: DEADLINE: no (the broker's words: {}), order pf-SPY-1"
    )


@pytest.mark.parametrize(
    ("allotted", "level", "says"),
    [
        ("1000", "INFO", "$2,000.00 for 2 buys, from $5,000.00 cash"),
        ("900", "WARNING", "cut, $2,000.00 was planned, $4,975.00 may be spent"),
    ],
)
def test_money_that_does_not_suffice_is_a_warning(allotted: str, level: str, says: str) -> None:
    event = ev.FundsAllotted(
        cash_usd=Money(Decimal(5000)),
        budget_usd=Money(Decimal(4975)),
        allotted={"SPY": Money(Decimal(allotted)), "QQQ": Money(Decimal(1000))},
    )
    assert told(event).level == level
    assert says in told(event).message


def test_a_line_that_is_not_sent_says_why() -> None:
    event = ev.LineClosed(symbol="SPY", reason=Reason.NO_PRICE, detail="no source quotes it")
    assert told(event) == Told("WARNING", "BUY SPY: not sent: NO_PRICE: no source quotes it", "SPY", None)


FOREIGN = Difference(kind=Discrepancy.FOREIGN_ORDER, symbol="SPY", ours="none", theirs="1 order")
CASH = Difference(kind=Discrepancy.CASH, ours="$1.00", theirs="$2.00")


@pytest.mark.parametrize(
    ("differences", "level", "says"),
    [
        ((), "INFO", "the broker's record is what ours is"),
        ((FOREIGN,), "WARNING", "FOREIGN_ORDER SPY: ours none, theirs 1 order"),
        ((FOREIGN, CASH), "ERROR", "CASH: ours $1.00, theirs $2.00"),
    ],
    ids=["none", "foreign", "ours"],
)
def test_a_comparison_is_as_grave_as_its_differences(
    differences: tuple[Difference, ...], level: str, says: str
) -> None:
    line = told(ev.Reconciled(differences=differences))
    assert line.level == level
    assert says in line.message


@pytest.mark.parametrize(
    ("report", "word"), [(a_report(), "FILLED"), (None, "never placed")], ids=["filled", "never placed"]
)
def test_what_an_operator_says_is_told_with_the_evidence(report: ExecutionReport | None, word: str) -> None:
    event = ev.OrderResolved(client_order_id=ORDER, by="ann", evidence="the statement", report=report)
    line = told(event, an_order_recorded())
    assert line.level == "WARNING"
    assert line.message == f"BUY SPY: resolved by ann as {word}: the statement, order pf-SPY-1"


def test_a_wish_to_cancel_says_whose_it_is() -> None:
    line = told(ev.CancelAsked(plan_id="plan-1", by="ann", detail="wrong plan"))
    assert line == Told("WARNING", "plan plan-1 is to stop, asked by ann: wrong plan")


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            ev.Halted(by="ann", reason="odd prices", reduce_only=False),
            "halted by ann, nothing is sent: odd prices",
        ),
        (
            ev.Halted(by="ann", reason="odd prices", reduce_only=True),
            "halted by ann, nothing is bought: odd prices",
        ),
        (ev.Unhalted(by="bob", reason="all well"), "halt lifted by bob: all well"),
        (
            ev.StageChanged(stage=Stage.LIVE, step=1, reason="5 clean executions"),
            "the account is at stage live, step 2 of the ramp now: 5 clean executions",
        ),
        (
            ev.StageChanged(
                stage=Stage.CANARY, by="ann", reason="in a hurry", overridden=True, evidence=("0 of 5",)
            ),
            "the account is at stage canary now by ann: in a hurry, OVERRIDDEN, against 0 of 5",
        ),
        (ev.StopRequested(reason=Reason.HALTED, detail="why"), "stopping: HALTED: why"),
        (
            ev.StopRequested(reason=Reason.HALTED, detail="why", only_buys=True),
            "buying nothing more: HALTED: why",
        ),
    ],
)
def test_a_halt_says_whose_it_is_and_what_it_stops(event: ev.Event, message: str) -> None:
    assert told(event) == Told("WARNING", message)


def test_an_alert_names_its_symbol() -> None:
    event = ev.Alerted(severity=ev.Severity.WARNING, reason=Reason.LATE_FILL, detail="d", symbol="SPY")
    assert told(event).message == "SPY: LATE_FILL: d"


def test_what_an_order_is_about_is_unknown_where_its_beginning_is() -> None:
    event = of_order(ev.OrderUnresolved, detail="504")
    (recorded,) = numbered(event)
    assert tell(recorded, Story()).message == "UNRESOLVED: DEADLINE: 504, order pf-SPY-1"


def test_every_broken_rule_is_told_in_one_line() -> None:
    broken = (
        BrokenRule(symbol="", rule=Reason.MARKET_CLOSED, detail="the market is closed", remedy="wait"),
        BrokenRule(symbol="SPY", rule=Reason.NOT_TRADABLE, detail="", remedy="leave it out"),
    )
    assert told(ev.RulesBroken(broken=broken)).message == (
        "2 rules would be broken: MARKET_CLOSED: the market is closed; SPY NOT_TRADABLE"
    )


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"clean": True}, Told("INFO", "plan plan-1 compared with shadow old: clean")),
        (
            {"trouble": "it hung"},
            Told("WARNING", "plan plan-1 compared with shadow old: it failed: it hung"),
        ),
        (
            {"differences": (ShadowDifference(symbol="SPY", field=ShadowField.SIDE, ours="B", theirs="?"),)},
            Told("WARNING", "plan plan-1 compared with shadow old: SPY side: ours B, theirs ?"),
        ),
    ],
)
def test_a_shadow_run_says_what_differs(fields: dict[str, Any], line: Told) -> None:
    whole = {"plan_id": "plan-1", "against": "old", "executed_at": START, "clean": False, **fields}
    assert told(ev.ShadowCompared.model_validate(whole)) == line


def test_what_was_asked_is_told_for_who_wants_to_know() -> None:
    calls = (
        CallCount(call="get_account", status="ok", calls=1),
        CallCount(call="place_order", status="BrokerUnavailable", calls=2),
    )
    rest = "1 sent again, 3 waits for its rate (0.25 s), 7 commits"
    counted = ev.CallsCounted(calls=calls, resent=1, waits=3, waited_s=0.25, commits=7)
    asked = "get_account ok 1, place_order BrokerUnavailable 2"
    assert told(counted) == Told("DEBUG", f"asked the broker: {asked}; {rest}")
    assert told(ev.CallsCounted()).message.startswith("asked the broker: nothing; 0 sent again")
