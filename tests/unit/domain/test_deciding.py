from decimal import Decimal

import pytest

from planfill.domain import deciding as step
from planfill.domain.events import (
    CancelRequested,
    Event,
    ExecutionResumed,
    FundsAllotted,
    LineClosed,
    OrderDoubted,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
    StopRequested,
)
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.plan import Plan
from planfill.domain.policy import Policy
from planfill.domain.report import OrderStatus
from planfill.domain.state import ExecutionState
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import (
    a_plan,
    a_policy,
    a_report,
    a_state,
    an_item,
    an_order,
    an_order_recorded,
    numbered,
    started,
)

SELL_AND_BUY = a_plan(an_item("S1", "SELL"), an_item("B1", "BUY"))
HALT = StopRequested(reason=Reason.HALTED, detail="halted by an operator")
RESUMED = ExecutionResumed(holder="another")
POLICY = Policy()


def recorded(*symbols: str, side: Side = Side.BUY) -> list[Event]:
    return [an_order_recorded(an_order(symbol, side)) for symbol in symbols]


def reported(symbol: str, status: OrderStatus = OrderStatus.FILLED, filled: int = 10) -> Event:
    return OrderReported(report=a_report(an_order(symbol), status, filled))


def refused(symbol: str, reason: Reason = Reason.REJECTED) -> Event:
    return OrderRefused(client_order_id=name(symbol), reason=reason, detail="no")


def not_sent(symbol: str) -> Event:
    return OrderNotSent(client_order_id=name(symbol), reason=Reason.STALE_PRICE)


def doubted(symbol: str) -> Event:
    return OrderDoubted(client_order_id=name(symbol), reason=Reason.OUTCOME_UNKNOWN, detail="?")


def allotted(*symbols: str) -> Event:
    usd = Money(Decimal(1000))
    return FundsAllotted(cash_usd=usd, budget_usd=usd, allotted=dict.fromkeys(symbols, usd))


def name(symbol: str) -> ClientOrderId:
    return ClientOrderId(f"pf-{symbol}-1")


def buys(count: int) -> tuple[Plan, list[str]]:
    symbols = [f"B{n:02}" for n in range(count)]
    return a_plan(*(an_item(symbol) for symbol in symbols)), symbols


def decide(state: ExecutionState, largest_wave: int | None = None, **policy: object) -> tuple[str, list[str]]:
    """Give the kind of the next step, and the symbols that it is about."""
    found = step.decide(state, a_policy(**policy), largest_wave)  # type: ignore[arg-type]
    symbols = [line.item.symbol for line in getattr(found, "lines", ())]
    symbols += [order.order.symbol for order in getattr(found, "orders", ())]
    return type(found).__name__, symbols


# --- the usual way --------------------------------------------------------------------------------


def test_a_plan_of_nothing_is_finished() -> None:
    assert decide(a_state(plan=a_plan())) == ("Finish", [])
    assert decide(a_state(plan=a_plan(an_item("H1", "HOLD")))) == ("Finish", [])


def test_sells_are_taken_up_first_and_need_no_money() -> None:
    assert decide(a_state(plan=SELL_AND_BUY)) == ("Wave", ["S1"])


def test_a_recorded_order_is_placed() -> None:
    state = a_state(*recorded("S1", side=Side.SELL), plan=SELL_AND_BUY)
    assert decide(state) == ("Place", ["S1"])


def test_buys_wait_while_a_sale_works() -> None:
    state = a_state(*recorded("S1", side=Side.SELL), reported("S1", OrderStatus.NEW, 0), plan=SELL_AND_BUY)
    assert decide(state) == ("Track", [])


def test_the_money_for_the_buys_is_counted_when_the_sells_have_ended() -> None:
    state = a_state(*recorded("S1", side=Side.SELL), reported("S1"), plan=SELL_AND_BUY)
    assert decide(state) == ("Fund", ["B1"])


def test_buys_are_taken_up_when_their_money_is_counted() -> None:
    state = a_state(*recorded("S1", side=Side.SELL), reported("S1"), allotted("B1"), plan=SELL_AND_BUY)
    assert decide(state) == ("Wave", ["B1"])


def test_buys_that_have_their_money_do_not_wait_for_those_that_have_none() -> None:
    state = a_state(allotted("B1"), plan=a_plan(an_item("B1"), an_item("B2")))
    assert decide(state) == ("Wave", ["B1"])


def test_working_orders_are_tracked() -> None:
    plan = a_plan(an_item("B1"))
    assert decide(a_state(*recorded("B1"), reported("B1", OrderStatus.NEW, 0), plan=plan)) == ("Track", [])


