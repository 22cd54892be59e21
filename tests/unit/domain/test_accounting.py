from decimal import Decimal
from typing import Final

import pytest
from figures import figures

from planfill.domain.accounting import line_result
from planfill.domain.events import (
    CancelRequested,
    Event,
    FundsAllotted,
    LineClosed,
    OrderDoubted,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
)
from planfill.domain.order import OrderType
from planfill.domain.outcome import LineOutcome, Reason, Residual
from planfill.domain.plan import PlanItem
from planfill.domain.report import OrderStatus
from planfill.domain.result import OrderResult
from planfill.domain.sizing import Sizing
from planfill.domain.state import LineState
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import (
    Number,
    a_plan,
    a_report,
    a_sizing,
    a_state,
    an_item,
    an_order,
    an_order_recorded,
)

S = OrderStatus
NAME: Final = ClientOrderId("pf-SPY-1")
DOUBTED: Final = OrderDoubted(client_order_id=NAME, reason=Reason.OUTCOME_UNKNOWN, detail="?")
UNRESOLVED: Final = OrderUnresolved(client_order_id=NAME, reason=Reason.CANCEL_UNCONFIRMED, detail="silence")


def dollars(**amounts: Number) -> dict[Residual, Money]:
    return {Residual(cause): Money(Decimal(amount)) for cause, amount in amounts.items()}


def reported(status: OrderStatus, filled: Number, price: Number | None = 100) -> OrderReported:
    return OrderReported(report=a_report(None, status, filled, price))


def not_sent(reason: Reason) -> OrderNotSent:
    return OrderNotSent(client_order_id=NAME, reason=reason, detail="why")


def result_of(*events: Event, item: PlanItem | None = None) -> OrderResult:
    item = item or an_item()
    result = line_result(a_state(*events, plan=a_plan(item)).lines[item.symbol])
    # Always: no dollar is lost, and none is counted twice.
    assert result.planned_usd == item.planned_usd
    assert result.residual_usd == sum(result.residuals.values())
    assert result.planned_usd == result.filled_usd + result.residual_usd
    assert all(result.residuals.values())
    return result


def traded(*events: Event, sizing: Sizing | None = None, item: PlanItem | None = None) -> OrderResult:
    """Give what became of a line whose order of 10 shares at $100 was recorded."""
    return result_of(an_order_recorded(sizing=sizing), *events, item=item)


# --- without an order -----------------------------------------------------------------------------


def test_a_hold_plans_nothing_and_leaves_nothing() -> None:
    result = result_of(item=an_item("SPY", "HOLD", 500))
    assert (result.outcome, result.reason, result.residuals) == (LineOutcome.HOLD, None, {})
    assert figures(result.planned_usd, result.filled_usd, result.filled_quantity) == (0, 0, 0)
    assert (result.client_order_id, result.broker_order_id, result.order_type, result.planned_quantity) == (
        None,
    ) * 4
    assert (result.average_price, result.arrival_price, result.price_source) == (None,) * 3


@pytest.mark.parametrize(
    ("reason", "outcome", "cause"),
    [
        (Reason.NO_PRICE, LineOutcome.SKIPPED, Residual.SKIPPED),
        (Reason.BELOW_MINIMUM, LineOutcome.SKIPPED, Residual.DUST),
        (Reason.ROUNDS_TO_ZERO, LineOutcome.SKIPPED, Residual.ROUNDING),
        (Reason.NOT_HELD, LineOutcome.SKIPPED, Residual.HOLDING),
        (Reason.NO_FUNDS, LineOutcome.BLOCKED, Residual.FUNDING),
        (Reason.HALTED, LineOutcome.BLOCKED, Residual.BLOCKED),
        (Reason.REPLACED, LineOutcome.BLOCKED, Residual.BLOCKED),
    ],
)
def test_a_closed_line_leaves_all_its_dollars_to_the_cause(
    reason: Reason, outcome: LineOutcome, cause: Residual
) -> None:
    result = result_of(LineClosed(symbol="SPY", reason=reason, detail="why"))
    assert (result.outcome, result.reason, result.detail) == (outcome, reason, "why")
    assert result.residuals == {cause: 1000}
    assert (result.symbol, result.action) == ("SPY", "BUY")


