"""
Crash points: one run of a mixed plan, each of its side effects, and what must be equal after a crash there.

A side effect is what outlives the process: a commit of the ledger, a call that changes something at the
broker. ``Points`` counts them and ends the process at one; ``MemoryWorld`` does so in this process, and
``killing`` by SIGKILL. ``outcomes.Outcome`` is what a crash must not change.
"""

from __future__ import annotations

import gc
import heapq
import importlib
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self, TypeVar

from outcomes import Book, Outcome, check_chains, check_record, outcome, rows_in_memory
from stage import PRICES, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock import MockBroker, MockSettings, On, Script
from planfill.adapters.brokers.mock.desk import Desk
from planfill.adapters.brokers.mock.exchange import Exchange
from planfill.adapters.brokers.mock.faults import FillOnly, LoseAnswer, NeverFill, Refuse, RejectLate
from planfill.adapters.brokers.mock.handling import Handling
from planfill.adapters.brokers.mock.script import Call
from planfill.adapters.brokers.wrappers.stack import stack
from planfill.adapters.ledgers.memory import MemoryLedger, MemoryStore
from planfill.application.execute import ExecutePlan
from planfill.application.ports.broker import Broker
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.application.ports.listener import EventListener
from planfill.application.queries import Executions
from planfill.application.stopping import StopSignal
from planfill.domain.errors import PlanUnknown
from planfill.domain.events import Recorded
from planfill.domain.order import Order
from planfill.domain.policy import ExecutionPolicy, Policy
from planfill.domain.reading import read_plan
from planfill.domain.report import ExecutionReport
from planfill.domain.result import ExecutionResult
from planfill.domain.values import ClientOrderId, Quantity
from planfill.testing.clock import VirtualClock

