"""
FIX's order state change matrices: what is said of an order, one row a story, and what comes of it.

Each step of a row is what the broker lists then (status, filled, and by what it was replaced), or a cancel of
ours. After each step the phase is compared; after the last, the outcome, what is left of ten shares, and whom
it alerted. The numbers in brackets are those of the incidents that a row comes from.
"""

from decimal import Decimal
from typing import Any, Final, NamedTuple

import pytest
from figures import figures

from planfill.domain.accounting import line_result
from planfill.domain.events import Alerted, CancelRequested, Event, OrderReported
from planfill.domain.following import given_up, news
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.state import ExecutionState, Phase
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import a_report, a_state, an_order, an_order_recorded, numbered
from planfill.testing.clock import START

NAME: Final = ClientOrderId("pf-SPY-1")
S, P, L, R = OrderStatus, Phase, LineOutcome, Reason
W, E = Phase.WORKING, Phase.ENDED


class Cancel(NamedTuple):
    """Our cancel, and the broker's answer that it took it; or that it was too late, which says no more."""


class Row(NamedTuple):
    story: str
    steps: list[tuple[Any, ...] | Cancel]
    phases: list[Phase]
    outcome: LineOutcome
    reason: Reason | None = None
    left: int = 0
    alerts: tuple[Reason, ...] = ()


def listed(status: OrderStatus, filled: int, *replacements: tuple[OrderStatus, int]) -> list[ExecutionReport]:
    """Give the list: our order, and the chain of what it was replaced by, (status, filled) each."""
    numbers = [f"broker-{NAME}", *(f"other-{n}" for n, _ in enumerate(replacements))]
    reports = []
    for place, (number, said) in enumerate(zip(numbers, [(status, filled), *replacements], strict=True)):
        named = an_order(client_order_id=NAME if not place else f"somebody-{place}")
        after = numbers[place + 1] if place + 1 < len(numbers) else None
        gone = f"{number}-gone" if said[0] is S.REPLACED and after is None else None
        reports.append(a_report(named, *said, broker_order_id=number, replaced_by=after or gone))
    return reports[::-1]


def tell(state: ExecutionState, events: list[Event]) -> None:
    for recorded in numbered(*events, after=state.number):
        state.apply(recorded)


