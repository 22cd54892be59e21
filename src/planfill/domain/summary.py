"""The result of an execution, from its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.domain.accounting import line_result
from planfill.domain.errors import ExecutionError
from planfill.domain.outcome import HARMLESS, LineOutcome, Reason
from planfill.domain.plan import Action
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.shortfall import shortfall
from planfill.domain.state import ExecutionState, LineState
from planfill.domain.values import ZERO_USD, Money, cents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from planfill.domain.checks import Objection
    from planfill.domain.identity import AccountKey
    from planfill.domain.plan import Plan
    from planfill.domain.result import OrderResult
    from planfill.domain.state import OrderState

_NOTHING = frozenset({Reason.AMOUNT_ZERO, Reason.BELOW_MINIMUM})


def summarize(state: ExecutionState, now: datetime) -> ExecutionResult:
    """Say what became of the plan, as far as its execution has come."""
    if state.started is None or state.started_at is None:
        msg = "an execution that has not started has no result"
        raise ExecutionError(msg)
    lines = tuple(line_result(line) for line in state.lines.values())
    placed = [order for line in state.lines.values() for order in line.orders if order.was_placed]
    stop = state.stop or state.buys_stop
    return _result(
        state.started.plan,
        state.started.account,
        lines,
        status=status_of(state, lines),
        times=(state.started_at, now),
        detail=stop.detail if stop else "",
        placed=placed,
    )


def _result(
    plan: Plan,
    account: AccountKey | None,
    lines: tuple[OrderResult, ...],
    *,
    status: ExecutionStatus,
    times: tuple[datetime, datetime],
    detail: str,
    placed: Sequence[OrderState] = (),
) -> ExecutionResult:
    filled = sum(line.outcome is LineOutcome.FILLED for line in lines)
    lines_placed = len({order.order.symbol for order in placed})
    fees = sum((o.report.fees_usd for o in placed if o.report and o.report.fees_usd), ZERO_USD)
    cost = shortfall(placed, Money(fees))
    return ExecutionResult(
        plan_id=plan.plan_id,
        correlation_id=plan.correlation_id,
        status=status,
        success=status in {ExecutionStatus.NOTHING_TO_DO, ExecutionStatus.SUCCEEDED},
        started_at=times[0],
        finished_at=times[1],
        account=str(account) if account else None,
        orders_placed=lines_placed,
        orders_filled=filled,
        success_rate=filled / lines_placed if placed else None,
        planned_usd=Money(sum((line.planned_usd for line in lines), ZERO_USD)),
        filled_usd=Money(sum((line.filled_usd for line in lines), ZERO_USD)),
        residual_usd=Money(sum((line.residual_usd for line in lines), ZERO_USD)),
        fees_usd=cents(fees),
        shortfall_usd=cost.cost_usd,
        shortfall_bps=cost.bps,
        detail=detail,
        lines=lines,
    )


def status_of(state: ExecutionState, lines: Sequence[OrderResult]) -> ExecutionStatus:
    """Try the rules in their order: doubt first, then a stop, then what was done."""
    traded = [line for line in lines if line.action is not Action.HOLD and line.reason not in _NOTHING]
    if any(line.outcome is LineOutcome.UNRESOLVED for line in lines):
        return ExecutionStatus.IN_DOUBT
    executed = all(line.outcome is LineOutcome.FILLED and set(line.residuals) <= HARMLESS for line in traded)
    # A stop that left nothing undone stopped nothing.
    if not executed and (state.stop is not None or _lacks_buys(state, traded)):
        return ExecutionStatus.HALTED if state.orders else ExecutionStatus.REFUSED
    if not traded:
        return ExecutionStatus.NOTHING_TO_DO
    if executed:
        return ExecutionStatus.SUCCEEDED
    if any(line.filled_quantity for line in traded):
        return ExecutionStatus.PARTIAL
    return ExecutionStatus.FAILED


def _lacks_buys(state: ExecutionState, traded: Sequence[OrderResult]) -> bool:
    """Tell whether a stop that lets sells go on has kept anything from being bought."""
    stopped = state.buys_stop is not None
    return stopped and any(one.action is Action.BUY and not one.success for one in traded)


def refusal(plan: Plan, account: AccountKey | None, objection: Objection, now: datetime) -> ExecutionResult:
    """Give the result of an attempt that ended before it began: every line blocked, for one reason."""
    state = ExecutionState()
    state.lines = {
        item.symbol: LineState(item, rank, closed=objection.reason, detail=objection.detail)
        for rank, item in enumerate(plan.items)
    }
    lines = tuple(line_result(line) for line in state.lines.values())
    refused = ExecutionStatus.REFUSED
    return _result(plan, account, lines, status=refused, times=(now, now), detail=objection.detail)


def in_doubt(state: ExecutionState, now: datetime, detail: str) -> ExecutionResult:
    """Give the result of a run whose record broke off: true as far as it goes, and unfinished."""
    result = summarize(state, now)
    changed = {"status": ExecutionStatus.IN_DOUBT, "success": False, "detail": detail}
    return ExecutionResult.model_validate({**dict(result), **changed})