def test_a_line_of_nothing_leaves_nothing() -> None:
    result = result_of(LineClosed(symbol="SPY", reason=Reason.AMOUNT_ZERO), item=an_item(trade_amount=0))
    assert (result.outcome, result.residuals) == (LineOutcome.SKIPPED, {})


def test_a_line_that_was_not_taken_up_was_interrupted() -> None:
    result = result_of()
    assert (result.outcome, result.reason) == (LineOutcome.BLOCKED, Reason.INTERRUPTED)
    assert result.residuals == dollars(blocked=1000)


def test_a_closed_line_that_was_cut_before_leaves_both() -> None:
    usd = Money(Decimal(600))
    funds = FundsAllotted(cash_usd=usd, budget_usd=usd, allotted={"SPY": usd})
    result = result_of(funds, LineClosed(symbol="SPY", reason=Reason.STALE_PRICE))
    assert result.residuals == dollars(funding=400, skipped=600)
    broke = result_of(funds, LineClosed(symbol="SPY", reason=Reason.NO_FUNDS))
    assert broke.residuals == dollars(funding=1000)


def test_a_line_that_was_cut_to_nothing_leaves_all_to_funding() -> None:
    nothing = Money(Decimal(0))
    funds = FundsAllotted(cash_usd=nothing, budget_usd=nothing, allotted={"SPY": nothing})
    assert result_of(funds, LineClosed(symbol="SPY", reason=Reason.HALTED)).residuals == dollars(funding=1000)


# --- the ends of an order -------------------------------------------------------------------------


def test_a_filled_line_says_all_about_its_order() -> None:
    result = traded(reported(S.FILLED, 10, "100.05"))
    assert result == OrderResult(
        symbol="SPY",
        action=an_item().action,
        outcome=LineOutcome.FILLED,
        client_order_id=NAME,
        broker_order_id=a_report().broker_order_id,
        order_type=OrderType.MARKET,
        planned_usd=Money(Decimal(1000)),
        planned_quantity=an_order().quantity,
        filled_usd=Money(Decimal("1000.50")),
        filled_quantity=a_report().filled_quantity,
        average_price=a_report(price="100.05").average_price,
        arrival_price=a_sizing().arrival_price,
        price_source="test",
        residual_usd=Money(Decimal("-0.50")),
        residuals=dollars(price="-0.50"),
    )


