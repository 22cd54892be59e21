"""The stage of an account: where it stands, what that lets a plan trade, and what its executions change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.application.heeding import account_stream
from planfill.application.limiting import recent, sent_in
from planfill.application.opening import stream_of
from planfill.application.ports.clock import Clock
from planfill.application.ports.ledger import Cursors, Ledger
from planfill.application.ports.listener import EventListener
from planfill.application.telling import Teller
from planfill.domain.checks import Objection
from planfill.domain.events import Alerted, Event, ExecutionStarted, LineClosed, Severity, StageChanged
from planfill.domain.outcome import Reason
from planfill.domain.policy import Policy
from planfill.domain.rollout import Rung, forbidden, rung_after
from planfill.domain.stages import LIVE, Stage, Terms
from planfill.domain.trials import Trial, breach, conditions, trial

if TYPE_CHECKING:
    from planfill.domain.events import Recorded
    from planfill.domain.identity import AccountKey
    from planfill.domain.plan import Plan

# So many executions are looked at for what moves an account by itself, or as many as a step asks for.
_LOOK_BACK: Final = 50


class Staged(NamedTuple):
    """What the stage makes of a plan: what keeps it from being executed, or what of it may be traded."""

    objection: Objection | None
    terms: Terms | None
    plan: Plan
    closed: tuple[Event, ...] = ()


async def rung_of(ledger: Ledger, account: AccountKey) -> Rung:
    """Read where an account stands; raises LedgerError where nobody can say."""
    rung = Rung()
    for recorded in await ledger.read(account_stream(account)):
        rung = rung_after(rung, recorded)
    return rung


@dataclass(frozen=True, slots=True)
class Staging:
    """
    Reads the account's past from ``history``, and records in ``ledger`` what that changes.

    Whoever lets it change something holds the account's claim.
    """

    ledger: Ledger
    cursors: Cursors
    clock: Clock
    policy: Policy
    listeners: Sequence[EventListener]
    history: Ledger

    async def of(self, account: AccountKey, plan: Plan, begun: ExecutionStarted | None) -> Staged:
        """
        Say what may be traded of a plan that is taken up now, or of one whose execution has ``begun``.

        Raises:
            LedgerError: Nobody can say.

        """
        if account.environment != LIVE:
            return Staged(None, None, plan)
        rung, before = await self.review(account), begun.rollout if begun else None
        why = forbidden(account, rung, self.policy.rollout)
        if begun is not None and before is None:
            # Its lines are cut by what it began with alone: without that they would be traded whole.
            why = why or "the execution was taken up at no stage: the rest needs a new plan"
        if why:
            return Staged(Objection(Reason.ROLLOUT, why), before, plan)
        terms = before or rung.terms(self.policy.rollout)
        today = await self._sent_today(account) if before is None and terms.orders_a_day is not None else 0
        blocked = terms.blocked(plan, today)
        closed = [LineClosed(symbol=s, reason=Reason.ROLLOUT, detail=why) for s, why in blocked.items()]
        return Staged(None, terms, terms.within(plan, blocked), tuple(closed))

    async def review(self, account: AccountKey) -> Rung:
        """Move an account by what its executions have shown since it was moved last; say where it stands."""
        if account.environment != LIVE:
            return Rung()
        rung = await rung_of(self.history, account)
        if rung.stage is Stage.PAPER:
            return rung
        policy = self.policy.rollout
        most = max(_LOOK_BACK, policy.ramp_executions)
        trials = await self.trials((account,), rung, most)
        why = breach(trials, policy, self.policy.limits.breaker_min_sample)
        judged = tuple(conditions(rung, trials, policy))
        after = rung.above(policy) if rung.stage is Stage.LIVE else None
        if why:
            after, reason = rung.below(), f"the error budget of stage {rung} is used up: {why}"
        elif after is None or not all(one.holds for one in judged):
            return rung
        else:
            reason = f"{policy.ramp_executions} clean executions at stage {rung}"
        evidence = tuple(map(str, judged))
        changed: list[Event] = [
            StageChanged(stage=after.stage, step=after.step, reason=reason, evidence=evidence)
        ]
        if why:
            detail = f"demoted to stage {after}: {reason}"
            changed.append(Alerted(severity=Severity.CRITICAL, reason=Reason.ROLLOUT, detail=detail))
        return await self.record(account, *changed)

    async def trials(
        self, accounts: Sequence[AccountKey], rung: Rung, most: int | None = None
    ) -> list[Trial]:
        """Read the executions of accounts that began at a rung, or the last ``most`` of them."""
        known = [one for one in await self.history.executions() if one.key.account in accounts]
        read = [trial(await self.history.read(stream_of(one.key))) for one in known[-(most or len(known)) :]]
        return [one for one in read if one is not None and one.counts_for(rung)]

    async def record(self, account: AccountKey, *events: Event) -> Rung:
        """Record in the account's stream where it stands now, and tell the listeners."""
        stream, rung = account_stream(account), await rung_of(self.history, account)
        said: Sequence[Recorded] = await self.ledger.append(stream, events, at=self.clock.now())
        teller = Teller(self.listeners, self.cursors, stream)
        await teller.catch_up(self.ledger, said[-1].number)
        await teller.remember()
        for one in said:
            rung = rung_after(rung, one)
        return rung

    async def _sent_today(self, account: AccountKey) -> int:
        now, count = self.clock.now(), 0
        async for _, recorded in recent(self.history, account, now):
            count += sum(order.at.date() == now.date() for order in sent_in(recorded, now).values())
        return count
