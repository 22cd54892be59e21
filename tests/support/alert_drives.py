"""How to come to every alert there is: each row of the table by an execution that goes wrong in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, NamedTuple

from announcing import Scene
from stage import a_plan, buy, script_replacement, sell

from planfill.adapters.brokers.mock import On
from planfill.adapters.brokers.mock.faults import (
    DeliverLate,
    Fail,
    FillLate,
    FillOnly,
    IgnoreCancel,
    NeverFill,
    Refuse,
    ShowStatus,
)
from planfill.adapters.brokers.mock.script import Call, Fault
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.heeding import account_stream
from planfill.application.ports.shadow import Shadow, Shadowed
from planfill.bootstrap.container import operator
from planfill.bootstrap.live_account import LIVE_ACCOUNT, live
from planfill.domain.errors import (
    BrokerUnavailable,
    InsufficientFundsError,
    OrderConflict,
    OutcomeUnknown,
    ShadowFailed,
)
from planfill.domain.events import StageChanged
from planfill.domain.identity import AccountKey, ExecutionKey, stem_of
from planfill.domain.report import OrderStatus
from planfill.domain.shadow import ShadowOrder, Tolerances
from planfill.domain.stages import Stage
from planfill.domain.values import Quantity
from planfill.testing.venue import a_new_order

W, C = "WARNING", "CRITICAL"
ACCOUNT: Final = AccountKey(broker="mock", environment="mock", number="MOCK-1")
STEM: Final = stem_of(ExecutionKey(account=ACCOUNT, plan_id="plan-1"))
UNHALT: Final = f"planfill unhalt --account {ACCOUNT}"
HELD: Final = {"holdings": {"SPY": "10", "TLT": "10", "XOM": "10"}}
IN_TURN: Final = a_plan(
    *(
        line
        for one, other in (("SPY", "QQQ"), ("TLT", "IWM"), ("XOM", "GLD"))
        for line in (sell(one, "400"), buy(other, "390"))
    )
)
SHOW, RESUME, RECONCILE = (f"planfill {one} plan-1" for one in ("show", "resume", "reconcile"))
SPY: Final = a_plan(buy("SPY", "1000"))
TWO: Final = a_plan(buy("SPY", "1000"), buy("QQQ", "600"))
SIX: Final = a_plan(*(buy(symbol, "200") for symbol in ("SPY", "QQQ", "IWM", "GLD", "TLT", "XOM")))
DOWN: Final = Fail(BrokerUnavailable("nobody answers"))
POOR: Final = Fail(InsufficientFundsError("no funds"))


class Told(NamedTuple):
    """What is to arrive: how grave, how its first line begins, the command, and what else it says."""

    severity: str
    title: str
    todo: str
    holds: tuple[str, ...] = ()


class Drive(NamedTuple):
    """How to come to alerts. ``rows``: what of the table, or where in the code, is driven."""

    name: str
    rows: tuple[str, ...]
    scene: Callable[[], Scene]
    run: Callable[[Scene], None]
    told: tuple[Told, ...]


def execute(plan: Mapping[str, Any]) -> Callable[[Scene], None]:
    """Execute a plan."""

    def run(scene: Scene) -> None:
        with scene.facade() as facade:
            facade.execute_rebalance_plan(plan)

    return run


def refused(title: str, *holds: str, todo: str = "planfill doctor") -> Told:
    return Told(C, f"plan 'plan-1' REFUSED: {title}", todo, holds)


class Other(Shadow):
    """Somebody who has traded something else."""

    tolerances = Tolerances()

    async def orders(self, execution: Shadowed) -> tuple[ShadowOrder, ...]:
        return ()


class Broken(Other):
    async def orders(self, execution: Shadowed) -> tuple[ShadowOrder, ...]:
        raise ShadowFailed("it is gone")


def halted_and_lifted(scene: Scene) -> None:
    with scene.facade() as facade:
        facade.halt("prices look wrong", account="MOCK-1")
        facade.execute_rebalance_plan(SPY)
        facade.unhalt("prices are right", account="MOCK-1")


def sold_alone(scene: Scene) -> None:
    with scene.facade() as facade:
        facade.halt("no more of that", reduce_only=True)
        facade.execute_rebalance_plan(a_plan(sell("SPY", "400"), buy("QQQ", "300")))


def canceled(scene: Scene) -> None:
    asyncio.run(scene.crash_after("order_recorded", SPY))
    with scene.facade() as facade:
        facade.cancel("plan-1", "not today")


def at_stage(stage: Stage | None, *faults: On, **figures: Any) -> Scene:
    """Give a scene whose account is live."""
    scene = Scene(*faults, **figures)
    scene.brokerage = live(scene.brokerage)
    if stage is not None:
        event = StageChanged(stage=stage, by="a test", reason="a test")
        asyncio.run(scene.ledger.append(account_stream(LIVE_ACCOUNT), [event], at=scene.clock.now()))
    return scene


def promoted(scene: Scene) -> None:
    with scene.facade() as facade:
        facade.promote(override="trusted")


def shadowed(scene: Scene) -> None:
    with scene.facade() as facade:
        facade.execute_rebalance_plan(SPY)
        for name in scene.shadows:
            facade.shadow("plan-1", name)


@contextmanager
def another_process(scene: Scene) -> Iterator[None]:
    """Let another process hold the account."""
    claiming = MemoryLedger(scene.store).claim(ACCOUNT, holder="another process", at=scene.clock.now())
    claim = asyncio.run(claiming)
    yield
    asyncio.run(claim.__aexit__(None, None, None))


def reconciled_while_busy(scene: Scene) -> None:
    execute(SPY)(scene)
    with another_process(scene), scene.facade() as facade:
        facade.reconcile("plan-1")


def with_strange_orders(scene: Scene) -> None:
    execute(SPY)(scene)
    for order in (a_new_order("QQQ", "2", name=f"{STEM}-9-1"), a_new_order("SPY", "1", name="human-1")):
        asyncio.run(scene.broker.place_order(order))
    with scene.facade() as facade:
        facade.reconcile("plan-1")


def silent(scene: Scene) -> None:
    asyncio.run(scene.crash_after("order_recorded", SPY))
    scene.clock.advance(3600)
    with another_process(scene), scene.facade() as facade:
        facade.watch()
        facade.watch()
    execute(SPY)(scene)


def overfilled() -> Scene:
    """Show the first order of a walk as canceled once, though it works on; then everything fills."""
    scene = Scene(
        On("cancel_order", IgnoreCancel(), nth=1),
        On("list_orders", ShowStatus(status=OrderStatus.CANCELED), nth=8),
        settings={"spread_bps": 20},
        style="walk",
        walk_step_s=5,
    )

    class Come(Fault):
        async def before(self, _call: Call) -> None:
            scene.broker.desk.let_fill("SPY")

    scene.script.add(On("list_orders", Come(), nth=10))
    return scene


def replaced() -> Scene:
    scene = Scene(On("place_order", FillOnly(Quantity(Decimal(1)))))
    script_replacement(scene, quantity="1.25")
    return scene


DRIVES: Final[list[Drive]] = [
    Drive(
        "a limit refuses the plan",
        ("ExecutionRefused",),
        lambda: Scene(max_plan_usd="500"),
        execute(SPY),
        (refused("0 of 1 lines filled, $0.00 of $1,000.00", "SPY | BUY BLOCKED LIMIT | $1,000.00"),),
    ),
    Drive(
        "the broker does not say which account it is",
        ("watching._raise",),
        lambda: Scene(On("get_account", DOWN)),
        execute(SPY),
        (Told(C, "plan 'plan-1': BROKER_UNAVAILABLE", "planfill doctor", ("nothing was sent",)),),
    ),
    Drive(
        "every order is refused",
        ("ExecutionCompleted",),
        lambda: Scene(On("place_order", POOR)),
        execute(TWO),
        (
            Told(
                C,
                "plan 'plan-1' FAILED: 0 of 2 lines filled, $0.00 of $1,600.00",
                SHOW,
                ("SPY | BUY REJECTED INSUFFICIENT_FUNDS | $1,000.00 | $0.00", "QQQ | BUY REJECTED"),
            ),
        ),
    ),
    Drive(
        "a line cannot be traded",
        ("ExecutionCompleted",),
        Scene,
        execute(a_plan(buy("SPY", "1000"), buy("NOPE", "500"))),
        (Told(W, "plan 'plan-1' PARTIAL: 1 of 2", SHOW, ("NOPE | BUY BLOCKED NOT_TRADABLE | $500.00",)),),
    ),
    Drive(
        "nobody knows what became of an order",
        ("ExecutionSuspended", "OrderUnresolved"),
        lambda: Scene(On("place_order", Fail(OutcomeUnknown("timed out"))), On("get_order_status", Fail())),
        execute(SPY),
        (
            Told(C, "nobody knows what became of order", RESUME, ("SPY | OUTCOME_UNKNOWN", "resolve")),
            Told(C, "plan 'plan-1' IN_DOUBT: 0 of 1", RESUME, ("SPY | BUY UNRESOLVED OUTCOME_UNKNOWN",)),
        ),
    ),
    Drive(
        "two plans of a halted account",
        ("Halted", "Unhalted", "ExecutionRefused"),
        Scene,
        halted_and_lifted,
        (
            Told(C, f"halted by {operator()}: nothing is sent on {ACCOUNT}", UNHALT, ("prices look wrong",)),
            refused("0 of 1", "SPY | BUY BLOCKED HALTED", "prices look wrong", todo=UNHALT),
            Told(W, "plan 'plan-1' was stopped: HALTED", SHOW, ("prices look wrong",)),
            Told(W, f"halt of {ACCOUNT} lifted by {operator()}", "", ("prices are right",)),
        ),
    ),
    Drive(
        "nothing is bought",
        ("Halted", "StopRequested", "ExecutionCompleted"),
        lambda: Scene(settings=HELD),
        sold_alone,
        (
            Told(C, f"halted by {operator()}: nothing is bought on any account", "planfill unhalt"),
            Told(W, "plan 'plan-1' buys nothing more: HALTED", SHOW),
            Told(C, "plan 'plan-1' HALTED: 1 of 2", "planfill unhalt", ("QQQ | BUY BLOCKED HALTED",)),
        ),
    ),
    Drive(
        "a breaker stops the plan",
        ("StopRequested", "health.warning"),
        lambda: Scene(On("place_order", Refuse()), breaker_rejections=2, breaker_min_sample=2, concurrency=1),
        execute(SIX),
        (
            Told(C, "plan 'plan-1': BREAKER", SHOW, ("2 of 2 orders failed",)),
            Told(C, "plan 'plan-1' HALTED: 0 of 6", SHOW, ("GLD | BUY BLOCKED BREAKER",)),
            Told(C, "plan 'plan-1' was stopped: BREAKER", SHOW),
        ),
    ),
    Drive(
        "a third of the orders fails",
        ("health.warning",),
        lambda: Scene(On("place_order", Refuse(), times=2)),
        execute(SIX),
        (
            Told(W, "plan 'plan-1': BREAKER", SHOW, ("2 of 6 orders failed",)),
            Told(W, "plan 'plan-1' PARTIAL: 4 of 6", SHOW),
        ),
    ),
    Drive(
        "somebody cancels what nobody drives any more",
        ("StopRequested",),
        lambda: Scene(On("place_order", NeverFill())),
        canceled,
        (
            Told(W, "plan 'plan-1' was stopped: CANCELED_BY_USER", SHOW, ("not today",)),
            Told(C, "plan 'plan-1' HALTED: 0 of 1", SHOW, ("SPY | BUY",)),
        ),
    ),
    Drive(
        "a plan of many turns is slow",
        ("ExecutionCompleted",),
        lambda: Scene(On("place_order", FillLate(115)), settings=HELD, sequencing="plan_order"),
        execute(IN_TURN),
        (Told(W, "plan 'plan-1' was slow", SHOW),),
    ),
    Drive(
        "the money is short",
        ("FundsAllotted", "ExecutionCompleted"),
        lambda: Scene(settings={"cash": "1200"}),
        execute(TWO),
        (
            Told(W, "plan 'plan-1': 2 buys cut by $4", SHOW, ("$1,194.00 may be spent", "SPY | allotted $")),
            Told(W, "plan 'plan-1' PARTIAL: 2 of 2", SHOW, ("SPY | BUY FILLED FUNDS_CUT",)),
        ),
    ),
    Drive(
        "a live account is promoted",
        ("StageChanged",),
        lambda: at_stage(None, rollout={"allow_live": True}),
        promoted,
        (
            Told(
                W,
                f"account {LIVE_ACCOUNT} is at stage canary now: {operator()}",
                "planfill rollout status",
                ("trusted (overridden)",),
            ),
        ),
    ),
    Drive(
        "a live account is thrown back",
        ("StageChanged", "staging.review"),
        lambda: at_stage(
            Stage.CANARY,
            On("place_order", Refuse(), times=1),
            rollout={"allow_live": True},
            breaker_rejections=1,
            breaker_min_sample=9,
            concurrency=1,
        ),
        execute(a_plan(*(buy(symbol, "15") for symbol in ("SPY", "QQQ", "GLD")))),
        (
            Told(W, f"account {LIVE_ACCOUNT} is at stage canary now: a test", "planfill rollout status"),
            Told(W, f"account {LIVE_ACCOUNT} is at stage paper now: by itself", "planfill rollout status"),
            Told(C, "ROLLOUT", "planfill rollout status", ("demoted to stage paper",)),
            Told(C, "plan 'plan-1' was stopped: BREAKER", SHOW),
            Told(C, "plan 'plan-1' HALTED: 0 of 3", SHOW),
        ),
    ),
    Drive(
        "a shadow does otherwise",
        ("ShadowCompared",),
        lambda: Scene(shadows={"old": Other(), "broken": Broken()}),
        shadowed,
        (
            Told(W, "plan 'plan-1' differs from shadow old", "planfill shadow report", ("1 differences",)),
            Told(W, "plan 'plan-1' differs from shadow broken", "planfill shadow report", ("it is gone",)),
        ),
    ),
    Drive(
        "the broker does not tell its record",
        ("reconciling._look",),
        lambda: Scene(On("list_fills", DOWN)),
        execute(SPY),
        (Told(W, "plan 'plan-1': RECONCILIATION", RECONCILE, ("does not tell its record: nobody answers",)),),
    ),
    Drive(
        "somebody else executes while an execution is to be reconciled",
        ("reconciling._skipped",),
        Scene,
        reconciled_while_busy,
        (Told(W, "RECONCILIATION", "planfill reconcile", ("plan 'plan-1' is not reconciled", "another")),),
    ),
    Drive(
        "the broker has orders that we have not",
        ("reconciling._alert",),
        Scene,
        with_strange_orders,
        (
            Told(C, "plan 'plan-1': RECONCILIATION", RECONCILE, ("QQQ | RECONCILIATION",)),
            Told(W, "plan 'plan-1': RECONCILIATION", RECONCILE, ("SPY | RECONCILIATION", "human-1")),
        ),
    ),
    Drive(
        "a run was killed",
        ("watching._raise",),
        Scene,
        lambda scene: asyncio.run(scene.crash_after("order_recorded", SPY)),
        (Told(C, "plan 'plan-1': STUCK", RESUME, ("it has no end and nobody drives it",)),),
    ),
    Drive(
        "a run records nothing any more",
        ("watching._raise",),
        Scene,
        silent,
        (Told(C, "plan 'plan-1': STUCK", RESUME, ("nothing was recorded since", "another process")),),
    ),
    Drive(
        "more is held than the plan sells",
        ("preparing._warnings",),
        lambda: Scene(settings={"holdings": {"SPY": "100"}}),
        execute(a_plan(sell("SPY", "2890", target_value="0"))),
        (Told(W, "plan 'plan-1': MORE_HELD_THAN_PLANNED", SHOW, ("SPY | MORE_HELD_THAN_PLANNED",)),),
    ),
    Drive(
        "an order is large for what is shown",
        ("preparing._warnings",),
        lambda: Scene(settings={"quote_size": "5"}, max_quote_size_pct="45"),
        execute(TWO),
        (Told(W, "plan 'plan-1': THIN_QUOTE", SHOW, ("SPY | THIN_QUOTE",)),),
    ),
    Drive(
        "the plan waits for the session",
        ("waiting.wait_for_session",),
        lambda: Scene(settings={"opens_at": "2021-03-31T15:10:20Z"}, market_closed="wait"),
        execute(SPY),
        (Told(W, "plan 'plan-1': MARKET_CLOSED", SHOW, ("the plan waits",)),),
    ),
    Drive(
        "nobody says what was held before",
        ("holdings._read",),
        lambda: Scene(On("get_positions", DOWN, nth=1)),
        execute(SPY),
        (Told(W, "plan 'plan-1': RECONCILIATION", RECONCILE, ("nobody says what was held before",)),),
    ),
    Drive(
        "our name stands on an order that is not ours",
        ("following.alarm",),
        lambda: Scene(On("place_order", Fail(OrderConflict("another order bears this id")))),
        execute(SPY),
        (
            Told(C, "plan 'plan-1': ORDER_CONFLICT", SHOW, ("SPY | ORDER_CONFLICT",)),
            Told(C, "plan 'plan-1' FAILED: 0 of 1", SHOW, ("SPY | BUY REJECTED ORDER_CONFLICT",)),
        ),
    ),
    Drive(
        "somebody replaces an order",
        ("following.news",),
        replaced,
        execute(SPY),
        (
            Told(C, "plan 'plan-1': REPLACED", SHOW, ("SPY | REPLACED",)),
            Told(W, "plan 'plan-1' PARTIAL: 0 of 1", SHOW, ("SPY | BUY PARTIALLY_FILLED REPLACED",)),
        ),
    ),
    Drive(
        "an order fills after its end",
        ("following.news",),
        lambda: Scene(
            On("place_order", FillLate(5), symbol="SPY"),
            On("place_order", ShowStatus(status=OrderStatus.CANCELED), symbol="SPY"),
            On("place_order", FillLate(30), symbol="QQQ"),
        ),
        execute(TWO),
        (Told(C, "plan 'plan-1': LATE_FILL", RECONCILE, ("SPY | LATE_FILL", "after it had ended")),),
    ),
    Drive(
        "an order arrives that had never got there",
        ("following.news",),
        lambda: Scene(
            On("place_order", DeliverLate(5, BrokerUnavailable("refused")), symbol="SPY"),
            On("place_order", FillLate(30), symbol="QQQ"),
        ),
        execute(TWO),
        (Told(C, "plan 'plan-1': OUTCOME_UNKNOWN", SHOW, ("SPY | OUTCOME_UNKNOWN",)),),
    ),
    Drive(
        "an order of a walk fills that was canceled",
        ("following.news", "health._overfills"),
        overfilled,
        execute(SPY),
        (
            Told(C, "plan 'plan-1': LATE_FILL", RECONCILE, ("SPY | LATE_FILL",)),
            Told(C, "plan 'plan-1': OVERFILL", SHOW, ("SPY | OVERFILL", "filled 4.995004994 shares of 2.49")),
            Told(W, "plan 'plan-1' PARTIAL: 1 of 1", SHOW, ("SPY | BUY FILLED | $1,000.00 | $1,99",)),
        ),
    ),
]
