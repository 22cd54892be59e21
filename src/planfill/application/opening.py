"""Taking up a plan: what is known of it, and what keeps it from being executed at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.run import ask
from planfill.domain.checks import (
    Objection,
    check_account,
    check_amount,
    check_plan_age,
    check_session,
)
from planfill.domain.errors import BrokerConnectionError, PlanConflict
from planfill.domain.events import Event, LineClosed
from planfill.domain.identity import ExecutionKey, stem_in, stem_of
from planfill.domain.order_checks import is_at_work
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.state import ExecutionState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from planfill.application.ports.brokerage import Brokerage
    from planfill.application.ports.ledger import ExecutionSummary, Ledger
    from planfill.domain.market import Account
    from planfill.domain.plan import Plan
    from planfill.domain.policy import ExecutionPolicy
    from planfill.domain.report import ExecutionReport


def stream_of(key: ExecutionKey) -> str:
    """Name the stream of an execution."""
    return f"execution/{key}"


async def replay(ledger: Ledger, key: ExecutionKey) -> ExecutionState:
    """Fold what the ledger has of an execution."""
    state = ExecutionState()
    for recorded in await ledger.read(stream_of(key)):
        state.apply(recorded)
    return state


def check_same(state: ExecutionState, plan: Plan) -> None:
    """
    Make sure that what was taken up under the plan's id is this plan.

    Raises:
        PlanConflict: It is another one.

    """
    # The account is the key's: what the settings call it, then and now, makes no other plan.
    if state.started is not None and state.started.plan.trades != plan.trades:
        msg = (
            f"plan {plan.plan_id!r} was taken up on {state.started_at:%Y-%m-%d %H:%M} UTC with other "
            "trades: give the new plan an id of its own"
        )
        raise PlanConflict(msg)


def check_unfinished(key: ExecutionKey, known: tuple[ExecutionSummary, ...]) -> Objection | None:
    """Object to a new plan on an account where another one is unfinished."""
    for other in known:
        if not other.finished and other.key != key:
            since, plan_id = f"{other.started_at:%Y-%m-%d %H:%M} UTC", other.key.plan_id
            detail = f"plan {plan_id!r} of {since} is unfinished on this account: planfill resume {plan_id}"
            return Objection(Reason.ACCOUNT_UNFINISHED, detail)
    return None


def to_ask(plan: Plan, known: tuple[ExecutionSummary, ...]) -> list[str]:
    """Give the symbols in which a plan will trade; none if it was taken up before."""
    if any(one.key.plan_id == plan.plan_id for one in known):
        return []
    return [i.symbol for i in plan.items if i.action is not Action.HOLD and check_amount(i) is None]


async def check_start(
    plan: Plan,
    account: Account,
    known: tuple[ExecutionSummary, ...],
    *,
    brokerage: Brokerage,
    now: datetime,
    policy: ExecutionPolicy,
    open_orders: list[ExecutionReport],
) -> Objection | None:
    """
    Give what keeps a plan with something to trade from being taken up now.

    ``open_orders`` takes those in the plan's symbols that the account has at the broker.
    """
    key = ExecutionKey(account=account.key, plan_id=plan.plan_id)
    if objection := check_unfinished(key, known):
        return objection
    if len(not_worth_it(plan)) == sum(item.action is not Action.HOLD for item in plan.items):
        return None
    if objection := check_account(account) or check_plan_age(plan, now, policy):
        return objection
    closed = None if policy.market_closed == "wait" else await _closed(brokerage, now, policy)
    try:
        reports = await ask(brokerage.records.list_orders, now)
    except BrokerConnectionError as e:
        return Objection(Reason.BROKER_UNAVAILABLE, f"the broker does not answer: {e}")
    symbols = {item.symbol for item in plan.items}
    open_orders += (one for one in reports if one.symbol in symbols and is_at_work(one))
    return closed or _stranger(reports, {stem_of(one.key) for one in known} | {stem_of(key)})


async def _closed(brokerage: Brokerage, now: datetime, policy: ExecutionPolicy) -> Objection | None:
    try:
        session = await ask(brokerage.hours.get_session)
    except BrokerConnectionError as e:
        return Objection(Reason.MARKET_CLOSED, f"nobody says whether the market is open: {e}")
    return check_session(session, now, policy)


def _stranger(reports: Sequence[ExecutionReport], stems: set[str]) -> Objection | None:
    """Find an open order that a Planfill with another ledger has placed: two must not drive one account."""
    for report in reports:
        stem = stem_in(report.client_order_id)
        if stem is not None and stem not in stems and not report.is_terminal:
            detail = (
                f"order {report.client_order_id} ({report.side} {report.symbol}) works at the broker and is "
                "not in this ledger: another Planfill drives the account; point ledger.url at its ledger"
            )
            return Objection(Reason.FOREIGN_ORDER, detail)
    return None


def not_worth_it(plan: Plan) -> list[Event]:
    """Close the lines whose amount is too little to be traded."""
    found = ((item, check_amount(item)) for item in plan.items if item.action is not Action.HOLD)
    return [
        LineClosed(symbol=item.symbol, reason=objection.reason, detail=objection.detail)
        for item, objection in found
        if objection is not None
    ]
