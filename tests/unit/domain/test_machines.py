"""The tables of an order and of an execution, and that the fold of the events obeys them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, get_args

import pytest

from planfill.domain import events as ev
from planfill.domain.errors import LedgerCorrupt
from planfill.domain.execution_machine import EXECUTION, FINISHED, Standing, execution_after
from planfill.domain.order_machine import HAPPENS, OPEN, ORDER, Happening, Impossible, Phase, order_after
from planfill.domain.outcome import Reason
from planfill.domain.report import OrderStatus
from planfill.domain.result import nothing_to_do
from planfill.domain.stages import Stage
from planfill.domain.state import ExecutionState
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import a_report, a_state, an_order, an_order_recorded, numbered, started
from planfill.testing.clock import START

NAME: Final = ClientOrderId("pf-SPY-1")
RECORDED: Final = an_order_recorded()
RESUMED: Final = ev.ExecutionResumed(holder="another")
RESULT: Final = nothing_to_do(START)
S, P, H = OrderStatus, Phase, Happening


def reported(status: OrderStatus, filled: int = 0, **fields: object) -> ev.OrderReported:
    return ev.OrderReported(report=a_report(None, status, filled, **fields))  # type: ignore[arg-type]


def said(kind: Callable[..., ev.Event]) -> ev.Event:
    return kind(client_order_id=NAME, reason=Reason.OUTCOME_UNKNOWN, detail="why")


def proved(report: object) -> ev.OrderResolved:
    return ev.OrderResolved.model_validate(
        {"client_order_id": NAME, "by": "me", "evidence": "statement", "report": report}
    )


def allotted(*symbols: str) -> ev.FundsAllotted:
    usd = Money(Decimal(1))
    return ev.FundsAllotted(cash_usd=usd, budget_usd=usd, allotted=dict.fromkeys(symbols, usd))


NEW, CANCELED, REJECTED = reported(S.NEW), reported(S.CANCELED), reported(S.REJECTED)
DOUBTED: Final = said(ev.OrderDoubted)
# How an order comes to stand there, the broker having spoken of it or not.
UNHEARD: Final[dict[Phase, tuple[ev.Event, ...]]] = {
    P.RECORDED: (),
    P.DOUBTED: (DOUBTED,),
    P.REFUSED: (said(ev.OrderRefused),),
    P.NOT_SENT: (said(ev.OrderNotSent),),
    P.UNRESOLVED: (said(ev.OrderUnresolved),),
}
HEARD: Final[dict[Phase, tuple[ev.Event, ...]]] = {
    P.WORKING: (NEW,),
    P.ENDED: (CANCELED,),
    P.REFUSED: (said(ev.OrderRefused), REJECTED),
    P.UNRESOLVED: (NEW, said(ev.OrderUnresolved)),
}
HAPPENED: Final[dict[Happening, ev.Event]] = {
    H.WORKS: reported(S.PARTIALLY_FILLED, 3),
    H.ENDS: reported(S.CANCELED, 3),
    H.FAILS: REJECTED,
    H.REFUSED: said(ev.OrderRefused),
    H.NOT_SENT: said(ev.OrderNotSent),
    H.DOUBTED: DOUBTED,
    H.GIVEN_UP: said(ev.OrderUnresolved),
    H.REQUOTED: ev.OrderRequoted(order=RECORDED.order, deadline=RECORDED.deadline),
    H.CANCEL_ASKED: ev.CancelRequested(client_order_id=NAME, reason=Reason.DEADLINE),
    H.RESUMED: RESUMED,
    H.RESUMED_UNHEARD: RESUMED,
    H.PROVED: proved(a_report(None, S.CANCELED, 3)),
    H.PROVED_ABSENT: proved(None),
}
CAN_RESUME: Final = {H.RESUMED: HEARD, H.RESUMED_UNHEARD: UNHEARD}


def ways(phase: Phase, happening: Happening) -> list[tuple[ev.Event, ...]]:
    """Give the histories after which this can be tried."""
    return [
        known[phase]
        for known in (UNHEARD, HEARD)
        if phase in known and CAN_RESUME.get(happening, known) is known
    ]


# --- orders ---------------------------------------------------------------------------------------


def test_the_tables_are_whole() -> None:
    assert set(ORDER) == set(Phase) == set(UNHEARD) | set(HEARD)
    assert set(EXECUTION) == set(Standing)
    assert set(HAPPENED) == set(Happening)
    assert set(HAPPENS.values()) < set(Happening)


@pytest.mark.parametrize("happening", Happening)
@pytest.mark.parametrize("phase", Phase)
def test_the_fold_obeys_the_table_of_an_order(phase: Phase, happening: Happening) -> None:
    after = ORDER[phase].get(happening)
    histories = ways(phase, happening)
    assert histories or after is None, "a row that nothing reaches"
    for history in histories:
        state = a_state(RECORDED, *history)
        assert state.orders[NAME].phase is phase
        (event,) = numbered(HAPPENED[happening], after=state.number)
        if after is not None:
            state.apply(event)
            assert state.orders[NAME].phase is after
            continue
        before = vars(a_state(RECORDED, *history))
        what = f"event {event.number}, {event.event.kind}: order {NAME}: {happening} cannot happen"
        with pytest.raises(LedgerCorrupt, match=f"^execution/mock:paper:1:plan-1: {what}.*{phase}$"):
            state.apply(event)
        assert vars(state) == before


@pytest.mark.parametrize("phase", Phase)
def test_only_what_is_known_for_certain_is_no_more_asked_for(phase: Phase) -> None:
    closed = {Phase.ENDED, Phase.REFUSED, Phase.NOT_SENT}
    for happening, after in ORDER[phase].items():
        told = happening in {H.WORKS, H.ENDS, H.FAILS}
        if phase in closed and not told:
            assert after is phase, "an end is undone by the broker's word alone"
        if after is Phase.NOT_SENT:
            assert phase is not Phase.WORKING, "what the broker has spoken of was sent"
    assert ORDER[phase].keys() >= {H.WORKS, H.ENDS, H.FAILS}, "a report is believed wherever an order stands"
    assert phase in OPEN | closed | {Phase.UNRESOLVED}


def test_what_cannot_happen_to_an_order_says_so() -> None:
    with pytest.raises(Impossible, match=r"^REQUOTED cannot happen to an order that is WORKING$"):
        order_after(Phase.WORKING, Happening.REQUOTED)


# --- executions -----------------------------------------------------------------------------------

STOOD: Final[dict[Standing, tuple[ev.Event, ...]]] = {
    Standing.NOT_STARTED: (),
    Standing.RUNNING: (started(), RECORDED, DOUBTED),
    Standing.SUSPENDED: (started(), RECORDED, DOUBTED, ev.ExecutionSuspended(result=RESULT)),
    Standing.COMPLETED: (started(), RECORDED, DOUBTED, ev.ExecutionCompleted(result=RESULT)),
    Standing.REFUSED: (started(), RECORDED, DOUBTED, ev.ExecutionRefused(result=RESULT)),
}
AN_EVENT: Final[dict[type, ev.Event]] = {
    type(event): event
    for event in (
        *HAPPENED.values(),
        started(),
        an_order_recorded(an_order(client_order_id="pf-SPY-2")),
        ev.LineClosed(symbol="SPY", reason=Reason.NO_PRICE),
        ev.RulesBroken(broken=()),
        allotted("SPY"),
        ev.StopRequested(reason=Reason.HALTED, detail=""),
        ev.CancelAsked(plan_id="plan-1", by="me", detail=""),
        ev.AccountChosen(plan_id="plan-1", account="growth"),
        ev.Halted(by="me", reason="", reduce_only=False),
        ev.Unhalted(by="me", reason=""),
        ev.StageChanged(stage=Stage.CANARY, reason=""),
        ev.Reconciled(differences=()),
        ev.ShadowCompared(plan_id="plan-1", against="old", executed_at=START, clean=True),
        ev.CallsCounted(),
        ev.Alerted(severity=ev.Severity.WARNING, reason=Reason.BREAKER, detail=""),
        ev.ExecutionSuspended(result=RESULT),
        ev.ExecutionCompleted(result=RESULT),
        ev.ExecutionRefused(result=RESULT),
    )
}


@pytest.mark.parametrize("kind", get_args(ev.Event), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("standing", Standing)
def test_the_fold_obeys_the_table_of_an_execution(standing: Standing, kind: type[ev.Event]) -> None:
    state = ExecutionState()
    for recorded in numbered(*STOOD[standing]):
        state.apply(recorded)
    assert state.standing is standing
    event = AN_EVENT[kind]
    after = EXECUTION[standing].get(kind)
    (recorded,) = numbered(event, after=state.number)
    if after is None:
        said = f"{event.kind}: cannot happen to an execution that is {standing}"
        with pytest.raises(LedgerCorrupt, match=said):
            state.apply(recorded)
        after = standing
    else:
        state.apply(recorded)
    assert state.standing is after
    assert state.finished is (after in FINISHED)


@pytest.mark.parametrize("kind", get_args(ev.Event), ids=lambda kind: kind.__name__)
def test_an_event_says_itself_whether_the_execution_is_finished_after_it(kind: type[ev.Event]) -> None:
    """The ledger lists unfinished executions by it, without folding them."""
    for standing, row in EXECUTION.items():
        if kind in row:
            finished = standing in FINISHED if kind.finishes is None else kind.finishes
            assert (row[kind] in FINISHED) is finished


def test_what_cannot_happen_to_an_execution_says_so() -> None:
    with pytest.raises(Impossible, match=r"^cannot happen to an execution that is COMPLETED$"):
        execution_after(Standing.COMPLETED, RESUMED)


# --- what the tables leave to the fold ------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (RECORDED, "order_recorded: order pf-SPY-1 is recorded already"),
        (
            allotted("SPY", "X"),
            "funds_allotted: the plan has no line X",
        ),
        (
            an_order_recorded(an_order("GLD", client_order_id="pf-SPY-2")),
            "order_recorded: the plan has no line GLD",
        ),
    ],
    ids=["twice", "no line to fund", "no line to send"],
)
def test_what_names_nothing_or_something_twice_is_refused_and_changes_nothing(
    event: ev.Event, why: str
) -> None:
    state = a_state(RECORDED)
    (recorded,) = numbered(event, after=state.number)
    with pytest.raises(LedgerCorrupt, match=rf"event 3, {why}$"):
        state.apply(recorded)
    assert vars(state) == vars(a_state(RECORDED))
