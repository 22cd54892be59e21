"""One simulated process: its ledger, its stop, its end, and what it must never do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from simulation.dice import Fault
from simulation.timeline import Life
from simulation.wire import Terminal

from planfill.adapters.brokers.wrappers.stack import stack
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.ledgers.rows import recorded
from planfill.application.canceling import CancelPlan
from planfill.application.counting import Tally
from planfill.application.execute import ExecutePlan
from planfill.application.halting import HaltReport, Halts, LiftReport
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.ledger import Ledger
from planfill.application.queries import Executions
from planfill.application.stopping import StopSignal
from planfill.domain.errors import LedgerUnavailable
from planfill.domain.outcome import Reason
from planfill.domain.result import ExecutionResult

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from datetime import datetime

    from simulation.world import World

    from planfill.application.ports.ledger import Claim, ExecutionSummary
    from planfill.domain.events import Event, Recorded
    from planfill.domain.identity import AccountKey
    from planfill.domain.order import Order
    from planfill.domain.plan import Plan

_T = TypeVar("_T")


class Disk(Ledger):
    """The ledger of one process: the store outlives it, what is not committed when it dies is not there."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._inner = MemoryLedger(process.world.store)

    async def claim(self, account: AccountKey, *, holder: str, at: datetime) -> Claim:
        await self._pause()
        claim = await self._inner.claim(account, holder=holder, at=at)
        self._process.say("claimed", str(claim.fence))
        await self._pause()
        return claim

    async def append(
        self, stream: str, events: Sequence[Event], *, at: datetime, claim: Claim | None = None
    ) -> tuple[Recorded, ...]:
        process = self._process
        process.boundary("before a commit")
        await self._pause()
        if process.dice.happens(Fault.LEDGER_BEFORE):
            process.say("commit failed")
            raise LedgerUnavailable("the disk is full")
        written = await self._inner.append(stream, events, at=at, claim=claim)
        process.world.law.committed(process, stream, written)
        process.boundary("after a commit")
        await self._pause()
        if process.dice.happens(Fault.LEDGER_AFTER):
            process.say("commit unheard")
            raise LedgerUnavailable("the disk was lost after the commit")
        return written

    async def read(self, stream: str, after: int = 0) -> tuple[Recorded, ...]:
        if self._process.dice.happens(Fault.LEDGER_READ):
            raise LedgerUnavailable("the disk does not answer")
        kept, known = self._inner.store.streams.get(stream), self._process.world.known
        if kept is None:
            return ()
        found = []
        for row in kept.rows[after:]:
            # The same text reads as the same event, whoever reads it.
            if (one := known.get(row.hash)) is None:
                one = known[row.hash] = recorded(stream, row)
            found.append(one)
        return tuple(found)

    async def executions(self, account: AccountKey | None = None) -> tuple[ExecutionSummary, ...]:
        if self._process.dice.happens(Fault.LEDGER_READ):
            raise LedgerUnavailable("the disk does not answer")
        return await self._inner.executions(account)

    def free(self) -> None:
        """Give back the claims, as the kernel does when a process is gone."""
        for account, holder in list(self._inner.store.holders.items()):
            if holder.ledger is self._inner:
                del self._inner.store.holders[account]

    async def _pause(self) -> None:
        dice = self._process.dice
        await asyncio.sleep(dice.between(0.05, 0.4) if dice.happens(Fault.LEDGER_SLOW) else 0.0005)


