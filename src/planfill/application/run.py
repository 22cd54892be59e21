"""What the parts of one run share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import anyio

from planfill.application.journal import Journal
from planfill.application.ports.broker import Broker
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.application.stopping import StopSignal
from planfill.domain.errors import LedgerError, NotPermitted
from planfill.domain.events import Event
from planfill.domain.order import Order
from planfill.domain.outcome import Reason
from planfill.domain.policy import Policy
from planfill.domain.state import ExecutionState

Permit = Callable[[Order], Awaitable[None]]
Wrap = Callable[[Broker, Permit], Broker]
_Item = TypeVar("_Item")
_CLOCK_SKEW: Final = timedelta(minutes=5)


@dataclass(slots=True)
class Run:
    """One run of one execution: its state, its record, its broker, its clock."""

    brokerage: Brokerage
    clock: Clock
    policy: Policy
    journal: Journal
    stop: StopSignal

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
        """How many orders can be sent while their quotes are fresh; None where nothing bounds it."""
        rate = self.brokerage.capabilities.requests_per_minute
        if rate is None:
            return None
        return max(1, int(rate * self.policy.execution.max_quote_age_s / 60))

    async def note(self, *events: Event) -> None:
        """
        Record what happened.

        Raises:
            LedgerError: It is not durable; nothing more may be sent.

        """
        if events:
            await self.journal.record(*events)

    async def permit(self, order: Order) -> None:
        """
        Let an order pass to the broker, or not: the last thing before each send and each resend.

        Raises:
            NotPermitted: A stop was asked for, the quote is too old, or the order's time is over.

        """
        now = self.clock.now()
        if self.stop.reason is not None:
            raise NotPermitted(self.stop.reason, self.stop.detail)
        age = (now - order.quoted_at).total_seconds()
        if age > self.policy.execution.max_quote_age_s:
            raise NotPermitted(Reason.STALE_PRICE, f"its quote is {age:.0f} s old")
        if now >= self.state.orders[order.client_order_id].deadline:
            raise NotPermitted(Reason.DEADLINE, "its time was over before it was sent")

    async def each(self, items: Sequence[_Item], do: Callable[[_Item], Awaitable[None]]) -> None:
        """
        Do something with every item, as many at once as the settings allow.

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
            for _ in range(min(self.policy.execution.concurrency, len(items))):
                group.start_soon(work)
        if failures:
            raise failures[0]