@pytest.mark.parametrize(
    ("events", "outcome", "reason", "residuals"),
    [
        ([], LineOutcome.UNRESOLVED, None, dollars(unresolved=1000)),
        ([DOUBTED], LineOutcome.UNRESOLVED, Reason.OUTCOME_UNKNOWN, dollars(unresolved=1000)),
        ([UNRESOLVED], LineOutcome.UNRESOLVED, Reason.CANCEL_UNCONFIRMED, dollars(unresolved=1000)),
        ([reported(S.NEW, 0)], LineOutcome.UNRESOLVED, None, dollars(unresolved=1000)),
        ([reported(S.PARTIALLY_FILLED, 4)], LineOutcome.UNRESOLVED, None, dollars(unresolved=600)),
        (
            [reported(S.PARTIALLY_FILLED, 4), UNRESOLVED],
            LineOutcome.UNRESOLVED,
            Reason.CANCEL_UNCONFIRMED,
            dollars(unresolved=600),
        ),
        ([reported(S.FILLED, 10, None)], LineOutcome.UNRESOLVED, None, dollars(unresolved=1000)),
        ([reported(S.FILLED, 10)], LineOutcome.FILLED, None, {}),
        ([reported(S.FILLED, 10, 101)], LineOutcome.FILLED, None, dollars(price=-10)),
        ([reported(S.CANCELED, 4)], LineOutcome.PARTIALLY_FILLED, Reason.CANCELED, dollars(unfilled=600)),
        (
            [reported(S.CANCELED, 4, 99)],
            LineOutcome.PARTIALLY_FILLED,
            Reason.CANCELED,
            dollars(unfilled=600, price=4),
        ),
        ([reported(S.CANCELED, 0)], LineOutcome.UNFILLED, Reason.CANCELED, dollars(unfilled=1000)),
        ([reported(S.EXPIRED, 0)], LineOutcome.UNFILLED, Reason.EXPIRED, dollars(unfilled=1000)),
        ([reported(S.REJECTED, 0)], LineOutcome.REJECTED, Reason.REJECTED, dollars(rejected=1000)),
        ([reported(S.REJECTED, 4)], LineOutcome.PARTIALLY_FILLED, Reason.REJECTED, dollars(rejected=600)),
        ([reported(S.CANCELED, 10)], LineOutcome.FILLED, Reason.CANCELED, {}),
        ([reported(S.FILLED, 11)], LineOutcome.FILLED, None, dollars(unfilled=-100)),
        ([reported(S.FILLED, 4)], LineOutcome.PARTIALLY_FILLED, None, dollars(unfilled=600)),
        ([reported(S.CANCELED, 4), reported(S.FILLED, 10)], LineOutcome.FILLED, None, {}),
        ([not_sent(Reason.HALTED)], LineOutcome.BLOCKED, Reason.HALTED, dollars(blocked=1000)),
        ([not_sent(Reason.DEADLINE)], LineOutcome.BLOCKED, Reason.DEADLINE, dollars(blocked=1000)),
        ([not_sent(Reason.STALE_PRICE)], LineOutcome.SKIPPED, Reason.STALE_PRICE, dollars(skipped=1000)),
        ([not_sent(Reason.NOT_HELD)], LineOutcome.SKIPPED, Reason.NOT_HELD, dollars(holding=1000)),
        ([not_sent(Reason.NO_FUNDS)], LineOutcome.BLOCKED, Reason.NO_FUNDS, dollars(funding=1000)),
    ],
    ids=["recorded", "doubted", "unresolved", "new", "part working", "part unresolved", "unpriced", "filled",
         "dearer", "part canceled", "part canceled cheaper", "canceled", "expired", "rejected",
         "part rejected", "canceled when filled", "overfilled", "filled short", "late fill", "halted",
         "deadline", "stale", "not held", "no funds"],
)  # fmt: skip
def test_an_order_ends_a_line_so_and_leaves_its_dollars_there(
    events: list[Event], outcome: LineOutcome, reason: Reason | None, residuals: dict[Residual, Money]
) -> None:
    result = traded(*events)
    assert (result.outcome, result.reason, result.residuals) == (outcome, reason, residuals)


def test_a_refused_order_is_a_rejected_line_without_a_broker_order_id() -> None:
    result = traded(OrderRefused(client_order_id=NAME, reason=Reason.NOT_FRACTIONABLE, detail="no", raw="{}"))
    assert (result.outcome, result.reason, result.detail) == (
        LineOutcome.REJECTED,
        Reason.NOT_FRACTIONABLE,
        "no",
    )
    assert figures(result.broker_order_id, result.average_price, result.filled_quantity) == (None, None, 0)
    assert result.residuals == dollars(rejected=1000)


def test_a_refused_order_that_filled_nevertheless_is_a_filled_line() -> None:
    refused = OrderRefused(client_order_id=NAME, reason=Reason.REJECTED, detail="no")
    assert traded(refused, reported(S.FILLED, 10)).outcome is LineOutcome.FILLED


def test_a_fill_without_a_price_is_worth_nothing_yet_and_keeps_its_shares() -> None:
    result = traded(reported(S.FILLED, 10, None))
    assert figures(result.filled_quantity, result.filled_usd, result.average_price) == (10, 0, None)


