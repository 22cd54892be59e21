"""What the gateway says of orders and fills, as ib_async decodes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from planfill.adapters.brokers.ib.asked import COMPLETED, NOBODY, OPEN, Asked, Listed, Told
from planfill.adapters.brokers.ib.outcomes import STATUSES
from planfill.domain.report import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from ib_async.contract import Contract
    from ib_async.objects import CommissionReport, Execution
    from ib_async.order import Order, OrderState


class OrderInbox(Asked):
    """The part of ib_async's wrapper that is about orders, under ib_async's names."""

    def __init__(self, client_id: int, heard: Callable[[], None]) -> None:
        super().__init__(heard)
        self._client_id = client_id
        self.use_after: Callable[[int], None] = lambda _: None
        self.fees: dict[str, CommissionReport] = {}
        self.fee_told = asyncio.Event()

    def openOrder(self, number: int, contract: Contract, order: Order, state: OrderState) -> None:
        """Take an order that is open, asked for or not."""
        self.use_after(number)
        told = self.told(order.clientId, number, order.permId)
        told.perm_id = order.permId or told.perm_id
        self.add(OPEN, Listed(contract, order, state))
        # It does not say how much was filled: that an order is over counts when that is said as well.
        is_over = STATUSES.get(state.status) in TERMINAL
        self._stands(order.clientId, number, told, told.status if is_over else state.status, told.filled)

    def orderStatus(
        self,
        number: int,
        status: str,
        filled: float,
        _remaining: float,
        average: float,
        perm_id: int,
        _parent: int,
        _last_price: float,
        client_id: int,
        why_held: str,
        _cap: float = 0,
    ) -> None:
        """Take how an order stands."""
        told = self.told(client_id, number, perm_id)
        told.perm_id, told.average, told.why_held = perm_id or told.perm_id, average, why_held
        self._stands(client_id, number, told, status, filled)

    def _stands(self, client_id: int, number: int, told: Told, status: str, filled: float) -> None:
        is_news = (told.status, told.filled) != (status, filled)
        told.status, told.filled, told.words = status, filled, told.words + 1
        if client_id == self._client_id:
            self.wake(number)
        # What a list repeats is none: otherwise each look would call for the next.
        if is_news:
            self.heard()

    def openOrderEnd(self) -> None:
        """Take note that all open orders were told."""
        self.end(OPEN)

    def completedOrder(self, contract: Contract, order: Order, state: OrderState) -> None:
        """Take an order that has ended today."""
        self.add(COMPLETED, Listed(contract, order, state))

    def completedOrdersEnd(self) -> None:
        """Take note that all of them were told."""
        self.end(COMPLETED)

    def execDetails(self, number: int, contract: Contract, execution: Execution) -> None:
        """Take a fill, asked for or not."""
        self.add(number, (contract, execution))
        if number == NOBODY:
            self.heard()

    def execDetailsEnd(self, number: int) -> None:
        """Take note that all fills were told."""
        self.end(number)

    def commissionReport(self, report: CommissionReport) -> None:
        """Take what a fill has cost."""
        is_news = self.fees.get(report.execId) != report
        self.fees[report.execId] = report
        self.fee_told.set()
        if is_news:
            self.heard()