def test_an_order_in_doubt_is_tracked_and_not_sent_again() -> None:
    assert decide(a_state(*recorded("B1"), doubted("B1"), plan=a_plan(an_item("B1")))) == ("Track", [])


@pytest.mark.parametrize(
    "end", [reported("B1"), refused("B1"), not_sent("B1")], ids=["filled", "refused", "not sent"]
)
def test_what_has_ended_is_finished(end: Event) -> None:
    assert decide(a_state(*recorded("B1"), end, plan=a_plan(an_item("B1")))) == ("Finish", [])


def test_an_unresolved_order_is_left_for_another_run() -> None:
    given_up = OrderUnresolved(client_order_id=name("B1"), reason=Reason.OUTCOME_UNKNOWN, detail="?")
    assert decide(a_state(*recorded("B1"), given_up, plan=a_plan(an_item("B1")))) == ("Finish", [])


def test_closed_lines_are_finished() -> None:
    closed = LineClosed(symbol="B1", reason=Reason.NO_PRICE)
    assert decide(a_state(closed, plan=a_plan(an_item("B1")))) == ("Finish", [])


# --- waves ----------------------------------------------------------------------------------------


def test_a_wave_is_no_larger_than_what_can_be_sent_while_quotes_are_fresh() -> None:
    plan = a_plan(*(an_item(f"S{n}", "SELL") for n in range(5)))
    assert decide(a_state(plan=plan), largest_wave=2) == ("Wave", ["S0", "S1"])
    assert decide(a_state(plan=plan)) == ("Wave", ["S0", "S1", "S2", "S3", "S4"])


def test_a_wave_is_placed_before_the_next_is_taken_up() -> None:
    plan = a_plan(*(an_item(f"S{n}", "SELL") for n in range(3)))
    assert decide(a_state(*recorded("S0", "S1", side=Side.SELL), plan=plan), 2) == ("Place", ["S0", "S1"])
    done = [not_sent("S0"), not_sent("S1")]
    assert decide(a_state(*recorded("S0", "S1", side=Side.SELL), *done, plan=plan), 2) == ("Wave", ["S2"])


# --- the slow start -------------------------------------------------------------------------------


def test_a_plan_of_twice_the_breakers_sample_is_sent_at_once() -> None:
    plan, symbols = buys(10)
    assert decide(a_state(*recorded(*symbols), plan=plan)) == ("Place", symbols)


def test_a_longer_plan_starts_with_twice_the_breakers_sample() -> None:
    plan, symbols = buys(11)
    assert decide(a_state(*recorded(*symbols), plan=plan)) == ("Place", symbols[:10])


def test_a_longer_plan_opens_up_once_these_are_acknowledged() -> None:
    plan, symbols = buys(25)
    answers = [reported(symbol, OrderStatus.NEW, 0) for symbol in symbols[:10]]
    assert decide(a_state(*recorded(*symbols), *answers, plan=plan)) == ("Place", symbols[10:])
    assert decide(a_state(*recorded(*symbols), *answers[:9], plan=plan)) == ("Place", symbols[9:19])


def test_what_was_never_sent_acknowledges_nothing() -> None:
    plan, symbols = buys(25)
    answers = [not_sent(symbol) for symbol in symbols[:10]]
    assert decide(a_state(*recorded(*symbols), *answers, plan=plan)) == ("Place", symbols[10:20])


def test_the_size_of_the_slow_start_follows_the_setting() -> None:
    plan, symbols = buys(7)
    state = a_state(*recorded(*symbols), plan=plan)
    assert decide(state, limits={"breaker_min_sample": 2}) == ("Place", symbols[:4])


# --- the breaker ----------------------------------------------------------------------------------


def sick(failures: int, of: int, plan_size: int = 12) -> ExecutionState:
    plan, symbols = buys(plan_size)
    ends = [refused(symbol) for symbol in symbols[:failures]]
    ends += [reported(symbol) for symbol in symbols[failures:of]]
    return a_state(*recorded(*symbols), *ends, plan=plan)


def test_more_failures_than_the_limit_stop_the_plan() -> None:
    assert step.decide(sick(3, of=5), POLICY) == step.Stop(
        Reason.BREAKER, "3 of 5 orders failed, more than 50 %"
    )


@pytest.mark.parametrize("reason", [Reason.NOT_AUTHORIZED, Reason.ACCOUNT_BLOCKED])
def test_what_was_said_of_the_account_holds_for_every_order(reason: Reason) -> None:
    plan, symbols = buys(4)
    state = a_state(*recorded(*symbols), refused(symbols[0], reason), plan=plan)
    assert step.decide(state, POLICY) == step.Stop(reason, "no")