class Process(Life):
    """A process that executes, resumes or cancels one plan, until it ends or is killed."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__()
        self.world = world
        self.dice = world.dice
        self.name = name
        self.calls = 0
        self.doomed_at_call: int | None = None
        self.doomed_at_order: int | None = None
        self.placed = 0
        self.unanswered = 0
        self.stop = StopSignal()
        self.disk = Disk(self)
        self.ended: asyncio.Future[Any] = world.timeline.create_future()
        terminal = Terminal(self, world.wire)
        self._use_case = ExecutePlan(
            brokerage=Brokerage(
                broker=terminal,
                records=terminal,
                market_data=terminal,
                account=terminal,
                instruments=terminal,
                hours=terminal,
                feed=terminal,
                capabilities=world.capabilities,
                tally=Tally(),
            ),
            ledger=self.disk,
            cursors=MemoryLedger(world.store),
            clock=world.clock,
            policy=world.policy,
            listeners=(),
            wrap=stack,
            holder=name,
            switch=world.switch,
        )

    async def execute(self, plan: Plan) -> ExecutionResult | Exception | None:
        """Execute a plan; None if the process is killed meanwhile, the error that it ends with."""
        return await self._live(self._use_case(plan, self.stop))

    async def resume(self, plan_id: str) -> ExecutionResult | Exception | None:
        """Resume a plan, as the command does: by its name alone."""
        executions = Executions(self.disk, self.world.clock)

        async def work() -> ExecutionResult:
            key, plan = await executions.plan(plan_id)
            return await self._use_case(plan, self.stop, resuming=key)

        return await self._live(work())

    async def cancel(self, plan_id: str) -> ExecutionResult | Exception | None:
        """Cancel a plan from this process."""
        executions = Executions(self.disk, self.world.clock)
        use_case = CancelPlan(self._use_case, executions, by=self.name)
        return await self._live(use_case(plan_id, "an operator wants it"))

    async def halt(self, *, reduce_only: bool) -> HaltReport | Exception | None:
        """Halt all accounts from this process."""
        return await self._live(self._halts().halt("odd prices", account=None, reduce_only=reduce_only))

    async def lift(self) -> LiftReport | Exception | None:
        """Lift that halt from this process."""
        return await self._live(self._halts().lift("all well", account=None))

    def _halts(self) -> Halts:
        world = self.world
        executions = Executions(self.disk, world.clock)
        return Halts(self.disk, world.switch, world.clock, executions, lambda: self._use_case, by=self.name)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        if self.alive and not self.ended.done():
            self.dice.met[Fault.STOP] += 1
            self.say("Ctrl-C")
            self.stop.request(Reason.INTERRUPTED, "Ctrl-C")

    def boundary(self, where: str) -> None:
        """Pass a point at which the process may be killed."""
        if not self.alive or self.ended.done():
            return
        self.calls += 1
        if self.calls == self.doomed_at_call or self._is_doomed(where):
            self.dice.met[Fault.CRASH_AT_CALL] += 1
            self.say("killed", where)
            self._die()

    def _is_doomed(self, where: str) -> bool:
        return self.placed == self.doomed_at_order and where.startswith("place ")

    def kill(self) -> None:
        """Be killed by the timeline, between any two steps."""
        self.dice.met[Fault.CRASH_ANYWHERE] += 1
        self.say("killed", "between two steps")
        self._die()

    def about_to_send(self, order: Order) -> None:
        """Check what must hold when an order leaves the house."""
        self.placed += 1
        self.world.law.sent(self, order)

    def say(self, *what: str) -> None:
        """Add to the trace."""
        self.world.say(self.name, *what)

    def _die(self) -> None:
        super().kill()
        self.disk.free()
        self.world.crashes += 1
        if not self.ended.done():
            self.ended.set_result(None)

    async def _live(self, work: Coroutine[Any, Any, _T]) -> _T | Exception | None:
        async def main() -> None:
            try:
                end: _T | Exception = await work
            except Exception as e:  # noqa: BLE001 - whatever it is, the law judges it
                end = e
            self.disk.free()
            if not self.ended.done():
                self.ended.set_result(end)

        self.say("begins")
        self.world.timeline.spawn(self, main())
        ended: _T | Exception | None = await self.ended
        self.say("ended", _told(ended))
        return ended


def _told(ended: object) -> str:
    match ended:
        case None:
            return "killed"
        case Exception():
            return f"{type(ended).__name__}: {ended}"
        case ExecutionResult():
            return f"{ended.status} {ended.detail}"
        case _:
            return str(ended)
