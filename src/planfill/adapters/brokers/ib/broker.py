"""Orders at IB: sent once, found again by the name that they bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from planfill.adapters.brokers.ib.asked import Lost
from planfill.adapters.brokers.ib.gateway import never, was_not_asked
from planfill.adapters.brokers.ib.orders import look, one_report
from planfill.adapters.brokers.ib.placing import cancel, send
from planfill.application.ports.broker import Broker
from planfill.domain.errors import (
    BrokerConnectionError,
    BrokerUnavailable,
    InsufficientQuantityError,
    NotAuthorizedError,
    NotFractionableError,
    NotTradableError,
    OrderNotFound,
    OrderRejected,
)
from planfill.domain.order import Side
from planfill.domain.values import ZERO_SHARES

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.adapters.brokers.ib.account import IbAccount
    from planfill.adapters.brokers.ib.connection import Connection
    from planfill.adapters.brokers.ib.contracts import Contracts, Listing
    from planfill.adapters.brokers.ib.gateway import Gateway
    from planfill.adapters.brokers.ib.seen import Seen
    from planfill.application.ports.clock import Clock
    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import ClientOrderId


class IbBroker(Broker):
    """
    Places orders, and looks for them.

    IB does not refuse a name that was used before: whether an order is there is told by what is open, what
    has ended today, and today's fills. An order from before may have been there though it is not found.
    """

    def __init__(self, gateway: Gateway, contracts: Contracts, account: IbAccount, clock: Clock) -> None:
        self._gateway = gateway
        self._contracts = contracts
        self._account = account
        self._clock = clock

    async def place_order(self, order: Order) -> ExecutionReport:
        """Send the order, once it is known to be one that IB may take."""
        _check(order)
        try:
            listing = await self._listing(order)
            connection = await self._gateway.connection()
        except NotAuthorizedError:
            raise
        except BrokerConnectionError as e:
            raise BrokerUnavailable(f"not sent: {e}") from e
        # Once it is sent it is waited for: nobody can take it back.
        with anyio.CancelScope(shield=True):
            seen = await send(connection, listing, order, self._gateway.settings.timeout_s)
        # What has been filled by now the lists tell with its price and its fees; this is the acceptance.
        taken = seen.without_fills() if seen.filled else seen
        return taken.report(order.client_order_id, self._clock.now())

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        """Report on the order as it is now."""
        _, found = await self._find(client_order_id)
        if not all(one.perm_id for one in found):
            raise BrokerConnectionError("IB has the order, and has given it no number yet")
        return one_report(client_order_id, found, self._clock.now())

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        """Ask for a cancel; an order that is done, or being canceled, is no error."""
        connection, found = await self._find(client_order_id)
        for one in (one for one in found if not one.is_over):
            if one.client_id != connection.client_id:
                raise BrokerConnectionError(
                    f"only the program with ib.client_id = {one.client_id} can cancel this order, or a person"
                )
            with anyio.CancelScope(shield=True):
                await cancel(connection, one.order_id, self._gateway.settings.timeout_s)

    async def _listing(self, order: Order) -> Listing:
        """Find what is to be traded; raises ``BrokerConnectionError`` where nobody says."""
        listing = (await self._contracts.find([order.symbol], never)).get(order.symbol)
        if listing is None:
            raise NotTradableError(f"IB knows no single share in dollars that is called {order.symbol}")
        if order.side is Side.SELL:
            # A margin account would be short of what it does not hold; abroad others have the same symbol.
            number = listing.contract.conId
            held = await self._account.sellable([order.symbol], never, contract=number)
            free = held.get(order.symbol, ZERO_SHARES)
            if order.quantity is None or order.quantity > free:
                raise InsufficientQuantityError(
                    f"{free} shares of {order.symbol} can be sold, not {order.quantity}"
                )
        return listing

    async def _find(self, client_order_id: ClientOrderId) -> tuple[Connection, list[Seen]]:
        """Look for the orders of one name; raises as ``get_order_status``."""
        since: datetime | None = None

        async def read(connection: Connection) -> tuple[Connection, list[Seen]]:
            nonlocal since
            seen = await look(connection, self._clock.now())
            # A midnight that passed meanwhile has emptied the lists.
            since = self._gateway.reaches_back_to(connection)
            found = [one for one in seen if one.ref == client_order_id]
            # Gateways were seen to answer with no fills at all: then that it is nowhere proves nothing.
            if not found and any(one.lacks_fills(since) for one in seen):
                raise Lost("the list of fills is not whole")
            return connection, found

        connection, found = await self._gateway.ask("orders", read, was_not_asked)
        if not found and self._gateway.unsettled_s > 0:
            await self._clock.sleep(self._gateway.unsettled_s)
            connection, found = await self._gateway.ask("orders", read, was_not_asked)
        if not found and self._gateway.unsettled_s > 0:
            raise BrokerConnectionError("the connection was lost again, and what was sent may yet arrive")
        if not found:
            raise OrderNotFound(f"IB has had no order {client_order_id} today", since=since)
        return connection, found


def _check(order: Order) -> None:
    """Refuse what IB's API does not take: dollars, and fractions."""
    if order.quantity is None:
        raise OrderRejected("IB takes orders in shares, not in dollars")
    if order.quantity % 1:
        raise NotFractionableError(f"IB takes whole shares, not {order.quantity} of {order.symbol}")
