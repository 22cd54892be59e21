"""One row for every sequence of answers: the order is there once, and what is said of it is true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import product

import anyio
import pytest

from planfill.adapters.brokers.wrappers.stack import stack
from planfill.application.ports.broker import Broker
from planfill.application.ports.limiter import RequestLimiter
from planfill.application.run import Sending
from planfill.application.stopping import StopSignal
from planfill.domain.errors import (
    BrokerUnavailable,
    NotPermitted,
    OrderConflict,
    OrderHidden,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
)
from planfill.domain.order import Order
from planfill.domain.outcome import Reason
from planfill.domain.report import ExecutionReport
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import a_report, an_order
from planfill.testing.clock import VirtualClock

ANSWERS = {
    "A": "arrives, and is answered",
    "L": "arrives, and the answer is lost",
    "G": "is gone on the way",
    "D": "is refused as a connection",
    "X": "arrives two seconds later, unanswered",
    "R": "is refused by the broker",
}
LATE_S = 2.0
CERTAIN_S = 3.0
SEQUENCES = ["".join(letters) for n in range(1, 5) for letters in product(ANSWERS, repeat=n)]


class World(Broker):
    """A broker that answers by the letter; ``after`` is its answer once the letters are used up."""

    def __init__(self, clock: VirtualClock, letters: str, after: str, *, unique_ids: bool) -> None:
        self.clock = clock
        self.letters = list(letters)
        self.after = after
        self.unique_ids = unique_ids
        self.arrivals: list[float] = []
        self.refused = False
        self.sent: list[Order] = []

    @property
    def orders(self) -> int:
        """How many orders the broker has, now."""
        arrived = sum(at <= self.clock.monotonic() for at in self.arrivals)
        return min(arrived, 1) if self.unique_ids else arrived

    async def place_order(self, order: Order) -> ExecutionReport:
        self.sent.append(order)
        letter = self._next()
        if letter == "D":
            raise BrokerUnavailable(letter)
        if letter == "R" and not self.orders:
            self.refused = True
            raise OrderRejected(letter)
        if letter == "X":
            self.arrivals.append(self.clock.monotonic() + LATE_S)
        elif letter != "G":
            self.arrivals.append(self.clock.monotonic())
        if letter in "LGX":
            raise OutcomeUnknown(letter)
        return a_report(order)

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        letter = self._next()
        if letter in "LGX":
            raise OutcomeUnknown(letter)
        if letter == "D":
            raise BrokerUnavailable(letter)
        if not self.orders:
            raise OrderNotFound(client_order_id)
        return a_report(self.sent[0])

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        self.letters.append(client_order_id)

    def _next(self) -> str:
        return self.letters.pop(0) if self.letters else self.after


class Run(Sending):
    """A run with time enough, or with little."""

    def __init__(self, clock: VirtualClock, seconds: float, *, doubted: bool = False) -> None:
        self.clock = clock
        self.until = clock.monotonic() + seconds
        self.doubted = doubted
        self.closed = False
        self.answers: list[bool] = []

    @property
    def certainty_s(self) -> float:
        return CERTAIN_S

    async def permit(self, order: Order) -> None:
        if self.closed or self.is_over(order):
            raise NotPermitted(Reason.DEADLINE, "its time was over")

    def is_over(self, order: Order) -> bool:
        return self.clock.monotonic() >= self.until

    def may_be_there(self, order: Order) -> bool:
        return self.doubted

    def heard(self, *, answered: bool) -> None:
        self.answers.append(answered)


async def _place(world: World, run: Run) -> object:
    """Give the report, or the error that came instead; then let everything arrive that is under way."""
    outcome: object
    try:
        outcome = await stack(world, run, world.clock).place_order(an_order())
    except (BrokerUnavailable, OutcomeUnknown, OrderRejected) as e:
        outcome = e
    world.clock.advance(LATE_S)
    return outcome


@pytest.mark.parametrize("unique_ids", [True, False], ids=["unique", "not unique"])
@pytest.mark.parametrize("length", range(1, 5))
def test_with_time_enough_the_truth_comes_out(length: int, unique_ids: bool) -> None:  # noqa: FBT001
    async def check(letters: str) -> None:
        clock = VirtualClock()
        world = World(clock, letters, "A", unique_ids=unique_ids)
        outcome = await _place(world, Run(clock, 3600))
        assert world.orders == (0 if isinstance(outcome, OrderRejected) else 1), letters
        assert isinstance(outcome, ExecutionReport | OrderRejected), letters
        if isinstance(outcome, OrderRejected):
            assert world.refused, letters
        assert len(set(world.sent)) == 1, letters

    async def check_all() -> None:
        for letters in SEQUENCES:
            if len(letters) == length:
                await check(letters)

    anyio.run(check_all)


@pytest.mark.parametrize("after", ["G", "D"])
@pytest.mark.parametrize("unique_ids", [True, False], ids=["unique", "not unique"])
def test_with_little_time_nothing_untrue_is_said(after: str, unique_ids: bool) -> None:  # noqa: FBT001
    async def check(letters: str) -> None:
        clock = VirtualClock()
        world = World(clock, letters, after, unique_ids=unique_ids)
        outcome = await _place(world, Run(clock, 4))
        assert world.orders <= 1, letters
        if isinstance(outcome, BrokerUnavailable | OrderRejected):
            assert world.orders == 0, (letters, outcome)
        if isinstance(outcome, ExecutionReport):
            assert world.orders == 1, letters

    async def check_all() -> None:
        for letters in SEQUENCES:
            await check(letters)

    anyio.run(check_all)


async def test_an_order_that_an_earlier_run_may_have_sent_is_looked_for_when_it_is_refused() -> None:
    clock = VirtualClock()
    world = World(clock, "R", "A", unique_ids=True)
    world.sent.append(an_order())
    world.arrivals.append(1.0)
    outcome = await _place(world, Run(clock, 60, doubted=True))
    assert isinstance(outcome, ExecutionReport)


async def test_a_refusal_of_a_first_send_is_final_at_once() -> None:
    clock = VirtualClock()
    world = World(clock, "R", "A", unique_ids=True)
    assert isinstance(await _place(world, Run(clock, 60)), OrderRejected)
    assert len(world.sent) == 1
    assert world.clock.monotonic() == LATE_S


async def test_what_the_gate_refuses_at_once_keeps_its_reason() -> None:
    clock = VirtualClock()
    run = Run(clock, 60)
    run.closed = True
    outcome = await _place(World(clock, "", "A", unique_ids=True), run)
    assert isinstance(outcome, NotPermitted)
    assert outcome.reason is Reason.DEADLINE


async def test_what_the_gate_refuses_after_failures_names_the_failure() -> None:
    clock = VirtualClock()
    run = Run(clock, 60)

    class Closing(World):
        async def place_order(self, order: Order) -> ExecutionReport:
            run.closed = True
            return await super().place_order(order)

    outcome = await _place(Closing(clock, "D", "A", unique_ids=True), run)
    assert isinstance(outcome, NotPermitted)
    assert outcome.reason is Reason.BROKER_UNAVAILABLE
    assert str(outcome) == "D; its time was over"


async def test_an_order_that_the_broker_has_and_does_not_show_stays_unknown_and_is_not_sent_again() -> None:
    clock = VirtualClock()

    class Hiding(World):
        async def place_order(self, order: Order) -> ExecutionReport:
            self.sent.append(order)
            raise OrderHidden("it must be unique, and is not shown")

    world = Hiding(clock, "", "A", unique_ids=True)
    outcome = await _place(world, Run(clock, 60))
    assert type(outcome) is OutcomeUnknown
    assert len(world.sent) == 1
    assert clock.monotonic() >= 60


async def test_what_the_records_do_not_reach_back_to_stays_unknown_and_is_not_sent_again() -> None:
    clock = VirtualClock()

    class Forgetful(World):
        async def place_order(self, order: Order) -> ExecutionReport:
            self.sent.append(order)
            raise OutcomeUnknown("the connection was lost")

        async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
            raise OrderNotFound("not today", since=clock.now())

    world = Forgetful(clock, "", "A", unique_ids=False)
    outcome = await _place(world, Run(clock, 60))
    assert type(outcome) is OutcomeUnknown
    assert len(world.sent) == 1


class Turns(RequestLimiter):
    """Gives no turn for a while."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.taken: list[float] = []

    async def turn(self, *, urgent: bool = False) -> None:
        assert not urgent
        await self.clock.sleep(30)
        self.taken.append(self.clock.monotonic())

    def free(self) -> int:
        return 0

    async def ready(self) -> None:
        raise NotImplementedError