@pytest.mark.parametrize(("failures", "of"), [(5, 10), (4, 4), (0, 10), (2, 5)])
def test_as_many_failures_as_the_limit_or_too_few_orders_do_not(failures: int, of: int) -> None:
    assert decide(sick(failures, of))[0] == "Place"


def test_the_breaker_also_acts_before_lines_that_are_not_yet_recorded() -> None:
    plan, symbols = buys(6)
    ends = [refused(symbol) for symbol in symbols[:5]]
    assert decide(a_state(*recorded(*symbols[:5]), *ends, plan=plan))[0] == "Stop"


def test_the_breaker_has_nothing_to_stop_where_nothing_is_left_to_send() -> None:
    plan, symbols = buys(5)
    ends = [refused(symbol) for symbol in symbols]
    assert decide(a_state(*recorded(*symbols), *ends, plan=plan)) == ("Finish", [])


# --- the stop -------------------------------------------------------------------------------------


def test_a_stop_first_withdraws_what_was_not_sent() -> None:
    state = a_state(*recorded("S1", side=Side.SELL), HALT, plan=SELL_AND_BUY)
    found = step.decide(state, POLICY)
    assert found == step.Withdraw(tuple(state.orders.values()), Reason.HALTED, "halted by an operator")


def test_a_stop_then_closes_the_lines_that_were_not_taken_up_in_both_directions() -> None:
    state = a_state(HALT, plan=SELL_AND_BUY)
    found = step.decide(state, POLICY)
    assert found == step.Close(tuple(state.lines.values()), Reason.HALTED, "halted by an operator")


def test_a_stop_then_waits_for_what_works() -> None:
    plan = a_plan(an_item("B1"))
    working = a_state(*recorded("B1"), reported("B1", OrderStatus.NEW, 0), HALT, plan=plan)
    assert decide(working) == ("Track", [])
    assert decide(a_state(*recorded("B1"), doubted("B1"), HALT, plan=plan)) == ("Track", [])
    assert decide(a_state(*recorded("B1"), reported("B1"), HALT, plan=plan)) == ("Finish", [])


def test_a_stop_is_not_stopped_by_the_breaker() -> None:
    plan, symbols = buys(6)
    ends = [refused(symbol) for symbol in symbols[:5]]
    assert decide(a_state(*recorded(*symbols[:5]), *ends, HALT, plan=plan)) == ("Close", [symbols[5]])


# --- the resume -----------------------------------------------------------------------------------


def test_a_resume_first_asks_for_what_may_be_at_the_broker() -> None:
    state = a_state(*recorded("S1", side=Side.SELL), RESUMED, plan=SELL_AND_BUY)
    assert decide(state) == ("Recover", ["S1"])


def test_a_resume_asks_even_where_a_stop_was_asked_for() -> None:
    state = a_state(*recorded("S1", side=Side.SELL), HALT, RESUMED, plan=SELL_AND_BUY)
    assert decide(state) == ("Recover", ["S1"])


def test_a_resume_asks_only_for_what_it_has_not_asked_for() -> None:
    plan, events = a_plan(an_item("B1"), an_item("B2"), an_item("B3")), recorded("B1", "B2", "B3")
    state = a_state(*events, reported("B3", OrderStatus.NEW, 0), RESUMED, doubted("B1"), plan=plan)
    assert decide(state) == ("Recover", ["B2"])


def test_no_money_is_counted_between_two_orders_of_a_buy_and_the_next_comes_first() -> None:
    plan, walking = a_plan(an_item("B1"), an_item("B2")), a_policy(style="walk")
    state = ExecutionState()
    granted = {"B1": Money(Decimal(1000))}
    events: list[Event] = [
        FundsAllotted(cash_usd=Money(Decimal(1000)), budget_usd=Money(Decimal(1000)), allotted=granted),
        *recorded("B1"),
        reported("B1", OrderStatus.NEW, 0),
    ]
    for one in numbered(started(plan, policy=walking), *events):
        state.apply(one)
    assert step.decide(state, walking) == step.Fund((state.lines["B2"],))
    cancel = CancelRequested(client_order_id=name("B1"), reason=Reason.DEADLINE)
    for one in numbered(cancel, after=state.number):
        state.apply(one)
    assert step.decide(state, walking) == step.Track()
    for one in numbered(reported("B1", OrderStatus.CANCELED, 4), after=state.number):
        state.apply(one)
    assert step.decide(state, walking) == step.Wave((state.lines["B1"],))
