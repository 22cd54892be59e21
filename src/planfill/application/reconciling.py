"""Reconciling an execution: the broker's own record is read, compared with ours, and what differs is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from planfill.application.execute import ExecutePlan
from planfill.application.heeding import account_stream
from planfill.application.journal import Journal
from planfill.application.opening import replay, stream_of
from planfill.application.ports.ledger import Claim
from planfill.application.stopping import StopSignal
from planfill.application.telling import Teller
from planfill.domain.comparing import compare, since
from planfill.domain.errors import AccountBusy, AccountMismatch, BrokerConnectionError, ExecutionError
from planfill.domain.events import (
    Alerted,
    Event,
    ExecutionCompleted,
    ExecutionSuspended,
    Reconciled,
    Recorded,
    Severity,
)
from planfill.domain.identity import ExecutionKey, stem_of
from planfill.domain.outcome import Reason
from planfill.domain.reconciliation import Difference, Reconciliation
from planfill.domain.records import BrokerRecord
from planfill.domain.result import ExecutionResult
from planfill.domain.state import ExecutionState

_GROWTH: Final = 1.5


@dataclass(frozen=True, slots=True)
class Reconcile:
    """
    The use-case; its ports are those of ``execute``, whose account and ledger it shares.

    It never changes what the ledger says of orders and results.
    """

    execute: ExecutePlan

    async def __call__(self, key: ExecutionKey, stop: StopSignal) -> Reconciliation:
        """
        Compare until nothing of ours differs, or the wait is over: a broker's own lists may lag behind.

        The account is held only while it is read, so that no plan waits for a slow broker.

        Raises:
            AccountMismatch: The execution was on another account than the settings name.
            LedgerError: The ledger cannot be used.

        """
        clock, policy = self.execute.clock, self.execute.policy.execution
        patience_s = max(policy.funding_wait_s, self.execute.brokerage.capabilities.certainty_s)
        until, pause_s = clock.monotonic() + patience_s, 0.0
        while True:
            now = clock.now()
            try:
                claim = await self.execute.ledger.claim(key.account, holder=self.execute.holder, at=now)
            except AccountBusy as e:
                await self._skipped(key, str(e))
                return _not_compared(key, str(e))
            async with claim:
                done = await self._look(key, claim, late=clock.monotonic() >= until)
                if done is not None:
                    await self.execute.staging.review(key.account)
            if done is not None:
                return done
            if stop.reason is not None:
                return _not_compared(key, stop.detail)
            pause_s = min(max(policy.poll_s, pause_s * _GROWTH), policy.poll_max_s)
            await stop.or_done(clock.sleep(pause_s))

    async def after(self, result: ExecutionResult, stop: StopSignal) -> Reconciliation | None:
        """Reconcile what a run left, once; None where nothing is owed. Never raises: the result is out."""
        try:
            for one in await self.execute.ledger.executions():
                key = one.key
                if (key.plan_id, str(key.account)) == (result.plan_id, result.account):
                    owed = _is_owed(await self.execute.ledger.read(stream_of(key)))
                    return await self(key, stop) if owed else None
        except Exception as e:  # noqa: BLE001 - whatever it is, it changes nothing of what was executed
            why = str(e) if isinstance(e, ExecutionError) else f"{type(e).__name__}: {e}"
            return Reconciliation(plan_id=result.plan_id or "", account=result.account or "", trouble=why)
        return None

    async def _look(self, key: ExecutionKey, claim: Claim, *, late: bool) -> Reconciliation | None:
        """Look once; None where another look may find what this one did not."""
        ledger = self.execute.ledger
        state = await replay(ledger, key)
        try:
            record = await self._read(key, state)
        except BrokerConnectionError as e:
            if not late:
                return None
            trouble = f"the broker does not tell its record: {e}"
            alert = Alerted(severity=Severity.WARNING, reason=Reason.RECONCILIATION, detail=trouble)
            await self._note(key, claim, state, alert)
            return _not_compared(key, trouble)
        stems = {stem_of(one.key) for one in await ledger.executions(key.account)}
        differences = compare(state, record, stems)
        if not late and not all(one.is_foreign for one in differences):
            return None
        alerts = [_alert(one) for one in differences]
        await self._note(key, claim, state, *alerts, Reconciled(differences=differences))
        return Reconciliation(
            plan_id=key.plan_id,
            account=str(key.account),
            orders=len(state.orders),
            positions=len(state.lines) if state.started and state.started.positions is not None else None,
            differences=differences,
        )

    async def _read(self, key: ExecutionKey, state: ExecutionState) -> BrokerRecord:
        """Read the broker's record; what an adapter did not foresee is no answer."""
        records, account = self.execute.brokerage.records, self.execute.brokerage.account
        begin = since(state)
        try:
            orders, fills = await records.list_orders(begin), await records.list_fills(begin)
            positions, now = await account.get_positions(tuple(state.lines)), await account.get_account()
        except ExecutionError:
            raise
        except Exception as e:
            msg = f"{type(e).__name__} in the adapter"
            raise BrokerConnectionError(msg) from e
        if now.key != key.account:
            msg = f"plan {key.plan_id!r} was executed on {key.account}; the settings name {now.key}"
            raise AccountMismatch(msg)
        return BrokerRecord(orders, fills, positions, now.cash_usd)

    async def _skipped(self, key: ExecutionKey, why: str) -> None:
        """Say in the account's stream that an execution was not reconciled: its own cannot be written."""
        ledger, stream = self.execute.ledger, account_stream(key.account)
        detail = f"plan {key.plan_id!r} is not reconciled: {why}"
        alert = Alerted(severity=Severity.WARNING, reason=Reason.RECONCILIATION, detail=detail)
        (said,) = await ledger.append(stream, [alert], at=self.execute.clock.now())
        teller = Teller(self.execute.listeners, self.execute.cursors, stream)
        await teller.catch_up(ledger, said.number)
        await teller.remember()

    async def _note(self, key: ExecutionKey, claim: Claim, state: ExecutionState, *events: Event) -> None:
        ledger, stream = self.execute.ledger, stream_of(key)
        teller = Teller(self.execute.listeners, self.execute.cursors, stream)
        await teller.catch_up(ledger, state.number)
        journal = Journal(ledger, stream, claim=claim, clock=self.execute.clock, state=state, teller=teller)
        tally = self.execute.brokerage.tally
        counted = () if tally is None else (tally.take(commits=1),)
        async with teller:
            await journal.record(*counted, *events)


def _is_owed(events: Sequence[Recorded]) -> bool:
    """Tell whether a run has ended since the execution was last reconciled."""
    kinds = ExecutionCompleted | ExecutionSuspended | Reconciled
    last = next((one.event for one in reversed(events) if isinstance(one.event, kinds)), None)
    return last is not None and not isinstance(last, Reconciled)


def _alert(difference: Difference) -> Alerted:
    severity = Severity.WARNING if difference.is_foreign else Severity.CRITICAL
    reason, detail = Reason.RECONCILIATION, str(difference)
    return Alerted(severity=severity, reason=reason, detail=detail, symbol=difference.symbol)


def _not_compared(key: ExecutionKey, why: str) -> Reconciliation:
    return Reconciliation(plan_id=key.plan_id, account=str(key.account), trouble=why)
