"""What the parts of one run share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, ParamSpec, Protocol, TypeVar

import anyio

from planfill.application.journal import Journal
from planfill.application.ports.broker import Broker
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.application.ports.limiter import RequestLimiter
from planfill.application.stopping import StopSignal
from planfill.domain.breakers import failing
from planfill.domain.errors import BrokerConnectionError, ExecutionError, LedgerError, NotPermitted
from planfill.domain.events import Event
from planfill.domain.order import Order
from planfill.domain.outcome import Reason
from planfill.domain.policy import Policy
from planfill.domain.state import ExecutionState

if TYPE_CHECKING:
    from planfill.application.limiting import Limits


class Sending(Protocol):
    """What the wrappers around a broker ask of the run whose orders pass through them."""

    @property
    def limiter(self) -> RequestLimiter | None:
        """What paces the orders; None where the broker takes as many as there are."""
        return None

    @property
    @abstractmethod
    def certainty_s(self) -> float:
        """How long after a send a look-up that finds nothing proves that the order is not there."""

    @abstractmethod
    async def permit(self, order: Order) -> None:
        """Let an order pass to the broker, or raise ``NotPermitted``."""

    @abstractmethod
    def heard(self, *, answered: bool) -> None:
        """Take in whether the broker has answered a send."""

    @abstractmethod
    def is_over(self, order: Order) -> bool:
        """Tell whether nothing more may be tried for an order."""

    async def unless_stopped(self, waiting: Callable[[], Awaitable[None]]) -> None:
        """Wait, but no longer than until a stop is asked for, where one can be."""
        await waiting()

    @abstractmethod
    def may_be_there(self, order: Order) -> bool:
        """Tell whether an earlier send of the order, by whomever, may have reached the broker."""


Wrap = Callable[[Broker, Sending, Clock], Broker]
_Item = TypeVar("_Item")
_P = ParamSpec("_P")
_T = TypeVar("_T")
_CLOCK_SKEW: Final = timedelta(minutes=5)


async def ask(question: Callable[_P, Awaitable[_T]], *args: _P.args, **rest: _P.kwargs) -> _T:
    """
    Ask the broker something; what an adapter did not foresee is no answer.

    Raises:
        BrokerConnectionError: It could not be asked.
        OrderNotFound: As the broker's answer.

    """
    try:
        return await question(*args, **rest)
    except ExecutionError:
        raise
    except Exception as e:
        msg = f"{type(e).__name__} in the adapter"
        raise BrokerConnectionError(msg) from e


@dataclass(slots=True)
class Run(Sending):
    """One run of one execution: its state, its record, its broker, its clock."""

    brokerage: Brokerage
    clock: Clock
    policy: Policy
    journal: Journal
    stop: StopSignal
    glance: Callable[[], None]
    """Sees whether somebody else has asked for a stop."""
    limits: Limits
    _unanswered: int = 0
    linted: bool = False
    """Whether the rules that the plan would break have been told in this run."""

    @property
    def limiter(self) -> RequestLimiter | None:
        """What paces the orders; None where the broker takes as many as there are."""
        return self.brokerage.limiter

    @property
    def state(self) -> ExecutionState:
        """The state of the execution now."""
        return self.journal.state

    @property
    def since(self) -> datetime:
        """From when on the broker's lists are read: before the first order, whatever its clock says."""
        return (self.state.started_at or self.clock.now()) - _CLOCK_SKEW

    @property
    def largest_wave(self) -> int | None:
        """How many orders can be sent now, while their quotes are fresh; None where nothing bounds it."""
        rate = self.brokerage.capabilities.requests_per_minute
        fresh = None if rate is None else max(1, int(rate * self.policy.execution.max_quote_age_s / 60))
        free = None if self.limiter is None else self.limiter.free()
        return min((bound for bound in (fresh, free) if bound is not None), default=None)

    async def room(self) -> None:
        """Wait until an order can be sent, no longer than until a stop is asked for."""
        if self.limiter is not None and not self.limiter.free():
            await self.unless_stopped(self.limiter.ready)

    @property
    def concurrency(self) -> int:
        """How many orders may be on their way: none waits between the gate and the broker."""
        most, own = self.policy.execution.concurrency, self.brokerage.capabilities.concurrency
        return most if own is None else min(most, own)

    async def ask(self, question: Callable[_P, Awaitable[_T]], *args: _P.args, **rest: _P.kwargs) -> _T:
        """Ask the broker something, as ``ask`` does."""
        return await ask(question, *args, **rest)

    def counted(self) -> tuple[Event, ...]:
        """Give what was counted, to be recorded with the end; nothing where nobody counts."""
        tally = self.brokerage.tally
        return () if tally is None else (tally.take(self.journal.commits + 1),)

    async def note(self, *events: Event) -> None:
        """
        Record what happened.

        Raises:
            LedgerError: It is not durable; nothing more may be sent.

        """
        if events:
            await self.journal.record(*events)

    @property
    def certainty_s(self) -> float:
        """How long after a send a look-up that finds nothing proves that the order is not there."""
        return self.brokerage.capabilities.certainty_s

    def is_over(self, order: Order) -> bool:
        """Tell whether nothing more may be tried for an order."""
        late = self.clock.now() >= self.state.orders[order.client_order_id].deadline
        return late or self.stop.against(order.side) is not None

    async def unless_stopped(self, waiting: Callable[[], Awaitable[None]]) -> None:
        """Wait, but no longer than until a stop is asked for."""
        await self.stop.or_done(waiting())

    def may_be_there(self, order: Order) -> bool:
        """Tell whether an earlier run may have brought the order to the broker."""
        return self.state.orders[order.client_order_id].was_doubted

    async def permit(self, order: Order) -> None:
        """
        Let an order pass to the broker, or not: the last thing before each send and each resend.

        Raises:
            NotPermitted: A stop was asked for, the quote is too old, the order's time is over, the last
                orders have failed, or a limit would be exceeded.

        """
        now = self.clock.now()
        self.glance()
        if stopped := self.stop.against(order.side):
            raise NotPermitted(stopped.reason, stopped.detail)
        age = (now - order.quoted_at).total_seconds()
        if age > self.policy.execution.max_quote_age_s:
            raise NotPermitted(Reason.STALE_PRICE, f"its quote is {age:.0f} s old")
        if now >= self.state.orders[order.client_order_id].deadline:
            raise NotPermitted(Reason.DEADLINE, "its time was over before it was sent")
        if sick := failing(self.state, self.policy.limits, self._unanswered):
            self.stop.request(sick.reason, sick.detail)
            raise NotPermitted(sick.reason, sick.detail)
        self.limits.permit(order, self.state.orders[order.client_order_id].sizing, now)

    def heard(self, *, answered: bool) -> None:
        """Count the sends in a row that the broker has not answered."""
        self._unanswered = 0 if answered else self._unanswered + 1

    async def each(self, items: Sequence[_Item], do: Callable[[_Item], Awaitable[None]]) -> None:
        """
        Do something with every item, as many at once as the settings and the broker allow.

        A ledger that fails lets what is on its way come back, and nothing new go out.
        """
        queue, failures = iter(items), list[LedgerError]()

        async def work() -> None:
            for item in queue:
                try:
                    await do(item)
                except LedgerError as e:
                    failures.append(e)
                if failures:
                    return

        async with anyio.create_task_group() as group:
            for _ in range(min(self.concurrency, len(items))):
                group.start_soon(work)
        if failures:
            raise failures[0]
