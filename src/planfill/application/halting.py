"""Halting, for whoever executes and whoever will; and lifting that again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from planfill.application.execute import ExecutePlan
from planfill.application.heeding import account_stream, halt_of
from planfill.application.ports.clock import Clock
from planfill.application.ports.halt import HaltSwitch
from planfill.application.ports.ledger import Ledger
from planfill.application.queries import Executions
from planfill.application.run import ask
from planfill.application.winding import WindDown
from planfill.domain.errors import (
    AccountUnknown,
    BrokerConnectionError,
    HaltUnavailable,
    LedgerError,
    SettingsError,
)
from planfill.domain.events import Event, Halted, Unhalted
from planfill.domain.halting import Halt
from planfill.domain.identity import AccountKey
from planfill.domain.plan import Plan
from planfill.domain.result import EXIT_CODE, ExecutionResult, ExecutionStatus
from planfill.domain.values import Value

# So many executions are looked through for an account by its name.
_LATELY: Final = 50


class HaltReport(Value, frozen=True):
    """
    What halting did.

    ``where`` says where the halt stands. Of the executions that were unfinished, ``ended`` gives the results
    of those that nobody drove, with what became of their orders; ``obeying`` names those that another process
    ends, within a second. ``troubles`` is what did not go as it should: empty where all is well.
    """

    halt: Halt
    where: tuple[str, ...]
    ended: tuple[ExecutionResult, ...] = ()
    obeying: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """What a command ends with: 4 where an order is in doubt, 1 where something else went wrong."""
        if any(one.status is ExecutionStatus.IN_DOUBT for one in self.ended):
            return EXIT_CODE[ExecutionStatus.IN_DOUBT]
        return 1 if self.troubles else 0


class LiftReport(Value, frozen=True):
    """``account`` is no longer halted by itself (None: all together); ``left`` says what still holds."""

    account: AccountKey | None
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Halts:
    """
    The use-cases; ``by`` says who wants it.

    The broker is only made where its account or its orders are asked for: all accounts are halted without.
    Where the settings have several, ``serving`` gives what executes on the account of a plan; ``name`` is
    what they call the one account that is served, and ``number`` what they say its broker calls it.
    """

    ledger: Ledger
    switch: HaltSwitch
    clock: Clock
    executions: Executions
    execute: Callable[[], ExecutePlan]
    by: str
    serving: Callable[[Plan], ExecutePlan] | None = None
    name: str | None = None
    number: str | None = None

    async def halt(self, reason: str, *, account: str | None, reduce_only: bool) -> HaltReport:
        """
        Halt an account, or all; then end what nobody drives.

        The switch and the ledger each suffice: where only one of them takes the halt, that is a trouble.

        Raises:
            AccountUnknown: The settings name another account.
            HaltUnavailable: Neither takes it: nothing is halted.

        """
        key = await self._named(account)
        halt = Halt(by=self.by, at=self.clock.now(), reason=reason, reduce_only=reduce_only, account=key)
        where, troubles = list[str](), list[str]()
        try:
            self.switch.set(halt)
            where.append(self.switch.where)
        except HaltUnavailable as e:
            troubles.append(str(e))
        try:
            await self._record(key, Halted(by=self.by, reason=reason, reduce_only=reduce_only))
            where.append("the ledger")
        except LedgerError as e:
            troubles.append(str(e))
        if not where:
            msg = f"NOT halted: {'; '.join(troubles)}"
            raise HaltUnavailable(msg)
        down = WindDown(self.ledger, self.executions, self.serving or (lambda _plan: self.execute()))
        await down.all(halt)
        return HaltReport(
            halt=halt,
            where=tuple(where),
            ended=tuple(down.ended),
            obeying=tuple(down.obeying),
            troubles=(*troubles, *down.troubles),
        )

    async def lift(self, reason: str, *, account: str | None) -> LiftReport:
        """
        Lift the halt of an account, or that of all accounts; each is lifted by itself.

        Raises:
            AccountUnknown: The settings name another account.
            HaltUnavailable: It still holds, in the switch.
            LedgerError: It still holds, in the ledger or wherever it did.

        """
        key = await self._named(account)
        await self._record(key, Unhalted(by=self.by, reason=reason))
        self.switch.clear(key)
        accounts = (key, *(one.key.account for one in await self.executions.all()))
        left = [await self._in_force(one) for one in dict.fromkeys(accounts)]
        return LiftReport(account=key, left=tuple(dict.fromkeys(filter(None, left))))

    async def _in_force(self, account: AccountKey | None) -> str:
        try:
            return str(await halt_of(self.ledger, self.switch, account) or "")
        except HaltUnavailable as e:
            return str(e)

    async def _record(self, account: AccountKey | None, event: Event) -> None:
        await self.ledger.append(account_stream(account), [event], at=self.clock.now())

    async def _named(self, account: str | None) -> AccountKey | None:
        """Find the account that is meant; where the broker does not say which it is, the ledger may."""
        if account is None:
            return None
        try:
            known = {(await ask(self.execute().brokerage.account.get_account)).key}
        except (BrokerConnectionError, SettingsError) as e:
            known = {one.key.account for one in await self.executions.all()}
            if account == self.name and len(bearing := await self._bearing_the_name()) == 1:
                return next(iter(bearing))
            why = f"the broker does not say which account the settings name ({e})"
        else:
            if account == self.name:
                return next(iter(known))
            why = f"the settings name {', '.join(map(str, known))}"
        for key in known:
            if account in {str(key), key.number}:
                return key
        msg = f"account {account!r} is not known here: {why}; without --account all are meant"
        raise AccountUnknown(msg)

    async def _bearing_the_name(self) -> set[AccountKey]:
        """
        Find the accounts on which was executed lately what was for this name: one, if it never meant another.

        A gateway that takes one program at a time says nothing while a plan is executed, which is when it
        must be halted.
        """
        found = set[AccountKey]()
        for one in (await self.executions.all())[-_LATELY:]:
            _, plan = await self.executions.plan(one.key.plan_id, str(one.key.account))
            if plan.account == self.name and self.number in {None, one.key.account.number}:
                found.add(one.key.account)
        return found
