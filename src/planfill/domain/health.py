"""Whether an execution goes well enough to go on."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from planfill.domain.events import Alerted, Severity
from planfill.domain.outcome import Reason
from planfill.domain.state import Phase
from planfill.domain.values import ZERO_SHARES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planfill.domain.policy import LimitsPolicy
    from planfill.domain.state import ExecutionState, LineState, OrderState


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
    """Raise an alert where more orders failed than should, and for each line that its orders overfilled."""
    found, alerts = health(state), list(_overfills(state))
    if found.exceeds(limits.breaker_warn_pct, limits):
        severity = Severity.CRITICAL if found.exceeds(limits.breaker_halt_pct, limits) else Severity.WARNING
        detail = f"{found.failed} of {found.ended} orders failed"
        alerts.append(Alerted(severity=severity, reason=Reason.BREAKER, detail=detail))
    return alerts


def _overfills(state: ExecutionState) -> Iterator[Alerted]:
    """Each order is for what is left; but one that grows after its end, the next has been sent for it too."""
    for symbol, line in state.lines.items():
        filled = sum((order.filled for order in line.orders), ZERO_SHARES)
        if len(line.orders) > 1 and filled > line.orders[0].sizing.quantity:
            detail = f"its orders filled {filled} shares of {line.orders[0].sizing.quantity}"
            yield Alerted(severity=Severity.CRITICAL, reason=Reason.OVERFILL, symbol=symbol, detail=detail)


def failed(line: LineState) -> bool:
    """Tell whether the orders of a line that ended did so without a single share."""
    last = line.orders[-1]
    return last.phase in {Phase.REFUSED, Phase.UNRESOLVED} or (
        last.phase is Phase.ENDED
        and last.report is not None
        and not any(order.filled for order in line.orders)
    )


def health(state: ExecutionState) -> Health:
    """
    Count the orders that were placed and have ended, and those of them that failed; one a line, the last.

    What a stop has canceled says nothing about how orders fare; nor does a step of a walk that goes on.
    """
    ended = [
        line
        for line in state.lines.values()
        if line.orders and not line.is_pending and _has_ended(state, line.orders[-1])
    ]
    return Health(len(ended), sum(failed(line) for line in ended))


def _has_ended(state: ExecutionState, order: OrderState) -> bool:
    return not order.is_open and order.phase is not Phase.NOT_SENT and not _was_stopped(state, order)


def _was_stopped(state: ExecutionState, order: OrderState) -> bool:
    stop = state.stop_of(order.order.side)
    return stop is not None and order.canceled_for is stop.reason