REPLACED_BY_SIX: Final = (S.REPLACED, 4, (S.FILLED, 6))
ROWS: Final = [
    Row("filled during the pending cancel (5, scenario 3)",
        [(S.NEW, 0), Cancel(), (S.PENDING_CANCEL, 4), (S.FILLED, 10)], [W, W, W, E], L.FILLED),
    Row("filled in part during the pending cancel (5, scenario 4)",
        [(S.NEW, 0), Cancel(), (S.PENDING_CANCEL, 4), (S.CANCELED, 4)], [W, W, W, E],
        L.PARTIALLY_FILLED, R.DEADLINE, 6),
    Row("canceled as asked", [(S.NEW, 0), Cancel(), (S.CANCELED, 0)], [W, W, E], L.UNFILLED, R.DEADLINE, 10),
    Row("too late to cancel: it had filled (5)", [(S.NEW, 0), Cancel(), (S.FILLED, 10)], [W, W, E], L.FILLED),
    Row("too late to cancel: it had been rejected",
        [(S.NEW, 0), Cancel(), (S.REJECTED, 0)], [W, W, E], L.REJECTED, R.DEADLINE, 10),
    Row("the cancel is never confirmed", [(S.NEW, 0), Cancel(), (S.PENDING_CANCEL, 0)], [W, W, W],
        L.UNRESOLVED, R.CANCEL_UNCONFIRMED, 10),
    Row("expired with a part filled", [(S.PARTIALLY_FILLED, 4), (S.EXPIRED, 4)], [W, E],
        L.PARTIALLY_FILLED, R.EXPIRED, 6),
    Row("done for the day with a part filled", [(S.PARTIALLY_FILLED, 4), (S.DONE_FOR_DAY, 4)], [W, E],
        L.PARTIALLY_FILLED, R.EXPIRED, 6),
    Row("canceled by somebody", [(S.NEW, 0), (S.CANCELED, 0)], [W, E], L.UNFILLED, R.CANCELED, 10),
    Row("canceled by somebody with a part filled", [(S.PARTIALLY_FILLED, 4), (S.CANCELED, 4)], [W, E],
        L.PARTIALLY_FILLED, R.CANCELED, 6),
    Row("a late fill after its end", [(S.CANCELED, 4), (S.CANCELED, 7)], [E, E],
        L.PARTIALLY_FILLED, R.CANCELED, 3, (R.LATE_FILL,)),
    Row("a late fill that opens it again", [(S.CANCELED, 0), (S.PARTIALLY_FILLED, 4), (S.FILLED, 10)],
        [E, W, E], L.FILLED, None, 0, (R.LATE_FILL,)),
    Row("rejected after it had been taken", [(S.NEW, 0), (S.REJECTED, 0)], [W, E],
        L.REJECTED, R.REJECTED, 10),
    Row("suspended, and traded again", [(S.NEW, 0), (S.SUSPENDED, 0), (S.FILLED, 10)], [W, W, E], L.FILLED),
    Row("a status from the future (2, scenario 10)", [(S.UNKNOWN, 0), (S.UNKNOWN, 4), (S.FILLED, 10)],
        [W, W, E], L.FILLED),
    Row("said twice (6, scenario 13)", [(S.PARTIALLY_FILLED, 4), (S.PARTIALLY_FILLED, 4), (S.FILLED, 10),
        (S.FILLED, 10)], [W, W, E, E], L.FILLED),
    Row("said in the wrong order (6, scenario 13)",
        [(S.FILLED, 10), (S.PARTIALLY_FILLED, 4), (S.NEW, 0), (S.CANCELED, 4)], [E, E, E, E], L.FILLED),
    Row("replaced by somebody, and the replacement fills",
        [(S.PARTIALLY_FILLED, 4), (S.REPLACED, 4, (S.NEW, 0)), REPLACED_BY_SIX], [W, W, E],
        L.FILLED, None, 0, (R.REPLACED,)),
    Row("replaced twice", [(S.REPLACED, 4, (S.REPLACED, 3), (S.NEW, 0)),
        (S.REPLACED, 4, (S.REPLACED, 3), (S.FILLED, 3))], [W, E], L.FILLED, None, 0, (R.REPLACED,)),
    Row("replaced by an order for less", [(S.REPLACED, 4, (S.FILLED, 2))], [E],
        L.PARTIALLY_FILLED, R.REPLACED, 4, (R.REPLACED,)),
    Row("replaced by an order for more", [(S.REPLACED, 4, (S.FILLED, 16))], [E],
        L.FILLED, None, -10, (R.REPLACED,)),
    Row("replaced, and the replacement is canceled", [(S.REPLACED, 4, (S.CANCELED, 1))], [E],
        L.PARTIALLY_FILLED, R.CANCELED, 5, (R.REPLACED,)),
    Row("replaced, and the replacement works on", [(S.REPLACED, 4, (S.NEW, 0))], [W],
        L.UNRESOLVED, R.REPLACED, 6, (R.REPLACED,)),
    Row("replaced, by what is not listed", [(S.NEW, 0), (S.REPLACED, 4)], [W, W],
        L.UNRESOLVED, R.REPLACED, 6),
    Row("replaced before anything filled, by what is not listed", [(S.NEW, 0), (S.REPLACED, 0)], [W, W],
        L.UNRESOLVED, R.REPLACED, 10),
    Row("busted after its end: what is recorded stands, and the reconciliation says what differs",
        [(S.FILLED, 10), (S.FILLED, 7), (S.CANCELED, 0)], [E, E, E], L.FILLED),
    Row("busted while it works: how it ended is in doubt", [(S.PARTIALLY_FILLED, 4), (S.CANCELED, 0)], [W, W],
        L.UNRESOLVED, R.CANCEL_UNCONFIRMED, 6),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.story)
