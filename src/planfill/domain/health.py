"""Whether an execution goes well enough to go on."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from planfill.domain.events import Alerted, Severity
from planfill.domain.outcome import Reason
from planfill.domain.state import Phase

if TYPE_CHECKING:
    from planfill.domain.policy import LimitsPolicy
    from planfill.domain.state import ExecutionState, OrderState


class Health(NamedTuple):
    """How many orders have ended, and how many of them failed."""

    ended: int
    failed: int

    @property
    def failed_pct(self) -> Decimal:
        """The share of failed orders, in percent; 0 where none has ended."""
        return Decimal(100 * self.failed) / self.ended if self.ended else Decimal(0)

    def exceeds(self, percent: Decimal, limits: LimitsPolicy) -> bool:
        """Tell whether more than ``percent`` failed, in a sample that is large enough to tell."""
        return self.ended >= limits.breaker_min_sample and self.failed_pct > percent


def warning(state: ExecutionState, limits: LimitsPolicy) -> list[Alerted]:
    """Raise an alert where more orders failed than should."""
    found = health(state)
    if not found.exceeds(limits.breaker_warn_pct, limits):
        return []
    severity = Severity.CRITICAL if found.exceeds(limits.breaker_halt_pct, limits) else Severity.WARNING
    detail = f"{found.failed} of {found.ended} orders failed"
    return [Alerted(severity=severity, reason=Reason.BREAKER, detail=detail)]


def failed(order: OrderState) -> bool:
    """Tell whether an order that ended did so without a single share."""
    return order.phase in {Phase.REFUSED, Phase.UNRESOLVED} or (
        order.phase is Phase.ENDED and order.report is not None and order.report.filled_quantity == 0
    )


def health(state: ExecutionState) -> Health:
    """
    Count the orders that were placed and have ended, and those of them that failed.

    What a stop has canceled says nothing about how orders fare.
    """
    ended = [
        order
        for order in state.orders.values()
        if not order.is_open and order.phase is not Phase.NOT_SENT and not _was_stopped(state, order)
    ]
    return Health(len(ended), sum(failed(order) for order in ended))


def _was_stopped(state: ExecutionState, order: OrderState) -> bool:
    stop = state.stop_of(order.order.side)
    return stop is not None and order.canceled_for is stop.reason