async def test_an_order_waits_for_its_turn_before_the_gate_looks_at_it() -> None:
    clock = VirtualClock()
    turns = Turns(clock)

    class Paced(Run):
        @property
        def limiter(self) -> RequestLimiter:
            return turns

    world = World(clock, "", "A", unique_ids=True)
    outcome = await _place(world, Paced(clock, 20))
    assert isinstance(outcome, NotPermitted)
    assert (turns.taken, world.sent) == ([30], [])
    broker = stack(world, Paced(clock, 60), clock)
    assert (await broker.place_order(an_order())).client_order_id == an_order().client_order_id
    await broker.get_order_status(ClientOrderId("pf-1"))
    await broker.cancel_order(ClientOrderId("pf-1"))
    assert len(turns.taken) == 2


async def test_where_turns_are_free_an_order_takes_one_without_waiting() -> None:
    clock = VirtualClock()

    class Free(Turns):
        async def turn(self, *, urgent: bool = False) -> None:
            assert not urgent
            self.taken.append(self.clock.monotonic())

        def free(self) -> int:
            return 1

    turns, world = Free(clock), World(clock, "", "A", unique_ids=True)
    broker = stack(world, Stoppable(clock, turns, 60), clock)
    assert (await broker.place_order(an_order())).client_order_id == an_order().client_order_id
    assert turns.taken == [0]


