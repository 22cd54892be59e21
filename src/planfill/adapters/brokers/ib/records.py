"""IB's own lists: orders and fills of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from planfill.adapters.brokers.ib.fills import in_order, read_trades
from planfill.adapters.brokers.ib.numbers import moment
from planfill.adapters.brokers.ib.orders import look, names_of, one_report
from planfill.application.ports.broker import BrokerRecords, ReportFeed
from planfill.domain.errors import BrokerConnectionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from planfill.adapters.brokers.ib.connection import Connection
    from planfill.adapters.brokers.ib.gateway import Gateway
    from planfill.adapters.brokers.ib.seen import Seen
    from planfill.application.ports.clock import Clock
    from planfill.domain.report import ExecutionReport, Fill


class IbRecords(BrokerRecords):
    """Reads the lists that IB's API has: those of today."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        """List the orders that are open, and those that have ended since then."""
        now = self._clock.now()

        async def read(connection: Connection) -> list[ExecutionReport]:
            seen = [
                one for one in await look(connection, now) if one.perm_id and not _ended_before(one, since)
            ]
            return [one_report(name, orders, now) for name, orders in names_of(seen).items()]

        return await self._gateway.ask("orders", read)

    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        """List the fills since then, oldest first; raises where ``since`` is before today."""

        # IB tells whole seconds.
        async def read(connection: Connection) -> Sequence[Fill]:
            trades = await read_trades(connection, self._clock.now())
            begin = self._gateway.reaches_back_to(connection)
            if since < begin:
                first = f"{begin:%Y-%m-%d %H:%M %Z}"
                raise BrokerConnectionError(
                    f"IB's API has fills since {first} only: earlier ones are in IB's statements"
                )
            return in_order(trades, since.replace(microsecond=0))

        return await self._gateway.ask("fills", read)


class IbFeed(ReportFeed):
    """Wakes on whatever IB pushes; what it means, the lists tell, since a push names no order of ours."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def wait(self, timeout_s: float) -> None:
        """Wait for news, ``timeout_s`` at the longest."""
        with anyio.move_on_after(timeout_s):
            await self._gateway.news()


def _ended_before(order: Seen, since: datetime) -> bool:
    """Tell whether an order had ended by then, where IB says so in a way that can be read."""
    at = None if order.ended_as is None else moment(order.ended_at)
    return at is not None and at < since.replace(microsecond=0)
