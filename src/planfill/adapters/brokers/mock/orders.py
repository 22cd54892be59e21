"""Orders at the simulated exchange, and its records of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.adapters.brokers.mock.desk import AtDesk
from planfill.application.ports.broker import Broker, BrokerRecords

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport, Fill
    from planfill.domain.values import ClientOrderId


class MockOrders(AtDesk, Broker):
    """Places orders at the simulated exchange."""

    async def place_order(self, order: Order) -> ExecutionReport:
        """Place the order, or report on the one that bears its name."""
        return await self.desk.call(
            "place_order",
            (order.symbol,),
            lambda exchange, now, handling: exchange.place(order, now, handling),
            changes=True,
        )

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        """Report on the order."""
        return await self.desk.call(
            "get_order_status",
            self.desk.symbols_of(client_order_id),
            lambda exchange, now, _handling: exchange.status(client_order_id, now),
        )

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        """Cancel the order if it works."""
        await self.desk.call(
            "cancel_order",
            self.desk.symbols_of(client_order_id),
            lambda exchange, now, handling: exchange.cancel(client_order_id, now, handling),
            changes=True,
        )


class MockRecords(AtDesk, BrokerRecords):
    """What the simulated exchange has on record."""

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        """Report on the orders since then, and on the open ones."""
        return await self.desk.call(
            "list_orders",
            (),
            lambda exchange, now, _handling: exchange.blotter.reports(since, now),
        )

    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        """List the fills since then."""
        return await self.desk.call(
            "list_fills",
            (),
            lambda exchange, _now, _handling: exchange.blotter.fills_since(since),
        )
