"""Heeding what other processes ask of the one that holds the account: a halt, a cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.errors import HaltUnavailable, LedgerError
from planfill.domain.events import CancelAsked
from planfill.domain.halting import halt_after, strictest
from planfill.domain.outcome import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.application.ports.clock import Clock
    from planfill.application.ports.halt import HaltSwitch
    from planfill.application.ports.ledger import Ledger
    from planfill.application.stopping import StopSignal
    from planfill.domain.halting import Halt
    from planfill.domain.identity import AccountKey, ExecutionKey

_EVERY_S: Final = 0.5


def account_stream(account: AccountKey | None) -> str:
    """Name the stream in which other processes ask for something of an account; None: of all."""
    return "system" if account is None else f"account/{account}"


async def halt_of(ledger: Ledger, switch: HaltSwitch | None, account: AccountKey | None) -> Halt | None:
    """
    Give the halt that an account has to obey now, its own or that of all.

    Raises:
        HaltUnavailable, LedgerError: Nobody can say; nothing may be sent.

    """
    found = [switch.read(account)] if switch is not None else []
    for one in {account, None}:
        halt: Halt | None = None
        for recorded in await ledger.read(account_stream(one)):
            halt = halt_after(halt, recorded, one)
        found.append(halt)
    return strictest(*found)


class Heed:
    """
    Stops an execution when somebody asks for that: by a halt, or by a cancel of the plan.

    Of the cancels, what was asked before ``since``, when the execution was taken up, does not concern it;
    what is asked while it listens does, whatever the clock says meanwhile. Where nobody can say whether
    there is a halt, that is one.
    """

    def __init__(
        self,
        ledger: Ledger,
        switch: HaltSwitch | None,
        key: ExecutionKey,
        since: datetime,
        stop: StopSignal,
    ) -> None:
        self._ledger = ledger
        self._switch = switch
        self._account = key.account
        self._plan_id = key.plan_id
        self._since = since
        self._stop = stop
        self._heard: dict[AccountKey | None, int] = {key.account: 0, None: 0}
        self._halts: dict[AccountKey | None, Halt | None] = {}
        self._listens = False

    def glance(self) -> None:
        """See whether the switch has been set since; cheap enough for every send."""
        if self._switch is None:
            return
        try:
            self._obey(self._switch.read(self._account))
        except HaltUnavailable as e:
            self._stop.request(Reason.HALTED, str(e))

    async def look(self) -> None:
        """
        Hear everything that has been asked for.

        Raises:
            LedgerError: Nobody can say what that is.

        """
        self.glance()
        for account, heard in self._heard.items():
            for recorded in await self._ledger.read(account_stream(account), after=heard):
                self._heard[account] = recorded.number
                self._halts[account] = halt_after(self._halts.get(account), recorded, account)
                event = recorded.event
                if not isinstance(event, CancelAsked) or not (self._listens or recorded.at >= self._since):
                    continue
                if event.plan_id == self._plan_id:
                    self._stop.request(Reason.CANCELED_BY_USER, f"asked by {event.by}: {event.detail}")
        self._listens = True
        self._obey(strictest(*self._halts.values()))

    async def listen(self, clock: Clock) -> None:
        """Look every half second, until a stop is asked for by whomever."""
        await self._stop.or_done(self._keep_looking(clock))

    async def _keep_looking(self, clock: Clock) -> None:
        while self._stop.reason is None:
            await clock.sleep(_EVERY_S)
            try:
                await self.look()
            except LedgerError as e:
                self._stop.request(Reason.HALTED, f"nobody can say whether there is a halt: {e}")

    def _obey(self, halt: Halt | None) -> None:
        if halt is not None and halt.reduce_only:
            self._stop.forbid_buys(Reason.HALTED, str(halt))
        elif halt is not None:
            self._stop.request(Reason.HALTED, str(halt))
