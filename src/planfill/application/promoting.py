"""Where the account stands in its rollout, and moving it to the next stage once that is earned."""

from __future__ import annotations

from dataclasses import dataclass

from planfill.application.execute import ExecutePlan
from planfill.application.heeding import account_stream
from planfill.application.run import ask
from planfill.application.staging import rung_of
from planfill.domain.events import Recorded, StageChanged
from planfill.domain.identity import AccountKey
from planfill.domain.rollout import Rung
from planfill.domain.shadowing import clean_days
from planfill.domain.stages import LIVE, Stage, Terms
from planfill.domain.trials import Condition, conditions
from planfill.domain.values import Value


class RolloutReport(Value, frozen=True):
    """
    Where an account stands: its stage, the step of the ramp (from 1; None at other stages), its terms.

    ``terms`` is None where no stage is enforced, since no real money is at stake, and where nothing may be
    sent. ``following`` is what comes next, None at the end, and ``conditions`` what that asks for.
    """

    account: AccountKey
    stage: Stage
    step: int | None
    terms: Terms | None
    following: str | None
    conditions: tuple[Condition, ...]

    @property
    def is_live(self) -> bool:
        """Whether real money is at stake, so that the stage is enforced."""
        return self.account.environment == LIVE

    @property
    def failing(self) -> tuple[Condition, ...]:
        """The conditions that do not hold."""
        return tuple(one for one in self.conditions if not one.holds)


class Promotion(Value, frozen=True):
    """What came of asking for the next stage: ``refused`` says why not; empty where it was given."""

    report: RolloutReport
    refused: str = ""
    overridden: bool = False

    @property
    def exit_code(self) -> int:
        """What a command ends with."""
        return 1 if self.refused else 0


@dataclass(frozen=True, slots=True)
class Rollout:
    """The use-cases; ``by`` says who promotes."""

    execute: ExecutePlan
    by: str

    async def status(self) -> RolloutReport:
        """
        Say where the account of the settings stands, and how it is with each condition.

        At the stage paper it is the accounts of the same broker that are not live whose executions count.

        Raises:
            BrokerConnectionError: The broker does not say which account it is.
            LedgerError: The ledger cannot be read.

        """
        account = (await ask(self.execute.brokerage.account.get_account)).key
        rung = await rung_of(self.execute.ledger, account)
        return await self._report(account, rung)

    async def promote(self, override: str | None = None) -> Promotion:
        """
        Move the account to the next stage if every condition holds; else only for the reason ``override``.

        Raises:
            AccountBusy: Somebody executes on the account.
            BrokerConnectionError, LedgerError: As ``status``.

        """
        account = (await ask(self.execute.brokerage.account.get_account)).key
        ledger, clock, policy = self.execute.ledger, self.execute.clock, self.execute.policy.rollout
        async with await ledger.claim(account, holder=self.by, at=clock.now()):
            rung = await rung_of(ledger, account)
            report, following = await self._report(account, rung), rung.above(policy)
            if not report.is_live:
                why = "it is not live: every plan is executed whole there, and there is nothing to promote"
                return Promotion(report=report, refused=f"account {account}: {why}")
            if following is None:
                return Promotion(report=report, refused=f"account {account} is at the last step already")
            if report.failing and override is None:
                failing = "; ".join(map(str, report.failing))
                return Promotion(report=report, refused=f"not earned yet: {failing}")
            event = StageChanged(
                stage=following.stage,
                step=following.step,
                by=self.by,
                reason=override or "every condition holds",
                overridden=bool(report.failing),
                evidence=tuple(map(str, report.failing or report.conditions)),
            )
            rung = await self.execute.staging.record(account, event)
        return Promotion(report=await self._report(account, rung), overridden=event.overridden)

    async def _report(self, account: AccountKey, rung: Rung) -> RolloutReport:
        policy, accounts = self.execute.policy.rollout, [account]
        if rung.stage is Stage.PAPER:
            known = (one.key.account for one in await self.execute.ledger.executions())
            accounts = [one for one in known if one.broker == account.broker and one.environment != LIVE]
        following = rung.above(policy)
        trials, days = (
            await self.execute.staging.trials(accounts, rung),
            await self._shadow_days(accounts, rung),
        )
        judged = conditions(rung, trials, policy, days)
        enforced = account.environment == LIVE and rung.stage is not Stage.PAPER
        return RolloutReport(
            account=account,
            stage=rung.stage,
            step=rung.step + 1 if rung.stage is Stage.LIVE else None,
            terms=rung.terms(policy) if enforced else None,
            following=str(following) if following else None,
            conditions=tuple(judged) if following else (),
        )

    async def _shadow_days(self, accounts: list[AccountKey], rung: Rung) -> int:
        """Count the days since the rung was reached on which every shadow run of these accounts was clean."""
        events = list[Recorded]()
        for account in dict.fromkeys(accounts):
            events += await self.execute.ledger.read(account_stream(account))
        return sum(rung.since is None or day >= rung.since.date() for day in clean_days(events))
