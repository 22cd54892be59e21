from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from figures import figures

from planfill.domain.checks import Objection
from planfill.domain.errors import ExecutionError
from planfill.domain.events import (
    Event,
    FundsAllotted,
    LineClosed,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
    StopRequested,
)
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome, Reason, Residual
from planfill.domain.plan import Plan
from planfill.domain.report import OrderStatus
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.state import ExecutionState
from planfill.domain.summary import in_doubt, refusal, summarize
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import (
    PAPER,
    Number,
    a_plan,
    a_report,
    a_sizing,
    a_state,
    an_item,
    an_order,
    an_order_recorded,
)
from planfill.testing.clock import START

S = OrderStatus
X = ExecutionStatus
END: Final = START + timedelta(minutes=1)
HALT: Final = StopRequested(reason=Reason.HALTED, detail="halted by an operator")


def recorded(symbol: str = "SPY", side: Side = Side.BUY, **sizing: Any) -> Event:
    return an_order_recorded(an_order(symbol, side), a_sizing(10, **sizing))


def reported(
    symbol: str = "SPY",
    status: OrderStatus = S.FILLED,
    filled: Number = 10,
    price: Number | None = 100,
    **more: object,
) -> Event:
    return OrderReported(report=a_report(an_order(symbol), status, filled, price, **more))


def filled(symbol: str = "SPY") -> list[Event]:
    return [recorded(symbol), reported(symbol)]


def closed(symbol: str, reason: Reason) -> Event:
    return LineClosed(symbol=symbol, reason=reason)


def refused(symbol: str) -> Event:
    return OrderRefused(client_order_id=ClientOrderId(f"pf-{symbol}-1"), reason=Reason.REJECTED, detail="no")


def not_sent(symbol: str, reason: Reason = Reason.HALTED) -> Event:
    return OrderNotSent(client_order_id=ClientOrderId(f"pf-{symbol}-1"), reason=reason)


def unresolved(symbol: str) -> Event:
    name = ClientOrderId(f"pf-{symbol}-1")
    return OrderUnresolved(client_order_id=name, reason=Reason.OUTCOME_UNKNOWN, detail="?")


def two(*events: Event) -> ExecutionState:
    return a_state(*events, plan=a_plan(an_item("SPY"), an_item("QQQ")))


def status(state: ExecutionState) -> ExecutionStatus:
    return summarize(state, END).status


# --- the table of statuses, row by row ------------------------------------------------------------

HOLDS: Final = a_plan(an_item("H1", "HOLD"), an_item("H2", "HOLD", 5))
ZERO_AND_DUST: Final = a_plan(an_item("H1", "HOLD"), an_item("Z1", "BUY", 0), an_item("D1", "BUY", "0.50"))
NOTHING: Final = [closed("Z1", Reason.AMOUNT_ZERO), closed("D1", Reason.BELOW_MINIMUM)]


@pytest.mark.parametrize(
    ("plan", "events"),
    [(a_plan(), []), (HOLDS, []), (ZERO_AND_DUST, NOTHING)],
    ids=["no lines", "all hold", "zero and dust"],
)
def test_where_nothing_is_to_be_traded_there_is_nothing_to_do(plan: Plan, events: list[Event]) -> None:
    assert status(a_state(*events, plan=plan)) is X.NOTHING_TO_DO


def test_where_every_line_filled_the_plan_succeeded() -> None:
    assert status(two(*filled("SPY"), *filled("QQQ"))) is X.SUCCEEDED


def test_lines_of_nothing_and_holds_do_not_count_against_success() -> None:
    plan = a_plan(
        an_item("H1", "HOLD"), an_item("Z1", "BUY", 0), an_item("D1", "BUY", "0.50"), an_item("SPY")
    )
    assert status(a_state(*NOTHING, *filled("SPY"), plan=plan)) is X.SUCCEEDED


@pytest.mark.parametrize(
    "sizing",
    [
        {"available_usd": Decimal("1000.40")},
        {"intended_usd": Decimal(990), "available_usd": Decimal(990), "allotted_usd": Decimal(1000)},
        {"allotted_usd": Decimal(1000), "intended_usd": Decimal(1010)},
    ],
    ids=["rounding", "price", "holding"],
)
def test_what_rounding_price_and_holding_leave_does_not_count_against_success(
    sizing: dict[str, Any],
) -> None:
    state = a_state(recorded(**sizing), reported(price="100.02"), plan=a_plan(an_item()))
    assert status(state) is X.SUCCEEDED


