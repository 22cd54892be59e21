"""The breakers, counted by others than by those who obey them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from simulation.exchange import PRICES

from planfill.domain import deciding
from planfill.domain import events as ev
from planfill.domain.order import Side
from planfill.domain.report import OrderStatus
from planfill.domain.state import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from planfill.domain.order import Order
    from planfill.domain.policy import LimitsPolicy
    from planfill.domain.state import ExecutionState, LineState, OrderState

_CENT: Final = Decimal("0.01")
_ZERO: Final = Decimal(0)
_FAILED: Final = frozenset({Phase.REFUSED, Phase.UNRESOLVED})


class Brakes:
    """
    What must have stopped a plan.

    Rejections and silence stop the very next order at the gate: those that are on their way go on. The
    others are asked before each wave is recorded and before each is sent: the wave that is on its way when
    one of them trips is sent to its end, at most ``concurrency`` of it at once.
    """

    def __init__(self, limits: LimitsPolicy, demand: Callable[..., None]) -> None:
        self._limits = limits
        self._demand = demand
        self._rejected = Counter[str]()

    def heard(self, stream: str, event: ev.Event) -> None:
        """Count the rejections in a row of a run."""
        match event:
            case ev.OrderRefused():
                self._rejected[stream] += 1
            case ev.OrderReported() if event.report.status is OrderStatus.REJECTED:
                self._rejected[stream] += 1
            case ev.OrderReported() | ev.ExecutionStarted() | ev.ExecutionResumed():
                self._rejected[stream] = 0

    def sent(self, stream: str, order: Order, unanswered: int) -> None:
        """Judge an order that leaves the house; ``unanswered`` is how many sends in a row nobody answered."""
        name, limits, rejected = order.client_order_id, self._limits, self._rejected[stream]
        most = limits.breaker_rejections
        self._demand(most is None or rejected < most, name, "was sent after", rejected, "rejections")
        most = limits.breaker_errors
        self._demand(most is None or unanswered < most, name, "was sent after silence,", unanswered, "times")

    def decided(self, state: ExecutionState, step: deciding.Step) -> None:
        """Judge that orders are to be recorded or sent."""
        if not isinstance(step, deciding.Wave | deciding.Place):
            return
        orders, limits = list(state.orders.values()), self._limits
        unresolved = sum(order.phase is Phase.UNRESOLVED for order in orders)
        most = limits.breaker_unresolved
        self._demand(most is None or unresolved < most, "goes on with", unresolved, "unresolved orders")
        # What a halt of the buys has canceled says nothing about how orders fare.
        ended = [] if state.buys_stop else [line for line in state.lines.values() if _has_ended(line)]
        failed = sum(_has_failed(line) for line in ended)
        too_many = len(ended) >= limits.breaker_min_sample and 100 * failed > limits.breaker_halt_pct * len(
            ended
        )
        self._demand(not too_many, "goes on although", failed, "of", len(ended), "orders failed")
        self._cost([order for order in orders if order.was_placed])

    def _cost(self, placed: list[OrderState]) -> None:
        """The prices at which it was decided are those of the exchange, which stand still."""
        limits = self._limits
        cost = sum((_lost(order) for order in placed), _ZERO)
        most = limits.max_shortfall_usd
        self._demand(most is None or cost <= most + _CENT, "goes on although it has cost", cost)
        if limits.max_shortfall_bps is not None:
            worth = sum(_arrival(placed), _ZERO)
            allowed = worth * limits.max_shortfall_bps / 10000
            self._demand(cost <= allowed + _CENT, "goes on although it has cost", cost, "of", worth)


def _has_ended(line: LineState) -> bool:
    if not line.orders or line.is_pending:
        return False
    last = line.orders[-1].phase
    return last in _FAILED or last is Phase.ENDED


def _has_failed(line: LineState) -> bool:
    return line.orders[-1].phase in _FAILED or not any(order.filled for order in line.orders)


def _lost(order: OrderState) -> Decimal:
    if order.report is None or order.report.average_price is None:
        return _ZERO
    lost = (order.report.average_price - Decimal(PRICES[order.order.symbol])) * order.filled
    return lost if order.order.side is Side.BUY else -lost


def _arrival(placed: list[OrderState]) -> Iterable[Decimal]:
    """Give the dollars of each line at those prices; the first of its orders is for all of it."""
    lines = {order.order.symbol: order for order in reversed(placed)}
    return (Decimal(PRICES[symbol]) * order.sizing.quantity for symbol, order in lines.items())