def test_a_canceled_line_says_why_it_was_canceled() -> None:
    cancel = CancelRequested(client_order_id=NAME, reason=Reason.DEADLINE)
    assert traded(cancel, reported(S.CANCELED, 4)).reason is Reason.DEADLINE


# --- what sizing left -----------------------------------------------------------------------------


def test_each_rung_of_the_sizing_is_a_residual_of_its_own() -> None:
    sizing = a_sizing(
        5,
        allotted_usd=Decimal(900),
        intended_usd=Decimal(890),
        available_usd=Decimal(560),
        reason=Reason.FUNDS_CUT,
    )
    result = traded(reported(S.CANCELED, 3, "99.50"), sizing=sizing)
    assert result.residuals == dollars(funding=100, price="11.50", holding=330, rounding=60, unfilled=200)
    assert result.filled_usd == Decimal("298.50")
    assert figures(result.planned_quantity, result.outcome) == (5, LineOutcome.PARTIALLY_FILLED)


def test_the_reason_of_the_sizing_is_told_where_the_order_has_none() -> None:
    sizing = a_sizing(10, reason=Reason.MORE_HELD_THAN_PLANNED)
    assert traded(reported(S.FILLED, 10), sizing=sizing).reason is Reason.MORE_HELD_THAN_PLANNED
    assert traded(reported(S.EXPIRED, 4), sizing=sizing).reason is Reason.EXPIRED


def test_a_full_exit_of_more_than_planned_leaves_a_negative_holding() -> None:
    sizing = a_sizing(10, allotted_usd=Decimal(980), intended_usd=Decimal(980))
    result = traded(reported(S.FILLED, 10), sizing=sizing, item=an_item("SPY", "SELL", 980, target_weight=0))
    assert (result.outcome, result.residuals) == (LineOutcome.FILLED, dollars(holding=-20))


def test_a_cause_of_its_own_and_one_of_the_sizing_are_added_up() -> None:
    sizing = a_sizing(7, intended_usd=Decimal(1000), allotted_usd=Decimal(1000))
    assert traded(not_sent(Reason.NOT_HELD), sizing=sizing).residuals == dollars(holding=1000)


# --- several attempts -----------------------------------------------------------------------------


def attempts(*reports: tuple[OrderStatus, int, Number | None]) -> LineState:
    events: list[Event] = []
    for number, (status, filled, price) in enumerate(reports, start=1):
        order = an_order(client_order_id=f"pf-SPY-{number}", quantity=10)
        events += [an_order_recorded(order), OrderReported(report=a_report(order, status, filled, price))]
    return a_state(*events).lines["SPY"]


def test_the_fills_of_several_orders_add_up_to_the_first_sizing() -> None:
    result = line_result(attempts((S.CANCELED, 4, 100), (S.FILLED, 6, 105)))
    assert figures(result.outcome, result.filled_quantity, result.filled_usd) == (
        LineOutcome.FILLED,
        10,
        1030,
    )
    assert result.average_price == 103
    assert result.residuals == dollars(price=-30)
    assert result.client_order_id == "pf-SPY-2"


def test_of_several_orders_of_which_none_filled_there_is_no_average_price() -> None:
    result = line_result(attempts((S.CANCELED, 0, None), (S.CANCELED, 0, None)))
    assert (result.outcome, result.average_price) == (LineOutcome.UNFILLED, None)


def test_of_several_orders_of_which_one_is_unpriced_there_is_no_average_price() -> None:
    result = line_result(attempts((S.CANCELED, 4, 100), (S.FILLED, 6, None)))
    assert (result.outcome, result.average_price) == (LineOutcome.UNRESOLVED, None)
    assert figures(result.filled_quantity, result.filled_usd, result.residuals) == (
        10,
        400,
        dollars(unresolved=600),
    )
