"""Executing a plan: claim the account, go through the loop, tell what became of every line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planfill.application import loop
from planfill.application.beside import Beside
from planfill.application.heeding import Heed
from planfill.application.holdings import Holdings
from planfill.application.journal import Journal
from planfill.application.limiting import Limits
from planfill.application.opening import check_same, check_start, not_worth_it, replay, stream_of, to_ask
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.application.ports.halt import HaltSwitch
from planfill.application.ports.ledger import Claim, Cursors, ExecutionSummary, Ledger
from planfill.application.ports.listener import EventListener
from planfill.application.run import Run, Wrap, ask
from planfill.application.staging import Staged, Staging
from planfill.application.stopping import StopSignal
from planfill.application.telling import Teller
from planfill.application.waiting import wait_for_session
from planfill.domain.checks import Objection
from planfill.domain.errors import AccountBusy, AccountMismatch, BrokerConnectionError, LedgerError
from planfill.domain.events import (
    Event,
    ExecutionCompleted,
    ExecutionRefused,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    StopRequested,
)
from planfill.domain.health import warning
from planfill.domain.identity import AccountKey, ExecutionKey
from planfill.domain.market import Account
from planfill.domain.outcome import Reason
from planfill.domain.plan import Plan
from planfill.domain.policy import Policy
from planfill.domain.report import ExecutionReport
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.stages import Terms
from planfill.domain.state import ExecutionState
from planfill.domain.summary import in_doubt, refusal, summarize
from planfill.domain.values import Quantity


@dataclass(frozen=True, slots=True)
class ExecutePlan:
    """
    The use-case. ``wrap`` puts what every send must pass around the broker; ``holder`` says who we are.

    ``cursors`` may be the ledger itself. ``history`` is where the account's past is, if not there. Without a
    ``switch`` only the ledger can say that there is a halt.
    """

    brokerage: Brokerage
    ledger: Ledger
    cursors: Cursors
    clock: Clock
    policy: Policy
    listeners: Sequence[EventListener]
    wrap: Wrap
    holder: str
    switch: HaltSwitch | None = None
    history: Ledger | None = None

    @property
    def staging(self) -> Staging:
        """What reads and moves the stage of the account."""
        history = self.history or self.ledger
        return Staging(self.ledger, self.cursors, self.clock, self.policy, self.listeners, history)

    async def __call__(
        self, plan: Plan, stop: StopSignal, *, resuming: ExecutionKey | None = None
    ) -> ExecutionResult:
        """
        Execute a plan, or finish what an earlier run of it left, or give the result that it has already.

        ``resuming`` names the execution to finish: nothing but that is taken up.

        Raises:
            PlanConflict: The account has executed another plan under this id. Nothing was sent.
            AccountMismatch: The execution to resume is another account's. Nothing was sent.
            LedgerError: The ledger cannot be used. Nothing was sent.

        """
        if self.brokerage.ahead is not None:
            self.brokerage.ahead.connect()
        # A ledger that cannot be used is found before anything is asked for.
        before = await self.ledger.executions()
        try:
            if self.brokerage.opening is not None:
                self.brokerage.opening(plan)
            if self.brokerage.ahead is not None and (symbols := to_ask(plan, before)):
                self.brokerage.ahead.ask(symbols)
            account = await ask(self.brokerage.account.get_account)
        except BrokerConnectionError as e:
            return self._refusal(plan, None, Objection(Reason.BROKER_UNAVAILABLE, str(e)))
        if resuming is not None and resuming.account != account.key:
            msg = f"plan {plan.plan_id!r} is executed on {resuming.account}; the settings name {account.key}"
            raise AccountMismatch(msg)
        now = self.clock.now()
        try:
            claim = await self.ledger.claim(account.key, holder=self.holder, at=now)
        except AccountBusy as e:
            return self._refusal(plan, account.key, Objection(Reason.ACCOUNT_BUSY, str(e)))
        async with claim:
            await self._forget_if_others_traded(account.key, before)
            return await self._claimed(plan, account, claim, stop, resuming=resuming is not None)

    async def _forget_if_others_traded(
        self, account: AccountKey, before: tuple[ExecutionSummary, ...]
    ) -> None:
        """What was asked before the account was ours may be from before another execution spent its money."""
        if self.brokerage.ahead is not None:
            known = await self.ledger.executions(account)
            if known != tuple(one for one in before if one.key.account == account):
                self.brokerage.ahead.forget()

    async def _claimed(
        self, plan: Plan, account: Account, claim: Claim, stop: StopSignal, *, resuming: bool
    ) -> ExecutionResult:
        key = ExecutionKey(account=account.key, plan_id=plan.plan_id)
        state = await replay(self.ledger, key)
        check_same(state, plan)
        teller = Teller(self.listeners, self.cursors, stream_of(key))
        await teller.catch_up(self.ledger, state.number)
        # What was refused was only an attempt: the plan can be executed later, but not resumed.
        final = resuming or (state.result and state.result.status is not ExecutionStatus.REFUSED)
        if state.finished and state.result and final:
            await teller.remember()
            return state.result.at_head(state.result_head)
        journal = Journal(
            self.ledger, stream_of(key), claim=claim, clock=self.clock, state=state, teller=teller
        )
        heed = Heed(self.ledger, self.switch, key, state.begun_at or self.clock.now(), stop)
        await heed.look()
        now, history = self.clock.now(), self.history or self.ledger
        begun = state.started if state.begun_at else None
        staged = await self.staging.of(account.key, plan, begun)
        figures = staged.terms.limits(self.policy.limits) if staged.terms else self.policy.limits
        limits = await Limits.of(staged.plan, key, figures, history=history, now=now)
        run = Run(self.brokerage, self.clock, self.policy, journal, stop, heed.glance, limits)
        async with teller, Beside(heed.listen, self.clock):
            return await self._run(run, plan, account, staged)

    async def _run(self, run: Run, plan: Plan, account: Account, staged: Staged) -> ExecutionResult:
        state = run.state
        if state.started is None or state.finished:
            orders = list[ExecutionReport]()
            async with Holdings(run, plan) as held:
                objection = await self._objection(run, staged, account, orders)
            if objection:
                result = self._refusal(plan, account.key, objection)
                await run.note(self._started(plan, account), *run.counted(), ExecutionRefused(result=result))
                return result.at_head(state.head)
            started = self._started(plan, account, held.positions, orders, staged.terms)
            closed = (*not_worth_it(staged.plan), *staged.closed, *run.limits.blocked())
            await run.note(started, *held.said, *closed)
        else:
            await run.note(ExecutionResumed(holder=self.holder), *self._too_late(state, staged.objection))
        try:
            await wait_for_session(run, plan)
            await loop.execute(run, self.wrap(self.brokerage.broker, run, self.clock))
            result = summarize(state, self.clock.now())
            await run.note(*warning(state, self.policy.limits), *run.counted(), _ending(result))
        except LedgerError as e:
            if not state.orders:
                raise
            return in_doubt(state, self.clock.now(), f"the ledger failed: {e}; resume when it works")
        return result.at_head(state.head)

    async def _objection(
        self, run: Run, staged: Staged, account: Account, orders: list[ExecutionReport]
    ) -> Objection | None:
        """Give what keeps a plan from being taken up; ``orders`` takes the open ones of the account."""
        if run.stop.reason is Reason.HALTED:
            return None  # the loop refuses it, whatever else speaks against it
        if staged.objection is not None:
            return staged.objection
        return await check_start(
            staged.plan,
            account,
            await self.ledger.executions(account.key),
            brokerage=self.brokerage,
            now=self.clock.now(),
            policy=self.policy.execution,
            open_orders=orders,
        ) or run.limits.check_plan(self.clock.now())

    def _started(
        self,
        plan: Plan,
        account: Account,
        positions: dict[str, Quantity] | None = None,
        open_orders: Sequence[ExecutionReport] = (),
        terms: Terms | None = None,
    ) -> ExecutionStarted:
        return ExecutionStarted(
            plan=plan,
            digest=plan.digest,
            account=account.key,
            cash_usd=account.cash_usd,
            policy=self.policy,
            holder=self.holder,
            endpoint=self.brokerage.endpoint,
            positions=positions,
            open_orders=tuple(open_orders),
            rollout=terms,
        )

    def _too_late(self, state: ExecutionState, objection: Objection | None) -> list[Event]:
        """Stop an execution that may send nothing more, for its age or the account's stage."""
        if objection is not None:
            return [StopRequested(reason=objection.reason, detail=objection.detail)]
        age = (self.clock.now() - (state.started_at or self.clock.now())).total_seconds()
        if self.policy.execution.market_closed == "wait" and not state.orders:
            return []  # it waits for the session, and the plan's own age is what counts
        if age <= self.policy.execution.max_resume_age_s or state.stop is not None:
            return []
        detail = f"taken up {age / 60:.0f} minutes ago: too late to send anything more"
        return [StopRequested(reason=Reason.PLAN_TOO_OLD, detail=detail)]

    def _refusal(self, plan: Plan, account: AccountKey | None, objection: Objection) -> ExecutionResult:
        return refusal(plan, account, objection, self.clock.now())


def _ending(result: ExecutionResult) -> Event:
    if result.status is ExecutionStatus.IN_DOUBT:
        return ExecutionSuspended(result=result)
    if result.status is ExecutionStatus.REFUSED:
        return ExecutionRefused(result=result)
    return ExecutionCompleted(result=result)
