"""The market behind the adapters of Interactive Brokers: the local gateway, and the troubles it can make."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Final, Self

from contract_market import ContractMarket
from ib_gateway import Fault, IbGateway, Market
from ib_gateway.faults import FUTURE_STATUS

from planfill.adapters.brokers.ib import IbSettings, brokerage
from planfill.adapters.clock import SystemClock
from planfill.application.ports.brokerage import Brokerage
from planfill.domain.values import ClientOrderId, Quantity
from planfill.testing.troubled_venue import Request, Trouble

# A look at an order begins with what is open.
_KINDS: Final = {
    Request.PLACE: "place", Request.ASK: "open_orders", Request.CANCEL: "cancel",
    Request.LIST_ORDERS: "open_orders", Request.LIST_FILLS: "executions", Request.PRICES: "market_data",
    Request.INSTRUMENTS: "contracts", Request.SESSION: "contracts", Request.ACCOUNT: "account",
    Request.SELLABLE: "positions", Request.POSITIONS: "positions",
}  # fmt: skip
# What comes nearest to an answer of HTTP is a gateway that loses IB, or a message of nothing.
_FAULTS: Final = {
    Trouble.ANSWER_504: Fault.CONNECTIVITY, Trouble.RESET: Fault.RESET, Trouble.HANG: Fault.HANG,
    Trouble.EMPTY_200: Fault.EMPTY, Trouble.NO_ID: Fault.NO_ID, Trouble.UNREADABLE: Fault.UNREADABLE,
    Trouble.LOST_REQUEST: Fault.LOST_REQUEST, Trouble.RATE_LIMITED: Fault.PACED,
    Trouble.DELIVERED_LATE: Fault.DELIVERED_LATE, Trouble.DELIVERED_TWICE: Fault.DELIVERED_TWICE,
    Trouble.NOT_VISIBLE: Fault.NOT_VISIBLE, Trouble.FILLED_BEFORE_ANSWER: Fault.NOT_TOLD,
    Trouble.FUTURE_STATUS: Fault.FUTURE_STATUS, Trouble.CANCEL_IGNORED: Fault.CANCEL_IGNORED,
    Trouble.FILL_DURING_CANCEL: Fault.FILL_DURING_CANCEL,
    Trouble.PARTIAL_FILL_DURING_CANCEL: Fault.PARTIAL_FILL_DURING_CANCEL,
}  # fmt: skip
# Of an order that has ended, what is asked about it meets these, each in its list.
_OF_ENDED: Final = {
    Trouble.FUTURE_STATUS: {"completed_orders": Fault.FUTURE_STATUS},
    Trouble.LATE_FILL: {"completed_orders": Fault.LATE_FILL, "executions": Fault.LATE_FILL},
    Trouble.UNPRICED: {"executions": Fault.UNPRICED},
    Trouble.NO_ID: {"completed_orders": Fault.NO_ID},
}
_TERMS: Final = {"book": ":memory:", "fee_usd_per_share": "0.005"}
# How long nobody listens; less than the adapter's patience.
_AWAY_S: Final = 0.3
_TURNS: Final = 5


class IbVenue(ContractMarket):
    troubles = frozenset(Trouble)
    future_status = FUTURE_STATUS
    held_quantity = Quantity(Decimal(7))

    def __init__(self, *, fill_delay_s: float = 0.02) -> None:
        self.clock = SystemClock()
        terms = {**self.account(), **_TERMS, "fill_delay_s": fill_delay_s}
        self.gateway = IbGateway(Market(terms))

    def __enter__(self) -> Self:
        self.gateway.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.__exit__()

    def settings(self) -> IbSettings:
        """Give the settings of adapters at this venue, with little patience."""
        return IbSettings(
            port=self.gateway.port, timeout_s=0.6, connect_timeout_s=1, quote_timeout_s=0.6,
            max_delivery_delay_s=0.5,
        )  # fmt: skip

    def family(self) -> Brokerage:
        """Build the adapters under test."""
        return brokerage(self.settings(), self.clock)

    async def hold_fills(self) -> None:
        self.gateway.hold_fills()

    async def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        self.gateway.let_fill(symbol, shares)

    async def make(
        self, trouble: Trouble, request: Request = Request.PLACE, *, lasting: bool = False
    ) -> None:
        if trouble.name.startswith("FEED_"):
            self._disturb_feed(trouble)
        elif trouble is Trouble.REFUSED_CONNECTION:
            self.gateway.refuse_connections(for_s=None if lasting else _AWAY_S)
        elif request is Request.ASK and trouble in _OF_ENDED:
            if trouble is Trouble.LATE_FILL:
                # Who has heard of the fills is not told less by a list; who comes new is.
                self.gateway.drop_connections()
            for kind, fault in _OF_ENDED[trouble].items():
                self._arm(kind, fault, lasting=lasting)
        else:
            self._arm(_KINDS[request], _FAULTS[trouble], lasting=lasting)
        # What is broken off is known on both sides some turns of their loops later.
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def recover(self) -> None:
        self.gateway.faults.clear()
        self.gateway.accept_connections()

    async def orders_named(self, client_order_id: ClientOrderId) -> int:
        return sum(paper.terms.ref == client_order_id for paper in self.gateway.orders())

    def _arm(self, kind: str, fault: Fault, *, lasting: bool) -> None:
        if lasting:
            self.gateway.faults.always(kind, fault)
        else:
            self.gateway.faults.once(kind, fault)

    def _disturb_feed(self, trouble: Trouble) -> None:
        match trouble:
            case Trouble.FEED_SILENT:
                self.gateway.faults.always("told", Fault.FEED_SILENT)
            case Trouble.FEED_DROPS:
                self.gateway.drop_connections()
            case Trouble.FEED_REFUSED:
                self.gateway.refuse_connections(for_s=_AWAY_S)
            case _:
                self.gateway.faults.once("told", Fault[trouble.name])
