"""What the gateway knows of an order beside the exchange, and how it shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from ib_gateway.contracts import NEW_YORK, ZONE, Stock
from ib_gateway.faults import FUTURE_STATUS, Fault
from ib_gateway.terms import Terms
from ib_gateway.wire import Fields
from planfill.domain.numerals import plain
from planfill.domain.order import Side
from planfill.domain.report import OrderStatus

if TYPE_CHECKING:
    from planfill.adapters.brokers.mock.ticket import Ticket, Trade

OPEN_ORDER: Final = 5
_FIRST_PERM_ID: Final = 1_260_000_000
_UNSET: Final = "1.7976931348623157E308"
_NO_INSIDER: Final = "Not an insider or substantial shareholder"
_STATUSES: Final = {
    OrderStatus.NEW: "Submitted",
    OrderStatus.PARTIALLY_FILLED: "Submitted",
    OrderStatus.FILLED: "Filled",
    OrderStatus.CANCELED: "Cancelled",
    OrderStatus.EXPIRED: "Cancelled",
    OrderStatus.REJECTED: "Inactive",
    OrderStatus.REPLACED: "Cancelled",
}


@dataclass(slots=True)
class Paper:
    """One order at the gateway; ``muted`` is what is told of it unasked no more."""

    client_id: int
    terms: Terms
    stock: Stock
    account: str
    number: int
    waits: bool = False
    muted: bool = False
    visible_at: datetime | None = None
    commission_hidden: bool = False

    @property
    def perm_id(self) -> int:
        """IB's own number of the order."""
        return _FIRST_PERM_ID + self.number

    def is_visible(self, now: datetime) -> bool:
        """Tell whether lists show the order."""
        return self.visible_at is None or now >= self.visible_at


class Shown(NamedTuple):
    """An order as one message shows it."""

    paper: Paper
    status: str
    filled: Decimal
    average: Decimal
    last: Decimal
    perm_id: int


def shown(ticket: Ticket, paper: Paper, fault: Fault | None = None, *, status: str = "") -> Shown:
    """Show an order as it is, or as the fault has it."""
    said = status or _STATUSES[ticket.status]
    if paper.waits and said == "Submitted":
        said = "PreSubmitted"
    if fault is Fault.FUTURE_STATUS:
        said = FUTURE_STATUS
    filled = Decimal(0) if fault is Fault.LATE_FILL else ticket.filled
    average = ticket.average() or Decimal(0)
    if fault in {Fault.LATE_FILL, Fault.UNPRICED}:
        average = Decimal(0)
    perm_id = 0 if fault is Fault.NO_ID else paper.perm_id
    return Shown(paper, said, filled, average, average, perm_id)


def open_order(order: Shown) -> Fields:
    """Write an open order (5) with all the fields that a plain one leaves unset."""
    paper = order.paper
    terms = paper.terms
    return (
        OPEN_ORDER, terms.order_id, *paper.stock.fields(), terms.action, plain(terms.quantity), terms.kind,
        plain(terms.limit) if terms.limit else "0.0", "0.0", terms.tif, "", paper.account, "", "0", terms.ref,
        paper.client_id, order.perm_id, terms.outside_rth, "0", "0", "", "", "", "", "",
        # From the model's code to the auxiliary price of a delta neutral order.
        "", "", "", "", "", "0", "", "-1", "0", "", "", "", "", "", "", "0", "0", "0", "", "3", "0", "0", "",
        "0", "0", "", "0", "None", "", "0", "", "", "", "?", "0", "0", "",
        # From the update of its price to the scale, the hedge and the algorithm.
        "0", "0", "", "", "", "", "",
        "0", "0", "0", "", "", "", "",
        "0", "", "IB", "0", "0", "",
        "0", "0", order.status, *(_UNSET,) * 9, "", "", "", "", "", "0", "0",
        "0",
        "None", *(_UNSET,) * 6, "0", "", "", "", "", "0", "0", "0", "0",
        "", "", "0", "", "", "", "", "",
    )  # fmt: skip


def order_status(order: Shown) -> Fields:
    """Write the status of an order (3)."""
    terms = order.paper.terms
    return (
        3, terms.order_id, order.status, plain(order.filled), plain(terms.quantity - order.filled),
        _price(order.average), order.perm_id, 0, _price(order.last), order.paper.client_id, "", "0.0",
    )  # fmt: skip


def inactive(terms: Terms, client_id: int) -> Fields:
    """Write the status of an order that was rejected; no list has it."""
    return 3, terms.order_id, "Inactive", "0", plain(terms.quantity), "0.0", 0, 0, "0.0", client_id, "", "0.0"


def completed_order(order: Shown, at: datetime) -> Fields:
    """
    Write an order that has ended (101).

    It does not say which client placed it, nor under which order id, nor at which price; and as TWS does,
    of one that has filled it says the filled quantity only, with a total of 0.
    """
    paper, full = order.paper, order.status == "Filled"
    terms = paper.terms
    why = f"Filled Size: {plain(order.filled)}" if full else "Cancelled by Trader"
    return (
        101, *paper.stock.fields(), terms.action, "0" if full else plain(terms.quantity), terms.kind,
        plain(terms.limit) if terms.limit else "0.0", "0.0", terms.tif, "", paper.account, "", "0", terms.ref,
        order.perm_id, terms.outside_rth, "0", "0", "", "", "", "",
        # From the model's code to the auxiliary price of a delta neutral order.
        "", "", "", "", "", "0", "", "-1", "", "", "", "", "", "0", "0", "0", "", "3", "0", "", "0", "None",
        "", "0", "0", "0", "",
        "0", "0", "", "", "",
        "0", "0", "0", "", "", "", "",
        "", "IB", "0", "0", "",
        "0", order.status, "0", "0",
        "0",
        _UNSET, _UNSET, "", "0", "0", "", plain(order.filled), "", "0", _NO_INSIDER,
        "0", "0", "9223372036854775807", stamp(at), why, "", "", "", "", "",
    )  # fmt: skip


def execution(req_id: object, trade: Trade, paper: Paper, done: Decimal, average: Decimal) -> Fields:
    """Write one execution (11); ``done`` shares of the order have filled with it, at ``average``."""
    return (
        11, req_id, paper.terms.order_id, *paper.stock.fields("NASDAQ"), execution_id(trade),
        stamp(trade.filled_at), paper.account, "NASDAQ", "BOT" if trade.side is Side.BUY else "SLD",
        plain(trade.quantity), _price(trade.price), paper.perm_id, paper.client_id, "0", plain(done),
        _price(average), paper.terms.ref, "", "", "", "2", "0",
    )  # fmt: skip


def commission(trade: Trade) -> Fields:
    """Write what one execution cost (59)."""
    return 59, 1, execution_id(trade), plain(trade.fees_usd), "USD", _UNSET, _UNSET, ""


def execution_id(trade: Trade) -> str:
    """IB's name of one execution."""
    return f"0000e0d5.{int(trade.fill_id.rpartition('-')[2]):08x}.01.01"


def stamp(at: datetime) -> str:
    """Write a moment as TWS does: to the second, with the zone of the gateway."""
    return f"{at.astimezone(NEW_YORK):%Y%m%d %H:%M:%S} {ZONE}"


def _price(price: Decimal) -> str:
    return str(float(price))
