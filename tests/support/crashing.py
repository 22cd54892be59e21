"""
Crash points: one run of a mixed plan, each of its side effects, and what must be equal after a crash there.

A side effect is what outlives the process: a commit of the ledger, a call that changes something at the
broker. ``Points`` counts them and ends the process at one; ``MemoryWorld`` does so in this process, and
``killing`` by SIGKILL. ``Outcome`` is what a crash must not change.
"""

from __future__ import annotations

import gc
import heapq
import importlib
import json
import random
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self, TypeVar

from stage import PRICES, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock import MockBroker, MockSettings, On, Script
from planfill.adapters.brokers.mock.desk import Desk
from planfill.adapters.brokers.mock.exchange import Exchange
from planfill.adapters.brokers.mock.faults import FillOnly, LoseAnswer, NeverFill, Refuse, RejectLate
from planfill.adapters.brokers.mock.handling import Handling
from planfill.adapters.brokers.mock.script import Call
from planfill.adapters.brokers.mock.ticket import Ticket
from planfill.adapters.brokers.wrappers.stack import stack
from planfill.adapters.ledgers.memory import MemoryLedger, MemoryStore
from planfill.application.execute import ExecutePlan
from planfill.application.ports.broker import Broker
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.application.ports.listener import EventListener
from planfill.application.queries import Executions
from planfill.application.stopping import StopSignal
from planfill.domain.chain import GENESIS, link
from planfill.domain.errors import PlanUnknown
from planfill.domain.events import Recorded
from planfill.domain.order import Order
from planfill.domain.outcome import Reason
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


class BookOrder(NamedTuple):
    """An order as the exchange has it; numbers as Decimal, so that 1 and 1.0 are equal."""

    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    status: str
    filled: Decimal
    paid_usd: Decimal
    fills: tuple[tuple[Decimal, Decimal], ...]


class Book(NamedTuple):
    """What stands at the exchange: its orders, whom it refused, positions and cash."""

    orders: tuple[BookOrder, ...]
    refused: frozenset[str]
    positions: dict[str, Decimal]
    cash_usd: Decimal

    @staticmethod
    def in_file(path: Path) -> Book:
        """Look into the file of the exchange, past all code of ours."""
        with closing(sqlite3.connect(path)) as db:
            found = db.execute(
                "SELECT broker_order_id, client_order_id, symbol, side, json_extract(terms, '$.quantity'), "
                "status, filled, paid_usd, refusal FROM orders ORDER BY number"
            ).fetchall()
            fills = db.execute(
                "SELECT broker_order_id, quantity, price FROM fills ORDER BY number"
            ).fetchall()
            positions = db.execute("SELECT symbol, quantity FROM positions").fetchall()
            (cash,) = db.execute("SELECT cash_usd FROM account").fetchone()
        return _book(found, fills, positions, cash)

    @staticmethod
    def in_memory(exchange: Exchange) -> Book:
        """Look into an exchange that has no file."""
        blotter, balances = exchange.blotter, exchange.balances

        def row(ticket: Ticket) -> tuple[object, ...]:
            order, quantity = ticket.order, ticket.order.quantity
            words = (order.client_order_id, order.symbol, order.side.value, quantity, ticket.status.value)
            return (ticket.broker_order_id, *words, ticket.filled, ticket.paid_usd, ticket.refusal)

        fills = [(trade.broker_order_id, trade.quantity, trade.price) for trade in blotter.trades]
        return _book(map(row, blotter.tickets), fills, balances.shares.items(), balances.cash_usd)


def _book(
    orders: Iterable[Sequence[Any]],
    fills: Iterable[Sequence[Any]],
    positions: Iterable[tuple[str, Any]],
    cash: object,
) -> Book:
    steps: dict[str, list[tuple[Decimal, Decimal]]] = {}
    for broker_order_id, quantity, price in fills:
        steps.setdefault(broker_order_id, []).append((Decimal(quantity), Decimal(price)))
    taken, refused = [], set()
    for broker_order_id, name, symbol, side, quantity, status, filled, paid, refusal in orders:
        if refusal:
            refused.add(name)
            continue
        own = tuple(steps.get(broker_order_id, ()))
        one = BookOrder(name, symbol, side, Decimal(quantity), status, Decimal(filled), Decimal(paid), own)
        taken.append(one)
    held = {symbol: Decimal(shares) for symbol, shares in positions if Decimal(shares)}
    return Book(tuple(sorted(taken)), frozenset(refused), held, Decimal(str(cash)))


class LedgerRow(NamedTuple):
    """One event as the ledger stores it."""

    stream: str
    number: int
    at: str
    hash: str
    payload: str


