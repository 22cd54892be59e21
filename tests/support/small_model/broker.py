"""What is true of an order at the broker, what it says of it, and what may become of it there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from planfill.domain.order import Side
from planfill.domain.report import TERMINAL, ExecutionReport, OrderStatus
from planfill.domain.state import OrderState
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import (
    a_report,
    an_order,
)

S = OrderStatus
WHOLE: Final = 10
PART: Final = 4


class There(NamedTuple):
    """
    The truth about one order at the broker.

    A cancel may be under way (``canceling``) or ``ignored``; ``late`` is
    what nobody could foresee: it fills after an end, or after the broker denied that it has it. ``whole`` is
    what the order is for.
    """

    status: OrderStatus = S.NEW
    filled: int = 0
    priced: bool = True
    canceling: bool = False
    ignored: bool = False
    late: bool = False
    whole: int = WHOLE

    @property
    def is_open(self) -> bool:
        return self.status not in TERMINAL


class Elsewhere(NamedTuple):
    """An order that is not at the broker: never sent, lost, refused; or still on the wire."""

    on_the_wire: bool = False


REJECTED: Final = There(S.REJECTED)
Truth = There | Elsewhere
ABSENT: Final = Elsewhere()
ON_THE_WIRE: Final = Elsewhere(on_the_wire=True)


def becomes(truth: There) -> Iterator[tuple[str, There, bool]]:
    """Give what may become of an order, each with a name, and whether that is a fault."""
    if not truth.priced:
        yield "priced", truth._replace(priced=True), False
    if truth.is_open:
        filled = truth._replace(status=S.FILLED, filled=truth.whole)
        yield "fills", filled, False
        if not truth.filled:
            part = truth._replace(status=S.PARTIALLY_FILLED, filled=PART)
            yield "fills in part", part, False
            yield "rejected after all", truth._replace(status=S.REJECTED), True
        if truth.priced:
            yield "fills without a price", filled._replace(priced=False), True
        if truth.canceling:
            yield "canceled", truth._replace(status=S.CANCELED), False
        else:
            yield "canceled by somebody", truth._replace(status=S.CANCELED), True
    elif truth.filled < truth.whole and truth.status is S.CANCELED:
        yield "fills after its end", truth._replace(status=S.FILLED, filled=truth.whole, late=True), True
        if not truth.filled:
            late = truth._replace(status=S.PARTIALLY_FILLED, filled=PART, canceling=False, late=True)
            yield "works again", late, True


def told(order: OrderState, truth: There) -> ExecutionReport:
    """Give the broker's word."""
    return _report(_Terms(order.order.client_order_id, order.order.symbol, order.order.side), truth)


class _Terms(NamedTuple):
    name: ClientOrderId
    symbol: str
    side: Side


@cache
def _report(terms: _Terms, truth: There) -> ExecutionReport:
    order = an_order(terms.symbol, terms.side, WHOLE, client_order_id=terms.name)
    return a_report(order, truth.status, truth.filled, 100 if truth.priced else None)
