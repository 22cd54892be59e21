"""One order as the exchange keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain import errors
from planfill.domain.report import TERMINAL, ExecutionReport, OrderStatus
from planfill.domain.values import ZERO_SHARES, ZERO_USD, BrokerOrderId, Money, Price, Quantity, round_down

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.domain.order import Order, Side

# Cash is kept to the last digit of quantity x price: what was paid is exactly the sum of the fills.
EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
LOT: Final = Quantity(Decimal("0.000000001"))

_REFUSALS: Final = {
    kind.__name__: kind
    for kind in (
        errors.OrderRejected,
        errors.InsufficientFundsError,
        errors.InsufficientQuantityError,
        errors.NotFractionableError,
        errors.NotTradableError,
        errors.MarketClosedError,
    )
}
_NONE: Final = Decimal(0)
# Of what was replaced nothing more becomes; another order works in its place.
_CLOSED: Final = TERMINAL | {OrderStatus.REPLACED}
_FREE: Final = Price(_NONE)


class Trade(NamedTuple):
    """One execution; ``domain.report.Fill`` is what others are told of it."""

    fill_id: str
    broker_order_id: BrokerOrderId
    symbol: str
    side: Side
    quantity: Quantity
    price: Price
    fees_usd: Money
    filled_at: datetime


@dataclass(slots=True)
class Ticket:
    """
    An order, what became of it so far, and what is to become of it.

    ``due_at`` is when the next step of its fill is due; None where it rests until the market comes to
    it (or, if it ``rests``, until it is told to). Before ``visible_at`` look-ups miss it, and always
    where there is a ``refusal``: the exchange never had the order, it only remembers its answer.
    ``first_step`` is how much the first of two steps fills, ``at_most`` beyond what it never fills,
    ``doom`` why it is rejected instead. ``held`` is what is set aside for it now, in dollars of a buy and
    shares of a sale.
    """

    number: int
    broker_order_id: BrokerOrderId
    order: Order
    accepted_at: datetime
    changed_at: datetime
    status: OrderStatus = OrderStatus.NEW
    filled: Quantity = ZERO_SHARES
    paid_usd: Money = ZERO_USD
    fees_usd: Money = ZERO_USD
    steps: int = 0
    due_at: datetime | None = None
    visible_at: datetime | None = None
    expires_at: datetime | None = None
    rests: bool = False
    first_step: Quantity | None = None
    at_most: Quantity | None = None
    reserve_price: Price = _FREE
    held: Decimal = _NONE
    doom: str = ""
    refusal: str = ""
    why: str = ""
    raw: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the order works."""
        return self.status not in _CLOSED

    @property
    def replaced_by(self) -> BrokerOrderId | None:
        """The order that took its place, which ``why`` names."""
        return BrokerOrderId(self.why) if self.status is OrderStatus.REPLACED else None

    def is_visible(self, now: datetime) -> bool:
        """Whether look-ups find the order already."""
        return not self.refusal and (self.visible_at is None or self.visible_at <= now)

    def left(self, price: Price) -> Quantity:
        """How many shares are still to be traded, dollars counted at ``price``."""
        if self.order.quantity is not None:
            return Quantity(self.order.quantity - self.filled)
        # An order has a quantity or a notional.
        dollars = (self.order.notional or ZERO_USD) - self.paid_usd
        return Quantity(round_down(dollars / price, LOT)) if dollars > 0 else ZERO_SHARES

    def average(self) -> Price | None:
        """What a share has cost on average; times the quantity it gives what was paid."""
        return Price(self.paid_usd / self.filled) if self.filled else None

    def report(self) -> ExecutionReport:
        """Say what the order is, as of its last change."""
        return ExecutionReport(
            client_order_id=self.order.client_order_id,
            broker_order_id=self.broker_order_id,
            symbol=self.order.symbol,
            side=self.order.side,
            status=self.status,
            filled_quantity=self.filled,
            average_price=self.average(),
            fees_usd=self.fees_usd,
            reported_at=self.changed_at,
            replaced_by=self.replaced_by,
            raw=self.raw,
        )

    def refuse(self, why: errors.OrderRejected) -> None:
        """End the order before it began."""
        self.status = OrderStatus.REJECTED
        self.refusal, self.why = type(why).__name__, str(why)
        self.raw = why.raw or self.why
        self.due_at = self.expires_at = None

    def error(self) -> errors.OrderRejected | None:
        """Give the refusal as the error that it was, each time."""
        if not self.refusal:
            return None
        return _REFUSALS.get(self.refusal, errors.OrderRejected)(self.why, raw=self.raw)
