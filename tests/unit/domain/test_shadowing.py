"""A shadow's orders beside ours: what differs, what cannot be compared, which days were clean."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from planfill.domain import events as ev
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome
from planfill.domain.shadow import ShadowDifference, ShadowField, ShadowOrder, Tolerances
from planfill.domain.shadowing import clean_days, compare_orders, latest_runs, orders_of
from planfill.domain.values import Money, Price, Quantity
from planfill.testing.builders import a_plan, a_report, a_state, an_item, an_order_recorded
from planfill.testing.clock import START

WHOLE: dict[str, Any] = {
    "symbol": "SPY",
    "side": Side.BUY,
    "quantity": Quantity(Decimal(10)),
    "price": Price(Decimal(100)),
    "dollars": Money(Decimal(1000)),
    "time": START,
    "outcome": LineOutcome.FILLED,
}
UNFILLED: dict[str, Any] = {
    "quantity": Quantity(Decimal(0)),
    "price": None,
    "dollars": Money(Decimal(0)),
    "time": None,
    "outcome": LineOutcome.UNFILLED,
}
SHOWN = "{:%Y-%m-%d %H:%M:%S} UTC".format
FIELDS = tuple(field for field in ShadowField if field is not ShadowField.LINE)


def an_order(**fields: Any) -> ShadowOrder:
    return ShadowOrder.model_validate({**WHOLE, **fields})


def differences(ours: list[ShadowOrder], theirs: list[ShadowOrder]) -> list[str]:
    return [str(one) for one in compare_orders(ours, theirs, Tolerances()).differences]


def test_what_an_execution_did_is_told_line_by_line() -> None:
    plan = a_plan(an_item("SPY", "BUY", 1000), an_item("QQQ", "SELL", 500), an_item("IWM", "HOLD", 0))
    recorded = an_order_recorded()
    report = ev.OrderReported(report=a_report(filled="2.5"))
    spy, qqq = orders_of(a_state(recorded, report, plan=plan))
    assert (spy.symbol, spy.side, spy.quantity, spy.time) == (
        "SPY", Side.BUY, Decimal("2.5"), report.report.reported_at,
    )  # fmt: skip
    assert spy.traded
    assert (qqq.symbol, qqq.side, qqq.quantity, qqq.time) == ("QQQ", Side.SELL, Decimal(0), None)
    assert not qqq.traded


def test_the_same_orders_differ_in_nothing() -> None:
    verdict = compare_orders([an_order()], [an_order()], Tolerances())
    assert (verdict.differences, verdict.compared_fields, verdict.lines) == ((), FIELDS, 1)


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        ({}, {"side": None}, "ours told, theirs neither its side with its quantity nor with its dollars"),
        (
            {},
            {"quantity": None, "dollars": None},
            "ours told, theirs neither its side with its quantity nor with its dollars",
        ),
        (UNFILLED, {}, "ours not traded, theirs BUY 10 shares"),
        ({}, UNFILLED, "ours BUY 10 shares, theirs not traded"),
    ],
)
def test_a_line_of_which_too_little_is_told_or_that_one_side_traded_differs(
    ours: dict[str, Any], theirs: dict[str, Any], told: str
) -> None:
    assert f"SPY line: {told}" in differences([an_order(**ours)], [an_order(**theirs)])


@pytest.mark.parametrize(
    ("within", "beyond", "told"),
    [
        ({}, {"side": Side.SELL}, "SPY side: ours BUY, theirs SELL"),
        (
            {"quantity": Quantity(Decimal("10.05"))}, {"quantity": Quantity(Decimal("10.06"))},
            "SPY quantity: ours 10 shares, theirs 10.06 shares",
        ),
        (
            {"dollars": Money(Decimal(995))}, {"dollars": Money(Decimal("994.99"))},
            "SPY dollars: ours $1000, theirs $994.99",
        ),
        (
            {"price": Price(Decimal("100.25"))}, {"price": Price(Decimal("100.26"))},
            "SPY price: ours $100, theirs $100.26",
        ),
        (
            {"time": START + timedelta(seconds=300)}, {"time": START - timedelta(seconds=301)},
            f"SPY time: ours {SHOWN(START)}, theirs {SHOWN(START - timedelta(seconds=301))}",
        ),
        (
            {}, {"outcome": LineOutcome.PARTIALLY_FILLED},
            "SPY outcome: ours FILLED, theirs PARTIALLY_FILLED",
        ),
    ],
    ids=FIELDS,
)  # fmt: skip
def test_a_field_differs_beyond_its_tolerance(
    within: dict[str, Any], beyond: dict[str, Any], told: str
) -> None:
    assert differences([an_order()], [an_order(**within)]) == []
    assert differences([an_order()], [an_order(**beyond)]) == [told]


def test_what_one_side_does_not_tell_is_not_compared_and_said_so() -> None:
    bare = ShadowOrder(symbol="SPY", side=Side.BUY, quantity=Quantity(Decimal(10)))
    verdict = compare_orders([an_order()], [bare], Tolerances())
    assert verdict.differences == ()
    assert verdict.compared_fields == (ShadowField.SIDE, ShadowField.QUANTITY)


def test_a_field_that_is_told_of_some_lines_alone_does_not_count_as_compared() -> None:
    ours = [an_order(), an_order(symbol="QQQ")]
    theirs = [an_order(price=None), an_order(symbol="QQQ", price=Price(Decimal(200)))]
    verdict = compare_orders(ours, theirs, Tolerances())
    assert ShadowField.PRICE not in verdict.compared_fields
    assert [str(one) for one in verdict.differences] == ["QQQ price: ours $100, theirs $200"]


def test_what_neither_filled_has_no_price_to_compare() -> None:
    verdict = compare_orders([an_order(**UNFILLED)], [an_order(**UNFILLED)], Tolerances())
    assert (verdict.differences, verdict.compared_fields, verdict.lines) == ((), FIELDS, 0)


def test_a_line_that_one_side_alone_traded_is_a_difference() -> None:
    bare = ShadowOrder(symbol="IWM")
    assert differences([an_order()], []) == ["SPY line: ours BUY 10 shares, theirs not traded"]
    assert differences([], [bare]) == ["IWM line: ours not traded, theirs traded"]
    assert differences([an_order(**UNFILLED)], []) == []
    assert differences([], [ShadowOrder(symbol="IWM", outcome=LineOutcome.REJECTED)]) == []


def a_run(at: int = 0, **fields: Any) -> ev.Recorded:
    event = ev.ShadowCompared.model_validate(
        {
            "plan_id": "plan-1", "against": "old", "executed_at": START + timedelta(days=at),
            "clean": True, "lines": 1, **fields,
        }
    )  # fmt: skip
    return ev.Recorded("account/a", 1, START, "", event)


FOUND = (ShadowDifference(symbol="SPY", field=ShadowField.SIDE, ours="BUY", theirs="SELL"),)


def days(*runs: ev.Recorded) -> list[int]:
    first: date = START.date()
    return [(day - first).days for day in clean_days(runs)]


def test_a_day_is_clean_on_which_every_run_was() -> None:
    halt = ev.Recorded("account/a", 1, START, "", ev.Unhalted(by="me", reason=""))
    assert days(a_run(1), halt, a_run(0), a_run(1, plan_id="plan-2")) == [0, 1]
    assert days(a_run(0), a_run(0, plan_id="plan-2", clean=False, differences=FOUND)) == []


def test_a_day_on_which_nothing_was_traded_does_not_count() -> None:
    assert days(a_run(lines=0)) == []
    assert days(a_run(lines=0), a_run(plan_id="plan-2")) == [0]


def test_a_shadow_that_failed_may_be_asked_again_and_a_difference_stands() -> None:
    failed = a_run(clean=False, trouble="it hung")
    assert days(failed) == []
    assert days(failed, a_run()) == [0]
    different = a_run(clean=False, differences=FOUND)
    assert days(different, a_run()) == []
    assert latest_runs([failed, different, a_run()]) == (different.event,)