def rows_in_file(path: Path) -> tuple[list[LedgerRow], dict[str, str]]:
    """Read all events and the head of each stream, past all code of ours."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT stream, number, at, hash, payload FROM events ORDER BY stream, number")
        rows = [LedgerRow(*row) for row in found]
        heads = dict(db.execute("SELECT stream, head FROM streams").fetchall())
    return rows, heads


def rows_in_memory(store: MemoryStore) -> tuple[list[LedgerRow], dict[str, str]]:
    """Read all events of a ledger in memory."""
    rows = [
        LedgerRow(name, row.number, row.at, row.hash, row.payload)
        for name, stream in sorted(store.streams.items())
        for row in stream.rows
    ]
    return rows, {name: stream.head for name, stream in store.streams.items()}


def check_chains(rows: Iterable[LedgerRow], heads: dict[str, str]) -> None:
    """Recompute the chain of every stream, from its beginning to the head that is kept of it."""
    ends = dict.fromkeys(heads, (0, GENESIS))
    for row in rows:
        number, head = ends[row.stream]
        assert row.number == number + 1, f"{row.stream}: event {row.number} follows {number}"
        assert row.hash == link(head, row.stream, row.number, row.at, row.payload), row
        ends[row.stream] = (row.number, row.hash)
    assert {stream: head for stream, (_, head) in ends.items()} == heads


class Outcome(NamedTuple):
    """What a crash must not change."""

    result: dict[str, Any]
    book: Book

    def __str__(self) -> str:
        return json.dumps([self.result, self.book], default=str, indent=1)


# What is not compared, and why; anything else that differs is a fault.
_TIMES: Final = frozenset(
    {
        # A run that crashed ends later; one that crashed before its first commit also starts anew.
        "started_at",
        "finished_at",
        # The hash of the last record: that has a time in it, and a crash leaves a record of its own.
        "ledger_head",
    }
)
_NUMBERING: Final = frozenset(
    {
        # The exchange numbers orders as they come, and what is sent again comes later. That the number is
        # the one under which the exchange has the order of this name, ``outcome`` checks.
        "broker_order_id",
    }
)


def outcome(
    result: ExecutionResult, book: Book, numbers: dict[str, str], rows: Iterable[LedgerRow]
) -> Outcome:
    """
    Give what must be equal with and without a crash: everything that is said, and everything that is.

    Of the result all but the times and the numbering above. Of the exchange: every order under its name,
    with its terms, its end and its fills step by step, none twice; who was refused (how often does not
    matter: an exchange without unique ids is asked again whenever the answer was lost, and a refusal
    leaves nothing behind); positions; and cash to the last digit. Times and deadlines of orders are not
    compared: an order that is sent after the crash has a quote and a deadline of its own.

    One word of the result may differ. Where the process dies after the exchange has taken its cancel and
    before that is recorded, the ledger does not know who canceled: the reason is CANCELED, not DEADLINE.
    """
    names = [order.client_order_id for order in book.orders]
    assert len(set(names)) == len(names), f"an order stands twice at the exchange: {names}"
    told = result.model_dump(mode="json", exclude=set(_TIMES))
    canceled = {event["client_order_id"] for event in _events(rows) if event["kind"] == "cancel_requested"}
    for line in told["lines"]:
        name = line["client_order_id"]
        if name in names:
            assert line["broker_order_id"] == numbers[name], line
        if line["reason"] == Reason.CANCELED and name not in canceled:
            line["reason"] = Reason.DEADLINE.value
        for field in _NUMBERING:
            del line[field]
    return Outcome(told, book)


def _events(rows: Iterable[LedgerRow]) -> list[dict[str, Any]]:
    return [json.loads(row.payload) for row in rows if row.stream.startswith("execution/")]


def difference(found: Outcome, expected: Outcome) -> str:
    """Say in what an outcome differs."""
    pairs = zip(str(found).splitlines(), str(expected).splitlines(), strict=False)
    return "; ".join(f"{one.strip()} instead of {other.strip()}" for one, other in pairs if one != other)


def numbers_in_file(path: Path) -> dict[str, str]:
    """Read under which number the exchange has the order of each name."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT client_order_id, broker_order_id FROM orders WHERE refusal = ''")
        return dict(found.fetchall())


def check_record(rows: Sequence[LedgerRow], told: Iterable[int]) -> None:
    """Check that no order was recorded twice, and that the listener was told of every event."""
    recorded = [e["order"]["client_order_id"] for e in _events(rows) if e["kind"] == "order_recorded"]
    assert len(set(recorded)) == len(recorded), f"an order was recorded twice: {recorded}"
    assert set(told) == {row.number for row in rows if row.stream.startswith("execution/")}


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
