"""How one order stands, as IB's lists have it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.ib.asked import Told
from planfill.adapters.brokers.ib.numbers import moment, number
from planfill.adapters.brokers.ib.outcomes import MAY_BE_REFUSED, STATUSES, refused
from planfill.domain.report import TERMINAL, ExecutionReport, OrderStatus
from planfill.domain.values import BrokerOrderId, ClientOrderId, Price, Quantity

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.adapters.brokers.ib.fills import Trade
    from planfill.domain.order import Side

# How an order stands that has ended; what was refused after IB had taken it is Inactive.
_ENDED: Final = STATUSES | {"Inactive": OrderStatus.REJECTED}
_AT_WORK: Final = frozenset({OrderStatus.NEW, OrderStatus.PENDING_NEW})


@dataclass(frozen=True, slots=True)
class Seen:
    """
    One order, as the lists of one look have it.

    ``perm_id`` is IB's own number, and 0 where it has none yet; ``order_id`` and ``client_id`` name it to the
    program that has placed it.
    """

    ref: str
    perm_id: int
    client_id: int
    order_id: int
    symbol: str
    side: Side
    total: Decimal
    told: Told
    ended_as: str | None = None
    ended_how: str = ""
    ended_at: str = ""
    filled_in_all: Decimal | None = None
    trade: Trade | None = None

    @property
    def filled(self) -> Decimal:
        """How many shares were filled: whoever says most has spoken last."""
        traded = None if self.trade is None else self.trade.quantity
        said = (number(self.told.filled), self.filled_in_all, traded)
        return max((one for one in said if one is not None), default=Decimal(0))

    @property
    def status(self) -> OrderStatus:
        """How it stands; a word that nobody knows counts as working."""
        if self.ended_as is None:
            status = STATUSES.get(self.told.status, OrderStatus.UNKNOWN)
            if self.told.status in MAY_BE_REFUSED and not self.filled and self._was_refused:
                return OrderStatus.REJECTED
            if status in _AT_WORK and self.filled >= self.total > 0:
                return OrderStatus.FILLED
            if status in _AT_WORK and self.filled:
                return OrderStatus.PARTIALLY_FILLED
            # What is done without its shares is not told to the end yet.
            short = status is OrderStatus.FILLED and self.filled < max(self.total, Decimal(1))
            return OrderStatus.UNKNOWN if short else status
        refused = "reject" in self.ended_how.lower() and not self.filled
        return OrderStatus.REJECTED if refused else _ENDED.get(self.ended_as, OrderStatus.UNKNOWN)

    def lacks_fills(self, since: datetime) -> bool:
        """Tell whether it has ended since then with shares that no list of fills has."""
        traded = Decimal(0) if self.trade is None else self.trade.quantity
        at = moment(self.ended_at)
        return at is not None and at >= since and (self.filled_in_all or 0) > traded

    def without_fills(self) -> Seen:
        """Give the same as it was before anything was filled."""
        return replace(self, told=Told(status="Submitted", perm_id=self.perm_id), trade=None)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it can trade any more."""
        return self.ended_as is not None or self.status in TERMINAL

    @property
    def average(self) -> Price | None:
        """At what price: as its fills say, if they account for it all, else as its state says."""
        if self.trade is not None and self.trade.quantity == self.filled:
            return self.trade.average
        average = number(self.told.average)
        return Price(average) if average and self.filled and number(self.told.filled) == self.filled else None

    @property
    def _was_refused(self) -> bool:
        return any(refused(code, text) for code, text in self.told.messages)

    def report(self, name: str, at: datetime) -> ExecutionReport:
        """Write the report on it, under our name for it."""
        whole = self.trade is not None and self.trade.quantity == self.filled
        return ExecutionReport(
            client_order_id=ClientOrderId(name),
            broker_order_id=BrokerOrderId(str(self.perm_id)),
            symbol=self.symbol,
            side=self.side,
            status=self.status,
            filled_quantity=Quantity(self.filled),
            average_price=self.average,
            fees_usd=self.trade.fees_usd if self.trade is not None and whole else None,
            reported_at=self._over_at or at,
            raw=self._raw(),
        )

    @property
    def _over_at(self) -> datetime | None:
        """When it ended, to the second, where IB says so."""
        if not self.is_over:
            return None
        last = None if self.trade is None else max(fill.filled_at for fill in self.trade.fills)
        return moment(self.ended_at) or last

    def _raw(self) -> str:
        facts = {
            "permId": self.perm_id,
            "clientId": self.client_id,
            "orderId": self.order_id,
            "status": self.told.status if self.ended_as is None else self.ended_as,
            "completedStatus": self.ended_how,
            "whyHeld": self.told.why_held,
            "messages": [f"{code}: {text}" for code, text in self.told.messages],
        }
        return json.dumps({name: fact for name, fact in facts.items() if fact}, separators=(",", ":"))
