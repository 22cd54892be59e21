from decimal import Decimal
from typing import get_args

from planfill.domain.events import (
    Event,
    ExecutionResumed,
    FundsAllotted,
    LineClosed,
    OrderNotSent,
    OrderReported,
    OrderUnresolved,
)
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.policy import ExecutionPolicy
from planfill.domain.report import OrderStatus
from planfill.domain.sequencing import RELEASE
from planfill.domain.state import ExecutionState
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import a_plan, a_report, a_state, an_item, an_order, an_order_recorded

PLAN = a_plan(
    an_item("B1", "BUY"),
    an_item("S1", "SELL"),
    an_item("H1", "HOLD"),
    an_item("B2", "BUY", priority=1),
    an_item("S2", "SELL", priority=1),
    an_item("S3", "SELL"),
)


def released(state: ExecutionState, sequencing: str = "sells_first") -> list[str]:
    lines, in_full = RELEASE[sequencing](state)
    return [line.item.symbol for line in lines] + ["in full"] * in_full


def counted(proceeds: int, **allotted: int) -> FundsAllotted:
    money = {symbol: Money(Decimal(usd)) for symbol, usd in allotted.items()}
    usd = Money(Decimal(1000))
    return FundsAllotted(cash_usd=usd, budget_usd=usd, allotted=money, proceeds_usd=Money(Decimal(proceeds)))


def sold(symbol: str, quantity: int, status: OrderStatus = OrderStatus.PARTIALLY_FILLED) -> OrderReported:
    return OrderReported(report=a_report(an_order(symbol, Side.SELL), status, quantity))


def test_sells_come_first_by_priority_then_as_in_the_plan() -> None:
    assert released(a_state(plan=PLAN)) == ["S2", "S1", "S3"]


def test_sells_that_are_decided_are_not_released_again() -> None:
    order = an_order("S2", Side.SELL)
    state = a_state(an_order_recorded(order), LineClosed(symbol="S1", reason=Reason.NO_PRICE), plan=PLAN)
    assert released(state) == ["S3"]


def test_buys_wait_for_sells_that_can_still_trade() -> None:
    orders = [an_order(symbol, Side.SELL) for symbol in ("S1", "S2", "S3")]
    state = a_state(*(an_order_recorded(order) for order in orders), plan=PLAN)
    assert released(state) == []


def test_buys_come_once_no_sale_can_trade_any_more() -> None:
    one, two = an_order("S1", Side.SELL), an_order("S2", Side.SELL)
    state = a_state(
        an_order_recorded(one),
        an_order_recorded(two),
        LineClosed(symbol="S3", reason=Reason.NOT_HELD),
        OrderReported(report=a_report(one)),
        OrderNotSent(client_order_id=ClientOrderId("pf-S2-1"), reason=Reason.STALE_PRICE),
        plan=PLAN,
    )
    assert released(state) == ["B2", "B1"]


def test_buys_wait_for_a_sale_of_which_nobody_knows_what_became() -> None:
    plan = a_plan(an_item("S1", "SELL"), an_item("B1"))
    order = an_order("S1", Side.SELL)
    name, reason = order.client_order_id, Reason.OUTCOME_UNKNOWN
    unknown = OrderUnresolved(client_order_id=name, reason=reason, detail="")
    assert released(a_state(an_order_recorded(order), unknown, plan=plan)) == []


def test_an_order_that_buys_keeps_no_buy_waiting() -> None:
    plan = a_plan(an_item("B1"), an_item("B2"))
    order = an_order("B1")
    working = OrderReported(report=a_report(order, OrderStatus.NEW, 0))
    assert released(a_state(an_order_recorded(order), working, plan=plan)) == ["B2"]


def test_a_hold_is_never_released() -> None:
    assert released(a_state(plan=a_plan(an_item("H1", "HOLD")))) == []


PIPE = a_plan(an_item("B1"), an_item("S1", "SELL"), an_item("B2", priority=1))
WORKS = (an_order_recorded(an_order("S1", Side.SELL)), sold("S1", 4))


def test_every_sequencing_that_can_be_set_exists() -> None:
    assert set(RELEASE) == set(get_args(ExecutionPolicy.model_fields["sequencing"].annotation))


def test_in_a_pipeline_sells_come_first_and_then_whatever_the_money_covers() -> None:
    assert released(a_state(plan=PIPE), "pipelined") == ["S1"]
    assert released(a_state(*WORKS, plan=PIPE), "pipelined") == ["B2", "B1", "in full"]


def test_in_a_pipeline_buys_that_have_their_money_go_out_and_others_wait_for_more() -> None:
    state = a_state(*WORKS, counted(400, B2=900), plan=PIPE)
    assert released(state, "pipelined") == ["B2"]
    assert released(a_state(*WORKS, counted(400), plan=PIPE), "pipelined") == []


def test_in_a_pipeline_the_money_is_counted_again_when_more_has_come() -> None:
    state = a_state(*WORKS, counted(400), sold("S1", 5), plan=PIPE)
    assert released(state, "pipelined") == ["B2", "B1", "in full"]


def test_in_a_pipeline_what_is_left_is_released_when_the_sells_are_over() -> None:
    over = sold("S1", 4, OrderStatus.CANCELED)
    assert released(a_state(*WORKS, counted(400), over, plan=PIPE), "pipelined") == ["B2", "B1"]


def test_in_a_pipeline_another_run_counts_the_money_anew() -> None:
    state = a_state(*WORKS, counted(400, B2=900), ExecutionResumed(holder="another"), plan=PIPE)
    assert released(state, "pipelined") == ["B2", "B1", "in full"]


def test_in_the_order_of_the_plan_buys_wait_for_the_sells_before_them_alone() -> None:
    plan = a_plan(
        an_item("B1"), an_item("S1", "SELL"), an_item("S2", "SELL"), an_item("B2"), an_item("S3", "SELL")
    )
    events: list[Event] = []

    def then(*more: Event) -> list[str]:
        events.extend(more)
        return released(a_state(*events, plan=plan), "plan_order")

    assert then() == ["B1"]
    assert then(an_order_recorded(an_order("B1"))) == ["S1", "S2"]
    sales = [an_order_recorded(an_order(symbol, Side.SELL)) for symbol in ("S1", "S2")]
    assert then(*sales, sold("S1", 10, OrderStatus.FILLED)) == []
    assert then(sold("S2", 1, OrderStatus.CANCELED)) == ["B2"]
    assert then(an_order_recorded(an_order("B2"))) == ["S3"]
    assert then(an_order_recorded(an_order("S3", Side.SELL))) == []


def test_in_the_order_of_the_plan_priority_comes_before_it() -> None:
    plan = a_plan(an_item("S1", "SELL"), an_item("B1", priority=1))
    assert released(a_state(plan=plan), "plan_order") == ["B1"]