def test_an_order_comes_to_where_its_reports_lead(row: Row) -> None:
    state, alerts, phases = a_state(an_order_recorded()), [], []
    for step in row.steps:
        if isinstance(step, Cancel):
            events: list[Event] = [CancelRequested(client_order_id=NAME, reason=Reason.DEADLINE)]
        else:
            events = list(news(state, listed(*step)))
        tell(state, events)
        alerts += [event.reason for event in events if isinstance(event, Alerted)]
        phases.append(state.orders[NAME].phase)
    assert phases == row.phases

    long_silence = list(given_up(state, START.replace(year=START.year + 1), 30))
    tell(state, long_silence)
    line = line_result(state.lines["SPY"])
    assert (line.outcome, line.reason) == (row.outcome, row.reason)
    assert 10 - line.filled_quantity == row.left
    assert tuple(alerts) == row.alerts
    assert line.planned_usd == line.filled_usd + line.residual_usd
    assert line.filled_usd == 100 * line.filled_quantity


def test_a_replacement_that_fills_costs_what_both_have_cost() -> None:
    state = a_state(an_order_recorded())
    ours = a_report(None, S.REPLACED, 4, 100, replaced_by="B-2", fees_usd=Decimal(1))
    other = a_report(
        an_order(client_order_id="x"), S.FILLED, 6, 105, broker_order_id="B-2", fees_usd=Decimal(2)
    )
    told, alert = news(state, [ours, other])
    assert isinstance(told, OrderReported)
    assert figures(told.report.average_price, told.report.fees_usd) == (103, 3)
    assert (told.report.client_order_id, told.report.broker_order_id) == (NAME, ours.broker_order_id)
    assert isinstance(alert, Alerted)
    assert alert.detail == "pf-SPY-1 was replaced by somebody: B-2, which is followed"


@pytest.mark.parametrize("unpriced", ["ours", "theirs"])
def test_a_replacement_is_priced_when_both_are(unpriced: str) -> None:
    price = {"ours": 100, "theirs": 105} | {unpriced: None}
    ours = a_report(None, S.REPLACED, 4, price["ours"], replaced_by="B-2", fees_usd=Decimal(1))
    other = a_report(an_order(client_order_id="x"), S.FILLED, 6, price["theirs"], broker_order_id="B-2")
    (told, _) = news(a_state(an_order_recorded()), [ours, other])
    assert isinstance(told, OrderReported)
    assert (told.report.average_price, told.report.fees_usd) == (None, None)


def test_what_a_list_says_twice_is_told_once_and_alerts_once() -> None:
    ended = a_state(an_order_recorded(), OrderReported(report=a_report(None, S.CANCELED, 4)))
    late, later = a_report(None, S.CANCELED, 5), a_report(None, S.CANCELED, 7)
    found = list(news(ended, [late, late, later, late, later]))
    assert [event.report for event in found if isinstance(event, OrderReported)] == [late, later]
    assert [event.reason for event in found if isinstance(event, Alerted)] == [R.LATE_FILL, R.LATE_FILL]


def test_an_old_word_about_a_replacement_takes_nothing_from_what_it_filled() -> None:
    ours = a_report(None, S.REPLACED, 4, replaced_by="B-2")
    theirs = an_order(client_order_id="x")
    filled, new = (
        a_report(theirs, status, quantity, broker_order_id="B-2")
        for status, quantity in ((S.FILLED, 6), (S.NEW, 0))
    )
    told, _ = news(a_state(an_order_recorded()), [ours, filled, new])
    assert isinstance(told, OrderReported)
    assert told.report.filled_quantity == 10


def test_what_replaces_an_order_is_of_the_same_symbol_and_side() -> None:
    ours = a_report(None, S.REPLACED, 4, replaced_by="B-2")
    other = a_report(an_order("QQQ", client_order_id="x"), S.FILLED, 6, broker_order_id="B-2")
    assert list(news(a_state(an_order_recorded()), [ours, other])) == [OrderReported(report=ours)]