@pytest.mark.parametrize(
    "events",
    [
        [*filled("SPY"), closed("QQQ", Reason.NO_PRICE)],
        [*filled("SPY"), closed("QQQ", Reason.ROUNDS_TO_ZERO)],
        [*filled("SPY"), closed("QQQ", Reason.NOT_HELD)],
        [*filled("SPY"), closed("QQQ", Reason.WIDE_SPREAD)],
        [*filled("SPY"), recorded("QQQ"), refused("QQQ")],
        [*filled("SPY"), recorded("QQQ"), reported("QQQ", S.CANCELED, 0)],
        [*filled("SPY"), recorded("QQQ"), reported("QQQ", S.CANCELED, 9)],
        [*filled("SPY"), recorded("QQQ"), not_sent("QQQ")],
        [recorded("SPY"), reported("SPY", S.CANCELED, 1), recorded("QQQ"), refused("QQQ")],
        [*filled("SPY"), recorded("QQQ", allotted_usd=Decimal(999)), reported("QQQ")],
        [*filled("SPY"), recorded("QQQ"), reported("QQQ", S.FILLED, 11)],
    ],
    ids=["skipped", "rounds to zero", "not held", "blocked", "refused", "unfilled", "part", "not sent",
         "only a part", "cut", "overfilled"],
)  # fmt: skip
def test_where_some_of_it_was_cut_skipped_blocked_or_not_filled_the_plan_is_partly_done(
    events: list[Event],
) -> None:
    assert status(two(*events)) is X.PARTIAL


@pytest.mark.parametrize(
    "events",
    [
        [closed("SPY", Reason.NO_PRICE), closed("QQQ", Reason.NO_PRICE)],
        [recorded("SPY"), refused("SPY"), closed("QQQ", Reason.NO_FUNDS)],
        [recorded("SPY"), reported("SPY", S.EXPIRED, 0), recorded("QQQ"), not_sent("QQQ")],
    ],
    ids=["skipped", "refused", "expired"],
)
def test_where_nothing_filled_the_plan_failed(events: list[Event]) -> None:
    assert status(two(*events)) is X.FAILED


def test_a_plan_that_was_stopped_before_its_first_order_is_refused() -> None:
    assert status(two(HALT, closed("SPY", Reason.HALTED), closed("QQQ", Reason.HALTED))) is X.REFUSED


@pytest.mark.parametrize(
    "events",
    [
        [*filled("SPY"), HALT, closed("QQQ", Reason.HALTED)],
        [recorded("SPY"), HALT, not_sent("SPY"), closed("QQQ", Reason.HALTED)],
        [recorded("SPY"), reported("SPY", S.CANCELED, 3), HALT, closed("QQQ", Reason.HALTED)],
    ],
    ids=["after a fill", "after a record", "after a part"],
)
def test_a_plan_that_was_stopped_after_its_first_order_is_halted(events: list[Event]) -> None:
    assert status(two(*events)) is X.HALTED


def test_a_stop_that_left_nothing_undone_stopped_nothing() -> None:
    assert status(two(*filled("SPY"), *filled("QQQ"), HALT)) is X.SUCCEEDED
    assert status(a_state(HALT, plan=HOLDS)) is X.NOTHING_TO_DO


@pytest.mark.parametrize(
    "events",
    [
        [recorded("QQQ"), unresolved("QQQ")],
        [recorded("QQQ")],
        [recorded("QQQ"), reported("QQQ", S.NEW, 0)],
        [recorded("QQQ"), reported("QQQ", S.FILLED, 10, None)],
        [recorded("QQQ"), unresolved("QQQ"), HALT],
    ],
    ids=["unresolved", "recorded", "working", "unpriced", "and stopped"],
)
def test_doubt_about_one_line_is_doubt_about_the_plan_whatever_else_there_is(events: list[Event]) -> None:
    assert status(two(*filled("SPY"), *events)) is X.IN_DOUBT
    assert status(two(closed("SPY", Reason.NO_PRICE), *events)) is X.IN_DOUBT


def test_a_failed_sale_that_cuts_buys_is_partly_done() -> None:
    plan = a_plan(an_item("SPY", "SELL"), an_item("QQQ"))
    cut = Money(Decimal(500))
    funds = FundsAllotted(cash_usd=cut, budget_usd=cut, allotted={"QQQ": cut})
    half = a_sizing(5, allotted_usd=cut, reason=Reason.FUNDS_CUT)
    order = an_order("QQQ", quantity=5)
    events: list[Event] = [an_order_recorded(order, half), OrderReported(report=a_report(order))]
    state = a_state(recorded("SPY", Side.SELL), refused("SPY"), funds, *events, plan=plan)
    result = summarize(state, END)
    assert result.status is X.PARTIAL
    assert result.lines[1].residuals == {Residual.FUNDING: 500}


