"""Giving a plan to one of the accounts of the settings: to the first that is named, and to no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planfill.application.execute import ExecutePlan
from planfill.application.heeding import account_stream
from planfill.application.opening import replay
from planfill.application.run import ask
from planfill.domain.checks import Objection
from planfill.domain.errors import AccountMismatch, BrokerConnectionError
from planfill.domain.events import AccountChosen
from planfill.domain.outcome import Reason
from planfill.domain.result import ExecutionStatus
from planfill.domain.summary import refusal

if TYPE_CHECKING:
    from planfill.application.stopping import StopSignal
    from planfill.domain.plan import Plan
    from planfill.domain.result import ExecutionResult


@dataclass(frozen=True, slots=True)
class Assign:
    """
    The use-case, of one account of the settings.

    The ledger decides, by the order of its records: of two that give one plan to two accounts at once, in
    whatever processes, both read who was first. So no lock is needed beside that of each account, and what
    comes of the execution changes nothing: a plan is tried again where it was tried first.

    Where the settings name no accounts, ``name`` is empty and nothing is recorded; but what was given to an
    account when they did is executed on no other.
    """

    execute: ExecutePlan
    name: str

    async def __call__(self, plan: Plan, stop: StopSignal) -> ExecutionResult:
        """
        Record that the plan is this account's, unless that is known; then execute it.

        Raises:
            AccountMismatch: It is another's. Nothing was sent here.
            LedgerError: The ledger cannot be used. Nothing was sent.

        """
        ledger, clock = self.execute.ledger, self.execute.clock
        try:
            if not self.name:
                await self._check_unnamed(plan)
            elif not await self.is_known(plan):
                event = AccountChosen(plan_id=plan.plan_id, account=self.name)
                await ledger.append(account_stream(None), [event], at=clock.now())
                await self.is_known(plan)
        except BrokerConnectionError as e:
            return refusal(plan, None, Objection(Reason.BROKER_UNAVAILABLE, str(e)), clock.now())
        return await self.execute(plan, stop)

    async def is_known(self, plan: Plan) -> bool:
        """
        Tell whether the plan is this account's, or (False) nobody's yet.

        Raises:
            AccountMismatch: It is another's.
            BrokerConnectionError: It was executed, and the broker does not say whether here.
            LedgerError: The ledger cannot be read.

        """
        named = await self._is_named(plan)
        await self._check_executed(plan)
        return named

    async def _is_named(self, plan: Plan) -> bool:
        first = await self._first(plan)
        if first is not None and first[0] != self.name:
            raise self._other(plan, first[1])
        return first is not None

    async def _check_unnamed(self, plan: Plan) -> None:
        first = await self._first(plan)
        if first is None:
            return
        await self._check_executed(plan)
        own = (await ask(self.execute.brokerage.account.get_account)).key
        known = await self.execute.ledger.executions(own)
        if not any(one.key.plan_id == plan.plan_id for one in known):
            raise self._other(plan, first[1])

    async def _first(self, plan: Plan) -> tuple[str, str] | None:
        """Give the name to which the plan was given first, and that with the time, for people."""
        for recorded in await self.execute.ledger.read(account_stream(None)):
            event = recorded.event
            if isinstance(event, AccountChosen) and event.plan_id == plan.plan_id:
                return event.account, f"account {event.account!r} on {recorded.at:%Y-%m-%d %H:%M} UTC"
        return None

    async def _check_executed(self, plan: Plan) -> None:
        """Make sure that it was not executed elsewhere: without a name, or while this name meant it."""
        ledger = self.execute.ledger
        for one in await ledger.executions():
            if one.key.plan_id == plan.plan_id:
                state = await replay(ledger, one.key)
                refused = state.result is not None and state.result.status is ExecutionStatus.REFUSED
                own = (await ask(self.execute.brokerage.account.get_account)).key
                if one.key.account != own and not refused:
                    raise self._other(plan, f"{one.key.account} on {one.started_at:%Y-%m-%d %H:%M} UTC")

    def _other(self, plan: Plan, whose: str) -> AccountMismatch:
        return AccountMismatch(
            f"plan {plan.plan_id!r} was given to {whose}, and a plan goes to one account only: "
            f"give the one for {repr(self.name) if self.name else 'another'} an id of its own"
        )
