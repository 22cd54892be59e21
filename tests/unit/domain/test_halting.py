"""What a halt says, which one counts, and what a stop of the buys leaves to be done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planfill.domain import deciding as step
from planfill.domain.events import (
    CancelAsked,
    CancelRequested,
    Event,
    ExecutionRefused,
    Halted,
    LineClosed,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    StopRequested,
    Unhalted,
    decode,
    encode,
)
from planfill.domain.following import given_up, overdue
from planfill.domain.halting import Halt, halt_after, strictest, unhalt
from planfill.domain.health import health
from planfill.domain.identity import AccountKey
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.policy import Policy
from planfill.domain.report import OrderStatus
from planfill.domain.result import ExecutionStatus
from planfill.domain.state import ExecutionState
from planfill.domain.summary import summarize
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import (
    PAPER,
    a_plan,
    a_report,
    a_state,
    an_item,
    an_order,
    an_order_recorded,
    numbered,
    started,
)
from planfill.testing.clock import START

HALTED = Halted(by="ann on desk", reason="prices look wrong", reduce_only=False)
NO_BUYS = StopRequested(reason=Reason.HALTED, detail="no buys", only_buys=True)
STOP = StopRequested(reason=Reason.INTERRUPTED, detail="Ctrl-C")
WHOSE = f"halted by ann on desk at {START:%Y-%m-%d %H:%M:%S} UTC: prices look wrong"
PLAN = a_plan(an_item("S1", "SELL"), an_item("S2", "SELL"), an_item("B1", "BUY"), an_item("B2", "BUY"))


def a_halt(*, reduce_only: bool = False, seconds: int = 0, account: AccountKey | None = None) -> Halt:
    at = START + timedelta(seconds=seconds)
    return Halt(by="ann on desk", at=at, reason="prices look wrong", reduce_only=reduce_only, account=account)


def fold(*events: Event, account: AccountKey | None = None) -> Halt | None:
    halt = None
    for recorded in numbered(*events):
        halt = halt_after(halt, recorded, account)
    return halt


def sent(symbol: str, side: Side) -> Event:
    return an_order_recorded(an_order(symbol, side))


def reported(symbol: str, side: Side, status: OrderStatus, filled: int = 0) -> Event:
    return OrderReported(report=a_report(an_order(symbol, side), status, filled))


def names(state: ExecutionState, side: Side) -> list[ClientOrderId]:
    return [name for name, order in state.orders.items() if order.order.side is side]


# --- the halt --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("halt", "said"),
    [
        (
            a_halt(),
            f"{WHOSE}; nothing is sent on any account until planfill unhalt",
        ),
        (
            a_halt(reduce_only=True, account=PAPER),
            f"{WHOSE}; nothing is bought on account {PAPER} until planfill unhalt --account {PAPER}",
        ),
    ],
)
def test_a_halt_names_who_when_why_what_and_how_it_ends(halt: Halt, said: str) -> None:
    assert str(halt) == said
    assert said.endswith(unhalt(halt.account))


def test_the_last_of_halt_and_lift_decides() -> None:
    assert fold() is None
    assert fold(HALTED) == a_halt()
    assert fold(HALTED, Unhalted(by="bob", reason="")) is None
    again = Halted(by="ann on desk", reason="prices look wrong", reduce_only=True)
    assert fold(HALTED, Unhalted(by="bob", reason=""), again, account=PAPER) == a_halt(
        reduce_only=True, seconds=2, account=PAPER
    )


def test_what_else_is_asked_for_changes_no_halt() -> None:
    assert fold(HALTED, CancelAsked(plan_id="plan-1", by="me", detail="")) == a_halt()


def test_of_several_halts_the_one_counts_that_lets_least_through_and_then_the_oldest() -> None:
    soft, hard, later = a_halt(reduce_only=True), a_halt(seconds=5), a_halt(seconds=9)
    assert strictest() is strictest(None, None) is None
    assert strictest(None, soft, None) == soft
    assert strictest(soft, later, hard) == hard


# --- a stop of the buys ----------------------------------------------------------------------------


def test_a_stop_in_an_older_ledger_stops_everything() -> None:
    event = decode('{"kind": "stop_requested", "reason": "INTERRUPTED", "detail": "Ctrl-C"}')
    assert event == STOP
    assert decode(encode(NO_BUYS)) == NO_BUYS


def test_each_side_obeys_the_stops_that_concern_it() -> None:
    assert [a_state().stop_of(side) for side in Side] == [None, None]
    state = a_state(NO_BUYS)
    assert (state.stop_of(Side.BUY), state.stop_of(Side.SELL)) == (NO_BUYS, None)
    state = a_state(NO_BUYS, STOP)
    assert (state.stop_of(Side.BUY), state.stop_of(Side.SELL)) == (STOP, STOP)


def test_the_first_stop_of_the_buys_stands() -> None:
    again = StopRequested(reason=Reason.HALTED, detail="again", only_buys=True)
    state = a_state(NO_BUYS, again)
    assert (state.buys_stop, state.buys_stopped_at) == (NO_BUYS, START + timedelta(seconds=1))


def test_a_plan_that_is_taken_up_anew_knows_no_stop_of_an_attempt() -> None:
    state = a_state(NO_BUYS, plan=PLAN)
    refused = ExecutionRefused(result=summarize(state, START))
    for recorded in numbered(refused, started(PLAN), after=state.number):
        state.apply(recorded)
    assert (state.buys_stop, state.buys_stopped_at) == (None, None)


def test_buys_that_are_not_sent_are_withdrawn_then_closed_and_sells_go_on() -> None:
    state = a_state(sent("S1", Side.SELL), sent("B1", Side.BUY), NO_BUYS, plan=PLAN)
    first = step.decide(state, Policy())
    assert isinstance(first, step.Withdraw)
    assert ([one.order.symbol for one in first.orders], first.reason) == (["B1"], Reason.HALTED)

    (name,) = names(state, Side.BUY)
    withdrawn = OrderNotSent(client_order_id=name, reason=Reason.HALTED)
    state = a_state(sent("S1", Side.SELL), sent("B1", Side.BUY), NO_BUYS, withdrawn, plan=PLAN)
    second = step.decide(state, Policy())
    assert isinstance(second, step.Close)
    assert ([one.item.symbol for one in second.lines], second.reason, second.detail) == (
        ["B2"],
        Reason.HALTED,
        "no buys",
    )

    closed = LineClosed(symbol="B2", reason=Reason.HALTED)
    events = (sent("S1", Side.SELL), sent("B1", Side.BUY), NO_BUYS, withdrawn, closed)
    third = step.decide(a_state(*events, plan=PLAN), Policy())
    assert isinstance(third, step.Place)
    assert [one.order.symbol for one in third.orders] == ["S1"]


def test_of_what_works_only_buys_are_canceled_and_given_up_from_the_stop_on() -> None:
    state = a_state(
        sent("S1", Side.SELL),
        reported("S1", Side.SELL, OrderStatus.NEW),
        sent("B1", Side.BUY),
        reported("B1", Side.BUY, OrderStatus.NEW),
        NO_BUYS,
        plan=PLAN,
    )
    stopped_at = START + timedelta(seconds=5)
    assert [one.order.symbol for one in overdue(state, stopped_at)] == ["B1"]
    assert given_up(state, stopped_at + timedelta(seconds=29), 30) == []
    (event,) = given_up(state, stopped_at + timedelta(seconds=30), 30)
    assert event.client_order_id in names(state, Side.BUY)  # type: ignore[union-attr]


def test_what_a_stop_of_the_buys_cancels_is_no_failure() -> None:
    name = an_order("B1", Side.BUY).client_order_id
    state = a_state(
        sent("B1", Side.BUY),
        reported("B1", Side.BUY, OrderStatus.NEW),
        NO_BUYS,
        CancelRequested(client_order_id=name, reason=Reason.HALTED),
        reported("B1", Side.BUY, OrderStatus.CANCELED),
        plan=PLAN,
    )
    assert health(state).ended == 0


TWO = a_plan(an_item("S1", "SELL"), an_item("B1", "BUY"))
SOLD = (sent("S1", Side.SELL), reported("S1", Side.SELL, OrderStatus.FILLED, 10))
CLOSED = LineClosed(symbol="B1", reason=Reason.HALTED)
UNSOLD = OrderRefused(
    client_order_id=an_order("S1", Side.SELL).client_order_id, reason=Reason.REJECTED, detail="no"
)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((NO_BUYS, CLOSED, *SOLD), ExecutionStatus.HALTED),
        ((NO_BUYS, CLOSED, LineClosed(symbol="S1", reason=Reason.NO_PRICE)), ExecutionStatus.REFUSED),
        (
            (
                *SOLD,
                sent("B1", Side.BUY),
                NO_BUYS,
                reported("B1", Side.BUY, OrderStatus.FILLED, 10),
            ),
            ExecutionStatus.SUCCEEDED,
        ),
        (
            (
                sent("S1", Side.SELL),
                sent("B1", Side.BUY),
                NO_BUYS,
                UNSOLD,
                reported("B1", Side.BUY, OrderStatus.FILLED, 10),
            ),
            ExecutionStatus.PARTIAL,
        ),
    ],
)
def test_a_stop_of_the_buys_halts_what_it_leaves_unbought(
    events: tuple[Event, ...], status: ExecutionStatus
) -> None:
    result = summarize(a_state(*events, plan=TWO), START)
    assert (result.status, result.detail) == (status, "no buys")
