"""The market behind the mock broker, and every trouble that it can make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from contract_market import ContractMarket

from planfill.adapters.brokers.mock import MockBroker, MockSettings, On
from planfill.adapters.brokers.mock.faults import (
    DeliverLate,
    DeliverTwice,
    Fail,
    FillDuringCancel,
    Hang,
    HideFills,
    HidePrice,
    IgnoreCancel,
    LoseAnswer,
    ReadLag,
    ShowStatus,
)
from planfill.adapters.brokers.mock.feed_faults import DropStream, LoseMessages, RepeatMessage
from planfill.adapters.brokers.mock.script import Fault
from planfill.domain.errors import BrokerUnavailable, OutcomeUnknown
from planfill.domain.report import OrderStatus
from planfill.domain.values import ClientOrderId, Quantity
from planfill.testing.clock import VirtualClock
from planfill.testing.troubled_venue import Request, Trouble

FUTURE: Final = "pending_teleport"


def _lost(how: str) -> LoseAnswer:
    return LoseAnswer(OutcomeUnknown(how))


# The mock has no wire between it and its exchange: what arrives there as bytes is here the error that an
# adapter makes of them.
_FAULTS: Final[Mapping[Trouble, Sequence[Fault]]] = {
    Trouble.ANSWER_504: [_lost("504 Gateway Time-out")],
    Trouble.RESET: [_lost("connection reset")],
    Trouble.HANG: [_lost("no answer within 10 s"), Hang(10, answer=True)],
    Trouble.EMPTY_200: [_lost("200 with an empty body")],
    Trouble.NO_ID: [_lost("200 with an order that has no id")],
    Trouble.UNREADABLE: [_lost("200 with HTML")],
    Trouble.LOST_REQUEST: [Fail(OutcomeUnknown("connection reset"))],
    Trouble.REFUSED_CONNECTION: [Fail(BrokerUnavailable("connection refused"))],
    Trouble.RATE_LIMITED: [Fail(BrokerUnavailable("429 Too Many Requests"))],
    Trouble.DELIVERED_LATE: [DeliverLate(2)],
    Trouble.DELIVERED_TWICE: [DeliverTwice(0.5)],
    Trouble.NOT_VISIBLE: [ReadLag(3)],
    Trouble.FILLED_BEFORE_ANSWER: [ShowStatus(status=OrderStatus.NEW), HideFills()],
    Trouble.LATE_FILL: [HideFills()],
    Trouble.UNPRICED: [HidePrice()],
    Trouble.FUTURE_STATUS: [ShowStatus(status=OrderStatus.UNKNOWN, raw=FUTURE)],
    Trouble.CANCEL_IGNORED: [IgnoreCancel()],
    Trouble.FILL_DURING_CANCEL: [FillDuringCancel()],
    Trouble.PARTIAL_FILL_DURING_CANCEL: [FillDuringCancel(Quantity(Decimal(1)))],
    Trouble.FEED_SILENT: [LoseMessages()],
    Trouble.FEED_REPEATS: [RepeatMessage()],
    # A message of the mock's says only that something happened. Of two that change places, who waits
    # misses the first at its time, and wakes with the second: as of two of which the first is lost.
    Trouble.FEED_REORDERS: [LoseMessages(1)],
    Trouble.FEED_LOSES: [LoseMessages(1)],
    Trouble.FEED_DROPS: [DropStream(1)],
    Trouble.FEED_REFUSED: [DropStream(4)],
    Trouble.FEED_UNREADABLE: [RepeatMessage()],
}


class MockVenue(ContractMarket):
    troubles = frozenset(_FAULTS)
    future_status = FUTURE

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = VirtualClock()
        chosen = {"book": folder / "book.db", **settings}
        self.mock = MockBroker(MockSettings.model_validate(self.account() | chosen), self.clock)

    async def hold_fills(self) -> None:
        self.mock.desk.hold_fills()

    async def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        self.mock.desk.let_fill(symbol, shares)

    async def make(
        self, trouble: Trouble, request: Request = Request.PLACE, *, lasting: bool = False
    ) -> None:
        method = "wait" if trouble.name.startswith("FEED_") else request.value
        nth = None if lasting else 1
        self.mock.desk.script.add(*(On(method, fault, nth=nth) for fault in _FAULTS[trouble]))

    async def recover(self) -> None:
        self.mock.desk.script.clear()

    async def orders_named(self, client_order_id: ClientOrderId) -> int:
        tickets = self.mock.desk.book.exchange.blotter.tickets
        return sum(
            ticket.order.client_order_id == client_order_id and not ticket.refusal for ticket in tickets
        )
