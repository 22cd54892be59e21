"""The pace: no more orders than the broker takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.ports.broker import Broker

if TYPE_CHECKING:
    from planfill.application.ports.limiter import RequestLimiter
    from planfill.application.run import Sending
    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import ClientOrderId


class RateLimit(Broker):
    """Lets an order wait for its turn, before the gate looks at it; asking and cancelling wait beneath."""

    def __init__(self, inner: Broker, sending: Sending, limiter: RequestLimiter) -> None:
        self._inner = inner
        self._sending = sending
        self._limiter = limiter

    async def place_order(self, order: Order) -> ExecutionReport:
        """Send the order when it is its turn; one that the gate will refuse takes no turn of another's."""
        if not self._sending.is_over(order):
            # To wait for a stop as well takes its time, so only where there is something to wait for.
            if self._limiter.free():
                await self._limiter.turn()
            else:
                await self._sending.unless_stopped(self._limiter.turn)
        return await self._inner.place_order(order)

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        """Report on the order as it is now."""
        return await self._inner.get_order_status(client_order_id)

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        """Ask the broker to cancel the order."""
        await self._inner.cancel_order(client_order_id)
