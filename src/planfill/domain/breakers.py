"""What stops the rest of a plan: orders that fail, a broker that does not answer, a price that runs away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.domain.checks import Objection
from planfill.domain.health import health
from planfill.domain.outcome import Reason
from planfill.domain.refusals import OF_THE_ACCOUNT
from planfill.domain.shortfall import shortfall
from planfill.domain.state import Phase
from planfill.domain.values import ZERO_USD, Money

if TYPE_CHECKING:
    from planfill.domain.policy import LimitsPolicy
    from planfill.domain.state import ExecutionState


def tripped(state: ExecutionState, limits: LimitsPolicy) -> Objection | None:
    """Give the first thing that speaks against sending anything more; None where nothing does."""
    return _account(state) or _failures(state, limits) or failing(state, limits) or _cost(state, limits)


def _account(state: ExecutionState) -> Objection | None:
    for order in state.orders.values():
        if order.phase is Phase.REFUSED and order.reason in OF_THE_ACCOUNT:
            return Objection(order.reason, order.detail)
    return None


def _failures(state: ExecutionState, limits: LimitsPolicy) -> Objection | None:
    found, most = health(state), limits.breaker_halt_pct
    if found.exceeds(most, limits):
        return Objection(Reason.BREAKER, f"{found.failed} of {found.ended} orders failed, more than {most} %")
    unresolved = sum(order.is_unresolved for order in state.orders.values())
    if limits.breaker_unresolved is not None and unresolved >= limits.breaker_unresolved:
        return Objection(Reason.BREAKER, f"of {unresolved} orders nobody knows what became of them")
    return None


def failing(state: ExecutionState, limits: LimitsPolicy, unanswered: int = 0) -> Objection | None:
    """
    Object to sending an order after as many in a row have failed as a breaker allows.

    ``unanswered`` is how many sends in a row the broker has not answered in this run.
    """
    rejected = state.rejections_in_a_row
    if limits.breaker_rejections is not None and rejected >= limits.breaker_rejections:
        return Objection(Reason.BREAKER, f"{rejected} orders in a row were rejected")
    if limits.breaker_errors is not None and unanswered >= limits.breaker_errors:
        return Objection(Reason.BREAKER, f"{unanswered} sends in a row were not answered")
    return None


def _cost(state: ExecutionState, limits: LimitsPolicy) -> Objection | None:
    """Object to what the plan has cost so far against the prices at which it was decided."""
    if limits.max_shortfall_usd is None and limits.max_shortfall_bps is None:
        return None
    placed = [order for order in state.orders.values() if order.was_placed]
    fees = (order.report.fees_usd for order in placed if order.report and order.report.fees_usd)
    cost = shortfall(placed, Money(sum(fees, ZERO_USD)))
    if limits.max_shortfall_usd is not None and cost.cost_usd > limits.max_shortfall_usd:
        detail = f"it has cost ${cost.cost_usd}, ${limits.max_shortfall_usd} are allowed"
        return Objection(Reason.SHORTFALL, detail)
    if limits.max_shortfall_bps is not None and (cost.bps or 0) > limits.max_shortfall_bps:
        detail = f"it has cost {cost.bps:.2f} bps, {limits.max_shortfall_bps} are allowed"
        return Objection(Reason.SHORTFALL, detail)
    return None
