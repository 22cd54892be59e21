from planfill.domain.events import LineClosed, OrderNotSent, OrderReported, OrderUnresolved
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.policy import ExecutionPolicy
from planfill.domain.report import OrderStatus
from planfill.domain.sequencing import RELEASE
from planfill.domain.state import ExecutionState
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import a_plan, a_report, a_state, an_item, an_order, an_order_recorded

PLAN = a_plan(
    an_item("B1", "BUY"),
    an_item("S1", "SELL"),
    an_item("H1", "HOLD"),
    an_item("B2", "BUY", priority=1),
    an_item("S2", "SELL", priority=1),
    an_item("S3", "SELL"),
)


def released(state: ExecutionState) -> list[str]:
    return [line.item.symbol for line in RELEASE[ExecutionPolicy().sequencing](state)]


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
