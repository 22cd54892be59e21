"""Following working orders to their end: the feed tells, one list call fills its gaps, deadlines cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.application.asking import Pushed, fills
from planfill.domain.errors import BrokerConnectionError, OrderNotFound
from planfill.domain.events import CancelRequested
from planfill.domain.following import given_up, news, overdue
from planfill.domain.outcome import Reason

if TYPE_CHECKING:
    from planfill.application.ports.broker import Broker
    from planfill.application.run import Run
    from planfill.domain.events import Event
    from planfill.domain.state import OrderState

_GROWTH: Final = 1.5


class Tracker:
    """Asks what became of the orders; the longer nothing happens, the less often."""

    def __init__(self, run: Run, broker: Broker) -> None:
        self._run = run
        self._broker = broker
        self._pause_s = run.policy.execution.poll_s
        self._pushed = Pushed(run)

    async def track(self) -> None:
        """Hear or look once: record what is new, cancel what is overdue, give up on what stays silent."""
        run, policy = self._run, self._run.policy.execution
        found = await self._pushed.news(self._pause_s) or await self._look()
        self._pause_s = policy.poll_s if found else min(self._pause_s * _GROWTH, policy.poll_max_s)
        await run.note(*found)
        await run.each(overdue(run.state, run.clock.now()), self._cancel)
        await run.note(*given_up(run.state, run.clock.now(), policy.cancel_grace_s))

    async def _look(self) -> list[Event]:
        """Read the broker's list; absence from it proves nothing, nor does a failure to read it."""
        if not any(order.is_open for order in self._run.state.orders.values()):
            return []
        records, since = self._run.brokerage.records, self._run.since
        try:
            reports = await self._run.ask(records.list_orders, since)
        except BrokerConnectionError:
            return []
        return list(news(self._run.state, reports, await fills(self._run)))

    async def _cancel(self, order: OrderState) -> None:
        """Ask for a cancel; where the broker does not take it, or does not see the order yet, again later."""
        name, stop = order.order.client_order_id, self._run.state.stop_of(order.order.side)
        try:
            await self._run.ask(self._broker.cancel_order, name)
        except (BrokerConnectionError, OrderNotFound):
            return
        reason = stop.reason if stop else Reason.DEADLINE
        await self._run.note(CancelRequested(client_order_id=name, reason=reason))