_T = TypeVar("_T")
Drive = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""Runs a program that forks (its name, its job), and gives what it found."""
Note = Callable[[str, object], None]
"""Keeps something for the summary at the end of the run."""
HOLDER: Final = "a crash test"
DELIVERY_S: Final = 2.0
"""How late the broker says that a request may arrive; what a crash leaves on the way arrives just before."""
_JUST_BEFORE_S: Final = 0.05


def prepare_to_fork(modules: Path) -> None:
    """Import what a child has imported (its ``sys.modules``, line by line), so that not every child must."""
    for name in modules.read_text().splitlines():
        if name.startswith(("anyio.", "asyncio.", "sqlalchemy.", "alembic.", "planfill.", "pydantic.")):
            importlib.import_module(name)
    gc.freeze()  # what is here already is never garbage: children need no copy of it


class Scenario(NamedTuple):
    """A plan, the exchange on which it is executed, and what goes wrong there."""

    plan: dict[str, Any]
    settings: dict[str, Any]
    faults: tuple[On, ...]
    policy: Policy
    latency_s: float = 0.02
    downtime_s: float = 0.5
    """How long it takes until somebody starts the program again."""

    def with_settings(self, **settings: Any) -> Scenario:
        """Change something about the exchange."""
        return self._replace(settings=self.settings | settings)

    def with_deadline(self, seconds: float) -> Scenario:
        """Let orders work so long."""
        execution = {**dict(self.policy.execution), "order_deadline_s": seconds}
        return self._replace(policy=Policy.model_validate({"execution": execution}))

    def exchange(self, clock: Clock, book: Path | None) -> MockBroker:
        """Open the exchange; ``book`` is its file, None keeps it in memory."""
        settings = {**self.settings, "book": str(book) if book else ":memory:"}
        return MockBroker(MockSettings.model_validate(settings), clock, Script(*self.faults))


_POLICY: Final = Policy(
    execution=ExecutionPolicy(order_deadline_s=3, poll_s=0.5, poll_max_s=1, funding_wait_s=5)
)
# Every order fills in two steps, 0.2 seconds apart, and the proceeds of a sale show a second later.
_EXCHANGE: Final = {
    "prices": PRICES,
    "cash": "500",
    "holdings": {"SPY": "10", "XOM": "40", "GLD": "5"},
    "fill_delay_s": 0.2,
    "partial_fills": 1.0,
    "proceeds_delay_s": 1.0,
    "max_delivery_delay_s": DELIVERY_S,
}
MIXED: Final = Scenario(
    plan=a_plan(
        sell("SPY", "4000", target_weight="0"),
        sell("XOM", "1000"),
        hold("GLD"),
        buy("QQQ", "1500"),
        buy("IWM", "800"),
        buy("TLT", "1000"),
    ),
    settings=_EXCHANGE,
    faults=(
        On("place_order", FillOnly(Quantity(Decimal(12))), symbol="XOM"),
        On("place_order", LoseAnswer(), symbol="QQQ", nth=1),
        On("place_order", Refuse(), symbol="IWM"),
        On("place_order", NeverFill(), symbol="TLT"),
    ),
    policy=_POLICY,
)
"""A full exit, a sale that fills in part and is canceled, a hold, a fill whose answer is lost, a rejection,
and a buy that never fills and is canceled at its deadline."""
SMALL: Final = Scenario(
    plan=a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "1500"), buy("TLT", "1000")),
    settings=_EXCHANGE | {"partial_fills": 0, "proceeds_delay_s": 0},
    faults=(
        On("place_order", NeverFill(), symbol="QQQ"),
        On("place_order", RejectLate(), symbol="TLT"),
    ),
    policy=_POLICY,
)
"""Three orders, for crashes that come in pairs: filled, canceled at the deadline, rejected late."""
WALK: Final = Scenario(
    plan=a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "1500")),
    settings=_EXCHANGE | {"spread_bps": 20, "partial_fills": 0, "proceeds_delay_s": 0},
    faults=(),
    policy=Policy(
        execution=ExecutionPolicy(style="walk", walk_steps=2, walk_step_s=4, poll_s=0.5, poll_max_s=1)
    ),
)
"""A full exit and a buy, each of two orders: one that is canceled, and one for what that left."""


class Crash(BaseException):
    """The process is gone."""


class Points:
    """
    Counts the side effects of a process, and ends it at the ``fatal``-th (from 1).

    ``end`` does it; where that returns, the process only behaves as if it were gone: every later call fails.
    """

    def __init__(self, fatal: int | None = None, end: Callable[[], None] = lambda: None) -> None:
        self.reached: list[str] = []
        self.dead = False
        self._fatal = fatal
        self._end = end

    def alive(self) -> None:
        """Go on, unless the process is gone."""
        if self.dead:
            raise Crash

    def reach(self, what: str) -> None:
        """Come to a point where a process can be killed."""
        self.alive()
        self.reached.append(what)
        if len(self.reached) == self._fatal:
            self._end()
            self.dead = True
            raise Crash


class Letter(NamedTuple):
    """A request on its way to the broker when its sender dies, and when it arrives."""

    method: Literal["place_order", "cancel_order"]
    content: str
    at: datetime | None = None

    def effect(self, exchange: Exchange, now: datetime, handling: Handling) -> None:
        """Let it arrive."""
        if self.method == "place_order":
            exchange.place(Order.model_validate_json(self.content), now, handling)
        else:
            exchange.cancel(ClientOrderId(self.content), now)


class Wire(Broker):
    """
    The way to the broker, with its latency, and the points at which a process can die on it.

    Before it sends; with the request on its way (it arrives all the same, later); with the request
    accepted and the answer on its way; with the answer at hand. ``on_the_way`` is what was sent and has
    not arrived.
    """

    def __init__(self, inner: Broker, points: Points, clock: Clock, latency_s: float) -> None:
        self.on_the_way: list[Letter] = []
        self.sending = False
        self._inner = inner
        self._points = points
        self._clock = clock
        self._half_s = latency_s / 2

    async def place_order(self, order: Order) -> ExecutionReport:
        letter = Letter("place_order", order.model_dump_json())
        return await self._send(letter, order.symbol, self._inner.place_order, order)

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        self._points.alive()
        return await self._inner.get_order_status(client_order_id)

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        letter = Letter("cancel_order", client_order_id)
        await self._send(letter, client_order_id, self._inner.cancel_order, client_order_id)

    async def _send(self, letter: Letter, what: str, send: Callable[..., Awaitable[_T]], *args: object) -> _T:
        name = f"{letter.method} {what}"
        self._points.reach(f"{name}: before")
        self.on_the_way.append(letter)
        self.sending = True
        self._points.reach(f"{name}: sent")
        self.sending = False
        await self._clock.sleep(self._half_s)
        self._points.alive()
        self.on_the_way.remove(letter)
        try:
            return await send(*args)
        finally:
            self._points.reach(f"{name}: accepted, answer lost")
            await self._clock.sleep(self._half_s)
            self._points.reach(f"{name}: answered")

    def left(self, now: datetime) -> list[Letter]:
        """Give what arrives although its sender is gone: all that is on its way if it dies sending."""
        at = now + timedelta(seconds=DELIVERY_S - _JUST_BEFORE_S)
        return [letter._replace(at=at) for letter in self.on_the_way] if self.sending else []


async def deliver(letters: Iterable[Letter], desk: Desk, faults: Sequence[On]) -> None:
    """Have letters of a dead process arrive when they are due, treated as the exchange treats others."""
    for letter in letters:
        assert letter.at is not None
        call = Call(desk.clock, lambda _seconds: None)
        if letter.method == "place_order":
            symbol = Order.model_validate_json(letter.content).symbol
            for line in faults:
                if (line.method, line.symbol) == (letter.method, symbol):
                    await line.fault.before(call)
        heapq.heappush(desk._late, (letter.at, next(desk._tie), letter.effect, call.handling))


class Listener(EventListener):
    """Remembers the numbers of the events that it was told of."""

    name = "crash-test"

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell

    async def on_event(self, recorded: Recorded) -> None:
        self._tell(recorded.number)


async def live(
    scenario: Scenario,
    brokerage: Brokerage,
    ledger: Any,
    clock: Clock,
    tell: Callable[[int], None],
    *,
    resume: bool,
) -> ExecutionResult:
    """Be a process that executes the plan, or (``resume``) finishes what an earlier one has begun."""
    random.seed(7)  # the jitter of the retries, so that every run makes the same calls
    execute = ExecutePlan(
        brokerage=brokerage,
        ledger=ledger,
        cursors=ledger,
        clock=clock,
        policy=scenario.policy,
        listeners=(Listener(tell),),
        wrap=stack,
        holder=HOLDER,
    )
    if resume:
        try:
            key, plan = await Executions(ledger, clock).plan(scenario.plan["plan_id"])
        except PlanUnknown:
            pass  # it died before its first commit: there is nothing to resume
        else:
            return await execute(plan, StopSignal(), resuming=key)
    return await execute(read_plan(scenario.plan), StopSignal())


class Doomed:
    """
    A port whose calls fail once the process is gone; and each may be a point at which it goes.

    ``effects`` are the methods that change something: a point before, a point after. Of the others, where
    ``looks``, each call is a point too: nothing changes there, but time passes.
    """

    def __init__(
        self,
        inner: object,
        points: Points,
        *,
        name: str = "",
        effects: Sequence[str] = (),
        looks: bool = False,
    ) -> None:
        self._inner = inner
        self._points = points
        self._name = name
        self._effects = effects
        self._looks = looks

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)
        if not callable(found):
            return found
        if method in {"now", "monotonic"}:
            return self._now(found)
        return self._call(method, found)

    def _now(self, found: Callable[[], _T]) -> Callable[[], _T]:
        def tell() -> _T:
            self._points.alive()
            return found()

        return tell

    def _call(self, method: str, found: Callable[..., Awaitable[_T]]) -> Callable[..., Awaitable[_T]]:
        async def call(*args: Any, **rest: Any) -> _T:
            has_effect = method in self._effects
            if has_effect or self._looks:
                self._points.reach(f"{self._name}.{method}: before")
            self._points.alive()
            answer = await found(*args, **rest)
            self._points.alive()
            if has_effect:
                self._points.reach(f"{self._name}.{method}: after")
            return answer

        return call


class DoomedClaim:
    """A claim that a dead process does not give back."""

    def __init__(self, inner: Any, points: Points) -> None:
        self.account, self.fence = inner.account, inner.fence
        self._inner = inner
        self._points = points

    async def __aenter__(self) -> Self:
        self._points.alive()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._points.alive()
        await self._inner.__aexit__(*error)


class DoomedLedger(Doomed):
    """The ledger of a process that may end at any commit; its claims end with it, by ``aclose`` alone."""

    async def claim(self, *args: Any, **rest: Any) -> DoomedClaim:
        self._points.reach("ledger.claim: before")
        claim = await self._inner.claim(*args, **rest)  # type: ignore[attr-defined]
        self._points.reach("ledger.claim: after")
        return DoomedClaim(claim, self._points)


class MemoryWorld:
    """The exchange, the ledger and the time that outlive processes, all in this process's memory."""

    def __init__(self, scenario: Scenario, *, looks: bool = False) -> None:
        self.scenario = scenario
        self.looks = looks
        self.clock = VirtualClock()
        self.broker = scenario.exchange(self.clock, None)
        self.store = MemoryStore()
        self.told: list[int] = []

    async def run(
        self, fatal: int | None = None, *, resume: bool = False
    ) -> tuple[Points, ExecutionResult | None]:
        """Be one process, from its start to its end or to the ``fatal``-th point."""
        points, ledger = Points(fatal), MemoryLedger(self.store)
        clock: Any = Doomed(self.clock, points)
        wire = Wire(self.broker, points, clock, self.scenario.latency_s)
        port: Any = Doomed(self.broker, points, name="broker", looks=self.looks)
        family = Brokerage(
            broker=wire,
            records=port,
            market_data=port,
            account=port,
            instruments=port,
            hours=port,
            feed=port,
            capabilities=self.broker.capabilities,
        )
        book = DoomedLedger(
            ledger, points, name="ledger", effects=("append", "set_cursors"), looks=self.looks
        )
        try:
            result = await live(self.scenario, family, book, clock, self.told.append, resume=resume)
        except (Crash, BaseExceptionGroup) as e:
            if isinstance(e, BaseExceptionGroup) and (other := e.split(Crash)[1]):
                raise other from None
            result = None
        await ledger.aclose()
        if result is None:
            await deliver(wire.left(self.clock.now()), self.broker.desk, self.scenario.faults)
            self.clock.advance(self.scenario.downtime_s)
        return points, result

    def outcome(self, result: ExecutionResult) -> Outcome:
        """Give what must be equal, and check the record."""
        exchange = self.broker.desk.book.exchange
        numbers = {
            t.order.client_order_id: t.broker_order_id for t in exchange.blotter.tickets if not t.refusal
        }
        rows, heads = rows_in_memory(self.store)
        check_chains(rows, heads)
        check_record(rows, self.told)
        return outcome(result, Book.in_memory(exchange), {str(k): str(v) for k, v in numbers.items()}, rows)

    async def outcome_of_restart(self, *, resume: bool) -> Outcome:
        """Start once more and finish; then once more, which must change nothing."""
        _, result = await self.run(resume=resume)
        assert result is not None
        found = self.outcome(result)
        before = rows_in_memory(self.store)
        _, again = await self.run(resume=not resume)
        assert again == result
        assert rows_in_memory(self.store) == before
        assert self.outcome(again) == found
        return found