# --- the figures ----------------------------------------------------------------------------------


def test_a_result_says_what_was_executed_when_and_where() -> None:
    result = summarize(two(*filled("SPY"), *filled("QQQ")), END)
    assert (result.plan_id, result.correlation_id, result.account) == (
        "plan-1",
        "correlation-1",
        "mock:paper:1",
    )
    assert (result.started_at, result.finished_at) == (START, END)
    assert (result.success, result.detail, result.ledger_head) == (True, "", None)
    assert [line.symbol for line in result.lines] == ["SPY", "QQQ"]


def test_totals_are_sums() -> None:
    paid = [
        recorded("SPY"),
        reported("SPY", price="100.10", fees_usd=Decimal("0.012")),
        recorded("QQQ"),
        reported("QQQ", S.CANCELED, 4, 99, fees_usd=Decimal("0.013")),
    ]
    result = summarize(two(*paid), END)
    assert figures(result.planned_usd, result.filled_usd, result.residual_usd) == (2000, 1397, 603)
    assert result.fees_usd == Decimal("0.02")
    # (100.10 - 100) x 10 + (99 - 100) x 4, and the fees
    assert result.shortfall_usd == Decimal("-2.98")
    assert result.shortfall_bps == -14.9
    assert result.success is False


def test_the_success_rate_is_filled_over_placed() -> None:
    state = two(*filled("SPY"), recorded("QQQ"), refused("QQQ"))
    result = summarize(state, END)
    assert (result.orders_placed, result.orders_filled, result.success_rate) == (2, 1, 0.5)


def test_what_was_never_sent_was_not_placed() -> None:
    result = summarize(two(*filled("SPY"), recorded("QQQ"), not_sent("QQQ")), END)
    assert (result.orders_placed, result.orders_filled, result.success_rate) == (1, 1, 1.0)


def test_where_nothing_was_placed_there_is_no_success_rate() -> None:
    result = summarize(two(closed("SPY", Reason.NO_PRICE), closed("QQQ", Reason.NO_PRICE)), END)
    assert (result.orders_placed, result.success_rate) == (0, None)
    assert figures(result.shortfall_usd, result.shortfall_bps, result.fees_usd) == (0, None, 0)


def test_a_stop_says_why() -> None:
    result = summarize(two(*filled("SPY"), HALT, closed("QQQ", Reason.HALTED)), END)
    assert result.detail == "halted by an operator"


def test_what_has_not_started_has_no_result() -> None:
    with pytest.raises(ExecutionError, match=r"^an execution that has not started has no result$"):
        summarize(ExecutionState(), END)


# --- refusals and doubts --------------------------------------------------------------------------


def refused_plan(plan: Plan, *, known: bool = True) -> ExecutionResult:
    objection = Objection(Reason.MARKET_CLOSED, "the market is closed")
    return refusal(plan, PAPER if known else None, objection, END)


def test_a_refused_attempt_blocks_every_line_for_its_reason() -> None:
    result = refused_plan(a_plan(an_item("SPY"), an_item("QQQ", "SELL"), an_item("H1", "HOLD")))
    assert (result.status, result.success, result.detail) == (X.REFUSED, False, "the market is closed")
    assert [(line.outcome, line.reason) for line in result.orders] == [
        (LineOutcome.BLOCKED, Reason.MARKET_CLOSED),
        (LineOutcome.BLOCKED, Reason.MARKET_CLOSED),
    ]
    assert {line.detail for line in result.orders} == {"the market is closed"}
    assert result.lines[2].outcome is LineOutcome.HOLD
    assert figures(result.planned_usd, result.filled_usd, result.residual_usd) == (2000, 0, 2000)
    assert (result.started_at, result.finished_at, result.orders_placed) == (END, END, 0)
    assert result.account == "mock:paper:1"


def test_an_attempt_that_reached_no_account_names_none() -> None:
    assert refused_plan(a_plan(an_item()), known=False).account is None


def test_a_run_whose_record_broke_off_is_in_doubt_whatever_was_done() -> None:
    result = in_doubt(two(*filled("SPY"), *filled("QQQ")), END, "the ledger failed")
    assert (result.status, result.success, result.detail) == (X.IN_DOUBT, False, "the ledger failed")
    assert result.filled_usd == 2000
    assert result.exit_code == 4
