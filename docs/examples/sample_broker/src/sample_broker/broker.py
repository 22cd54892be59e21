"""Orders at the House, and its records of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.domain.errors import OrderNotFound
from planfill.domain.market import Capabilities
from sample_broker.wire import refusal, report, trade, understood, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.application.ports.clock import Clock
    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport, Fill
    from planfill.domain.values import ClientOrderId
    from sample_broker.wire import Wire

# Two orders of one name are two orders here: "not there" counts once what was sent cannot arrive any more.
CAPABILITIES: Final = Capabilities(unique_ids=False, max_delivery_delay_s=5, fractions=False, notional=False)
_NOT_FOUND: Final = 404
_BAD: Final = 400


class SampleBroker(Broker, BrokerRecords, ReportFeed):
    """Places orders at the House."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock

    async def place_order(self, order: Order) -> ExecutionReport:
        """Send the order."""
        status, answer = await self._wire.ask("POST", "/orders", written(order))
        if status >= _BAD:
            raise refusal(answer)
        return report(answer, self._clock.now())

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        """Ask for the order by our name for it."""
        status, answer = await self._wire.ask("GET", f"/orders/{client_order_id}")
        if status == _NOT_FOUND:
            raise OrderNotFound(f"the House has no order {client_order_id}")
        return report(answer, self._clock.now())

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        """Cancel the order; 409 says that it was done already."""
        status, _ = await self._wire.ask("DELETE", f"/orders/{client_order_id}")
        if status == _NOT_FOUND:
            raise OrderNotFound(f"the House has no order {client_order_id}")

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        """List the orders since then, and the open ones."""
        _, answer = await self._wire.ask("GET", "/orders")
        with understood():
            placed = [datetime.fromisoformat(one["at"]) for one in answer]
        reports = [report(one, self._clock.now()) for one in answer]
        return [one for at, one in zip(placed, reports, strict=True) if at >= since or not one.is_terminal]

    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        """List the fills since then; the House has them oldest first."""
        _, answer = await self._wire.ask("GET", "/fills")
        return [fill for fill in map(trade, answer) if fill.filled_at >= since]

    async def wait(self, timeout_s: float) -> None:
        """Wait: the House pushes nothing, so Planfill's polling decides alone."""
        await self._clock.sleep(timeout_s)