class Stoppable(Run):
    """A run that somebody stops while orders wait for a turn."""

    def __init__(self, clock: VirtualClock, turns: Turns, seconds: float) -> None:
        super().__init__(clock, seconds)
        self.turns = turns
        self.stop = StopSignal()

    @property
    def limiter(self) -> RequestLimiter:
        return self.turns

    async def unless_stopped(self, waiting: Callable[[], Awaitable[None]]) -> None:
        await self.stop.or_done(waiting())

    async def permit(self, order: Order) -> None:
        if self.stop.reason is not None:
            raise NotPermitted(self.stop.reason, self.stop.detail)
        await super().permit(order)


async def test_a_stop_waits_for_nobodys_turn() -> None:
    clock = VirtualClock()

    class Busy(Turns):
        async def turn(self, *, urgent: bool = False) -> None:
            run.stop.request(Reason.INTERRUPTED, "interrupted")
            await anyio.Event().wait()

    turns = Busy(clock)
    run, world = Stoppable(clock, turns, 3600), World(clock, "", "A", unique_ids=True)
    with anyio.fail_after(5):
        outcome = await _place(world, run)
    assert isinstance(outcome, NotPermitted)
    assert (outcome.reason, world.sent) == (Reason.INTERRUPTED, [])


async def test_an_order_whose_time_is_over_takes_no_turn_of_another() -> None:
    clock = VirtualClock()
    turns = Turns(clock)
    world = World(clock, "", "A", unique_ids=True)
    assert isinstance(await _place(world, Stoppable(clock, turns, 0)), NotPermitted)
    assert (turns.taken, world.sent) == ([], [])


async def test_a_conflict_passes_as_it_is() -> None:
    clock = VirtualClock()

    class Conflicting(World):
        async def place_order(self, order: Order) -> ExecutionReport:
            raise OrderConflict(order.client_order_id)

    with pytest.raises(OrderConflict):
        await stack(Conflicting(clock, "", "A", unique_ids=True), Run(clock, 60), clock).place_order(
            an_order()
        )


async def test_asking_and_cancelling_pass_through_the_whole_stack() -> None:
    clock = VirtualClock()
    world = World(clock, "A", "A", unique_ids=True)
    broker = stack(world, Run(clock, 60), clock)
    await broker.cancel_order(ClientOrderId("pf-1"))
    with pytest.raises(OrderNotFound):
        await broker.get_order_status(ClientOrderId("pf-1"))
    assert world.letters == ["pf-1"]
