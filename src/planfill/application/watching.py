"""Looking after what was begun: the runs that have fallen silent, the halts that hold, the alerts unsent."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from planfill.application.alerting import Alerts, Delivery
from planfill.application.heeding import account_stream, halt_of
from planfill.application.opening import stream_of
from planfill.application.ports.clock import Clock
from planfill.application.ports.halt import HaltSwitch
from planfill.application.ports.ledger import Ledger
from planfill.domain.alert import QUIET
from planfill.domain.deadman import is_suspended, silent_s
from planfill.domain.errors import AccountBusy, HaltUnavailable
from planfill.domain.events import Alerted, Recorded, Severity
from planfill.domain.halting import unhalt
from planfill.domain.identity import AccountKey, ExecutionKey
from planfill.domain.outcome import Reason
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.values import Value


class Trouble(Value, frozen=True):
    """Something that is not as it should be now, and the command to type."""

    what: str
    todo: str


class WatchReport(Value, frozen=True):
    """What stands wrong now, and whom it told of what since the last look."""

    troubles: tuple[Trouble, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where all is well; 1 where something is wrong, or was since the last look."""
        return 1 if self.troubles or any(one.alerts or one.trouble for one in self.deliveries) else 0


@dataclass(frozen=True, slots=True)
class Watch:
    """The use-case: look, then tell."""

    ledger: Ledger
    switch: HaltSwitch
    clock: Clock
    alerts: Alerts
    holder: str

    async def __call__(self) -> WatchReport:
        """
        Look once at all there is in the ledger, and tell every target what it is owed.

        Raises:
            LedgerError: The ledger cannot be used, or there is none to look after.

        """
        # Writes nothing; where there is no ledger, or one that takes no alert, that is said here.
        await self.ledger.append(account_stream(None), [], at=self.clock.now())
        troubles = [*await self._runs(), *await self._halts()]
        return WatchReport(troubles=tuple(troubles), deliveries=await self.alerts.deliver())

    async def note(self, result: ExecutionResult) -> None:
        """Raise an alert of a plan that was refused before the ledger could be told."""
        if result.status is ExecutionStatus.REFUSED and result.ledger_head is None:
            reason = next((one.reason for one in result.lines if one.reason), Reason.BROKER_UNAVAILABLE)
            detail = f"REFUSED, nothing was sent: {result.detail}"
            await self._raise(None, reason, detail, result.plan_id or "")

    async def _runs(self) -> list[Trouble]:
        """Find the executions that have no end and whose run has stopped; raise an alert of each."""
        found = []
        for key in [one.key for one in await self.ledger.executions() if not one.finished]:
            stream = await self.ledger.read(stream_of(key))
            plan = f"plan {key.plan_id!r} on {key.account}"
            todo = f"planfill resume {shlex.quote(key.plan_id)}"
            if is_suspended(stream):
                found.append(Trouble(what=f"{plan} is in doubt", todo=todo))
            elif what := await self._stuck(key, stream):
                found.append(Trouble(what=f"{plan}: {what}", todo=todo))
                await self._raise(key.account, Reason.STUCK, what, key.plan_id)
        return found

    async def _stuck(self, key: ExecutionKey, stream: Sequence[Recorded]) -> str:
        now = self.clock.now()
        since = f"{stream[-1].at:%Y-%m-%d %H:%M:%S} UTC"
        try:
            # Held for a moment only where an execution is unfinished: no other plan could begin here anyway.
            async with await self.ledger.claim(key.account, holder=self.holder, at=now):
                return f"it has no end and nobody drives it; its last record is of {since}"
        except AccountBusy as e:
            silence_s = silent_s(stream, now)
            return f"nothing was recorded since {since}, {silence_s:.0f} s ago; {e}" if silence_s else ""

    async def _raise(self, account: AccountKey | None, reason: Reason, detail: str, plan_id: str) -> None:
        """Record an alert beside the execution, which only its own run may write; once within the hour."""
        stream, now = account_stream(account), self.clock.now()
        alert = Alerted(severity=Severity.CRITICAL, reason=reason, detail=detail, plan_id=plan_id)
        said = {
            (event.reason, event.plan_id)
            for one in await self.ledger.read(stream)
            if isinstance(event := one.event, Alerted) and now - one.at < QUIET
        }
        if (reason, plan_id) not in said:
            await self.ledger.append(stream, [alert], at=now)

    async def _halts(self) -> list[Trouble]:
        accounts = dict.fromkeys(one.key.account for one in await self.ledger.executions())
        found: dict[str, Trouble] = {}
        for account in (None, *accounts):
            try:
                halt = await halt_of(self.ledger, self.switch, account)
            except HaltUnavailable as e:
                found[str(e)] = Trouble(what=str(e), todo=unhalt(account))
            else:
                if halt is not None:
                    found[str(halt)] = Trouble(what=str(halt), todo=unhalt(halt.account))
        return list(found.values())
