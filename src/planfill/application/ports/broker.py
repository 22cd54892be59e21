"""Placing orders, and the broker's own records of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport, Fill
    from planfill.domain.values import ClientOrderId


@runtime_checkable
class Broker(Protocol):
    """Places orders and says what became of them. Proven by ``planfill.testing.broker``."""

    @abstractmethod
    async def place_order(self, order: Order) -> ExecutionReport:
        """
        Send ``order``; return the broker's first report on it.

        Idempotent in ``order.client_order_id``: a second call places nothing and reports on the first order.

        Raises:
            OrderRejected: The broker refused it. Final.
            OrderConflict: It has an order under this id with other terms. Final.
            BrokerUnavailable: It certainly was not placed. Sending again is safe.
            OutcomeUnknown: It may be working. Ask before sending again.

        """

    @abstractmethod
    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        """
        Report on the order as it is now.

        Raises:
            OrderNotFound: The broker has no such order; within its read lag this proves nothing.
            BrokerConnectionError: It could not be asked; nothing is known.

        """

    @abstractmethod
    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        """
        Ask the broker to cancel the order; what became of it only a later report says.

        An order that is done already is not an error.

        Raises:
            OrderNotFound: The broker has no such order.
            BrokerConnectionError: It could not be asked; the order may still be working.

        """


@runtime_checkable
class BrokerRecords(Protocol):
    """The broker's own lists: one call for many orders, and the independent read."""

    @abstractmethod
    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        """
        Report on every order of the account that was placed at or after ``since`` (UTC), or is open.

        All of them, ours and others', however many pages that takes. Absence proves nothing.

        Raises:
            BrokerConnectionError: It could not be asked.

        """

    @abstractmethod
    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        """
        List every fill of the account at or after ``since`` (UTC), oldest first.

        Raises:
            BrokerConnectionError: It could not be asked.

        """


@runtime_checkable
class ReportFeed(Protocol):
    """What the broker pushes, some of it lost, twice or out of order; the lists are read behind it."""

    @abstractmethod
    async def wait(self, timeout_s: float) -> Sequence[ExecutionReport] | None:
        """
        Return as soon as the broker has said something about any order, or after ``timeout_s`` seconds.

        The reports that it pushed since the last call, each the broker's own word on an order at some
        moment; or None where something may have happened and only the lists tell what.
        """
