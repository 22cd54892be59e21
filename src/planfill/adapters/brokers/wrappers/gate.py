"""The gate: the last thing before every send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.ports.broker import Broker
from planfill.domain.errors import BrokerConnectionError

if TYPE_CHECKING:
    from planfill.application.run import Sending
    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import ClientOrderId


class Gate(Broker):
    """Lets an order pass when ``sending`` permits it; asking and cancelling always pass."""

    def __init__(self, inner: Broker, sending: Sending) -> None:
        self._inner = inner
        self._sending = sending

    async def place_order(self, order: Order) -> ExecutionReport:
        """Send the order if it may be sent now; raises ``NotPermitted`` if not."""
        await self._sending.permit(order)
        try:
            report = await self._inner.place_order(order)
        except BrokerConnectionError:
            self._sending.heard(answered=False)
            raise
        self._sending.heard(answered=True)
        return report

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        """Report on the order as it is now."""
        return await self._inner.get_order_status(client_order_id)

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        """Ask the broker to cancel the order."""
        await self._inner.cancel_order(client_order_id)
