"""Executing a plan: claim the account, go through the loop, tell what became of every line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planfill.application import loop
from planfill.application.journal import Journal
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.application.ports.ledger import Claim, Cursors, Ledger
from planfill.application.ports.listener import EventListener
from planfill.application.run import Run, Wrap
from planfill.application.stopping import StopSignal
from planfill.application.telling import Teller
from planfill.domain.checks import (
    Objection,
    check_account,
    check_amount,
    check_plan_age,
    check_session,
)
from planfill.domain.errors import AccountBusy, BrokerConnectionError, LedgerError, PlanConflict
from planfill.domain.events import (
    Event,
    ExecutionCompleted,
    ExecutionRefused,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    LineClosed,
    StopRequested,
)
from planfill.domain.health import warning
from planfill.domain.identity import AccountKey, ExecutionKey
from planfill.domain.market import Account
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action, Plan
from planfill.domain.policy import Policy
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.state import ExecutionState
from planfill.domain.summary import in_doubt, refusal, summarize


def stream_of(key: ExecutionKey) -> str:
    """Name the stream of an execution."""
    return f"execution/{key}"


@dataclass(frozen=True, slots=True)
class ExecutePlan:
    """
    The use-case. ``wrap`` puts what every send must pass around the broker; ``holder`` says who we are.

    ``cursors`` may be the ledger itself.
    """

    brokerage: Brokerage
    ledger: Ledger
    cursors: Cursors
    clock: Clock
    policy: Policy
    listeners: Sequence[EventListener]
    wrap: Wrap
    holder: str

    async def __call__(self, plan: Plan, stop: StopSignal) -> ExecutionResult:
        """
        Execute a plan, or finish what an earlier run of it left, or give the result that it has already.

        Raises:
            PlanConflict: The account has executed another plan under this id. Nothing was sent.
            LedgerError: The ledger cannot be used. Nothing was sent.

        """
        try:
            if self.brokerage.opening is not None:
                self.brokerage.opening(plan)
            account = await self.brokerage.account.get_account()
        except BrokerConnectionError as e:
            return self._refusal(plan, None, Objection(Reason.BROKER_UNAVAILABLE, str(e)))
        now = self.clock.now()
        try:
            claim = await self.ledger.claim(account.key, holder=self.holder, at=now)
        except AccountBusy as e:
            return self._refusal(plan, account.key, Objection(Reason.ACCOUNT_BUSY, str(e)))
        async with claim:
            return await self._claimed(plan, account, claim, stop)

    async def _claimed(self, plan: Plan, account: Account, claim: Claim, stop: StopSignal) -> ExecutionResult:
        key = ExecutionKey(account=account.key, plan_id=plan.plan_id)
        state, stream = ExecutionState(), stream_of(key)
        for recorded in await self.ledger.read(stream):
            state.apply(recorded)
        if state.started is not None and state.started.digest != plan.digest:
            msg = (
                f"plan {plan.plan_id!r} was taken up on {state.started_at:%Y-%m-%d %H:%M} UTC with other "
                "trades: give the new plan an id of its own"
            )
            raise PlanConflict(msg)
        teller = Teller(self.listeners, self.cursors, stream)
        await teller.catch_up(self.ledger, state.number)
        if state.finished and state.result and state.result.status is not ExecutionStatus.REFUSED:
            await teller.remember()
            return state.result.at_head(state.result_head)
        journal = Journal(self.ledger, stream, claim=claim, clock=self.clock, state=state, teller=teller)
        run = Run(self.brokerage, self.clock, self.policy, journal, stop)
        async with teller:
            return await self._run(run, plan, account, key)

    async def _run(self, run: Run, plan: Plan, account: Account, key: ExecutionKey) -> ExecutionResult:
        state = run.state
        if state.started is None or state.finished:
            if objection := await self._objection(plan, account, key):
                result = self._refusal(plan, account.key, objection)
                await run.note(self._started(plan, account), ExecutionRefused(result=result))
                return result.at_head(state.head)
            await run.note(self._started(plan, account), *_not_worth_it(plan))
        else:
            await run.note(ExecutionResumed(holder=self.holder), *self._too_late(state))
        try:
            await loop.execute(run, self.wrap(self.brokerage.broker, run.permit))
            result = summarize(state, self.clock.now())
            await run.note(*warning(state, self.policy.limits), _ending(result))
        except LedgerError as e:
            if not state.orders:
                raise
            return in_doubt(state, self.clock.now(), f"the ledger failed: {e}; resume when it works")
        return result.at_head(state.head)

    async def _objection(self, plan: Plan, account: Account, key: ExecutionKey) -> Objection | None:
        """Give what keeps the plan from being taken up at all."""
        for other in await self.ledger.executions(account.key):
            if not other.finished and other.key != key:
                since = f"{other.started_at:%Y-%m-%d %H:%M} UTC"
                detail = (
                    f"plan {other.key.plan_id!r} of {since} is unfinished on this account: "
                    f"planfill resume {other.key.plan_id}"
                )
                return Objection(Reason.ACCOUNT_UNFINISHED, detail)
        if len(_not_worth_it(plan)) == sum(item.action is not Action.HOLD for item in plan.items):
            return None
        now = self.clock.now()
        if objection := check_account(account) or check_plan_age(plan, now, self.policy.execution):
            return objection
        try:
            session = await self.brokerage.hours.get_session()
        except BrokerConnectionError as e:
            return Objection(Reason.MARKET_CLOSED, f"nobody says whether the market is open: {e}")
        return check_session(session, now, self.policy.execution)

    def _started(self, plan: Plan, account: Account) -> ExecutionStarted:
        return ExecutionStarted(
            plan=plan,
            digest=plan.digest,
            account=account.key,
            cash_usd=account.cash_usd,
            policy=self.policy,
            holder=self.holder,
        )

    def _too_late(self, state: ExecutionState) -> list[Event]:
        """Stop an execution that is too old to send anything; what may be working is still followed."""
        age = (self.clock.now() - (state.started_at or self.clock.now())).total_seconds()
        if age <= self.policy.execution.max_resume_age_s or state.stop is not None:
            return []
        detail = f"taken up {age / 60:.0f} minutes ago: too late to send anything more"
        return [StopRequested(reason=Reason.PLAN_TOO_OLD, detail=detail)]

    def _refusal(self, plan: Plan, account: AccountKey | None, objection: Objection) -> ExecutionResult:
        return refusal(plan, account, objection, self.clock.now())


def _not_worth_it(plan: Plan) -> list[Event]:
    """Close the lines whose amount is too little to be traded."""
    found = ((item, check_amount(item)) for item in plan.items if item.action is not Action.HOLD)
    return [
        LineClosed(symbol=item.symbol, reason=objection.reason, detail=objection.detail)
        for item, objection in found
        if objection is not None
    ]


def _ending(result: ExecutionResult) -> Event:
    if result.status is ExecutionStatus.IN_DOUBT:
        return ExecutionSuspended(result=result)
    if result.status is ExecutionStatus.REFUSED:
        return ExecutionRefused(result=result)
    return ExecutionCompleted(result=result)
