"""A stage for executions: the mock exchange, a ledger in memory, and time that takes none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from planfill.adapters.brokers.mock import MockBroker, MockSettings, On, Script
from planfill.adapters.brokers.mock.script import Call, Fault
from planfill.adapters.brokers.wrappers.rehearsal import rehearsal
from planfill.adapters.brokers.wrappers.stack import stack
from planfill.adapters.halts.memory import MemoryHalts
from planfill.adapters.ledgers.memory import MemoryLedger, MemoryStore
from planfill.application.audit import Audit
from planfill.application.execute import ExecutePlan
from planfill.application.opening import stream_of
from planfill.application.ports.halt import HaltSwitch
from planfill.application.ports.ledger import Cursors, Ledger
from planfill.application.ports.listener import EventListener
from planfill.application.preview import Preview, PreviewPlan
from planfill.application.stopping import StopSignal
from planfill.domain.events import Event, Recorded
from planfill.domain.policy import ExecutionPolicy, LimitsPolicy, Policy
from planfill.domain.reading import read_plan
from planfill.domain.result import ExecutionResult, OrderResult
from planfill.domain.state import ExecutionState
from planfill.domain.values import Quantity
from planfill.testing.clock import VirtualClock

PRICES = {"SPY": "400", "QQQ": "300", "IWM": "200", "GLD": "170", "TLT": "140", "XOM": "50"}


def a_plan(*lines: Mapping[str, Any], plan_id: str = "plan-1", **fields: Any) -> dict[str, Any]:
    """Write a plan; each line is its fields."""
    return {
        "plan_id": plan_id,
        "correlation_id": "run-1",
        "timestamp": "2021-03-31T14:59:00+00:00",
        "items": list(lines),
        **fields,
    }


def buy(symbol: str, amount: str, **fields: Any) -> dict[str, Any]:
    """Write a BUY line."""
    return {"symbol": symbol, "action": "BUY", "trade_amount": amount, **fields}


def sell(symbol: str, amount: str, **fields: Any) -> dict[str, Any]:
    """Write a SELL line."""
    return {"symbol": symbol, "action": "SELL", "trade_amount": f"-{amount}", **fields}


def hold(symbol: str) -> dict[str, Any]:
    """Write a HOLD line."""
    return {"symbol": symbol, "action": "HOLD", "trade_amount": "0"}


class Stage:
    """One exchange and one ledger, on which plans are executed as often as a test likes."""

    def __init__(self, *faults: On, settings: Mapping[str, Any] | None = None, **figures: Any) -> None:
        self.clock = VirtualClock()
        self.script = Script(*faults)
        self.broker = MockBroker(
            MockSettings.model_validate(
                {"prices": PRICES, "book": ":memory:", "cash": "100000", "holdings": {}, **(settings or {})}
            ),
            self.clock,
            self.script,
        )
        self.store = MemoryStore()
        self.ledger: Ledger = MemoryLedger(self.store)
        self.cursors: Cursors = MemoryLedger(self.store)
        self.switch: HaltSwitch | None = MemoryHalts()
        self.listeners: tuple[EventListener, ...] = ()
        limits = {name: figures[name] for name in figures if name in LimitsPolicy.model_fields}
        execution = {name: figures[name] for name in figures if name not in limits}
        self.policy = Policy(
            execution=ExecutionPolicy.model_validate(execution), limits=LimitsPolicy.model_validate(limits)
        )
        self.brokerage = self.broker.brokerage()

    @property
    def use_case(self) -> ExecutePlan:
        """The use-case over what the stage holds now."""
        return ExecutePlan(
            brokerage=self.brokerage,
            ledger=self.ledger,
            cursors=self.cursors,
            clock=self.clock,
            policy=self.policy,
            listeners=self.listeners,
            wrap=stack,
            holder="a test",
            switch=self.switch,
        )

    async def execute(self, plan: Mapping[str, Any], stop: StopSignal | None = None) -> ExecutionResult:
        """Execute a plan, and check what holds for every result."""
        result = await self.use_case(read_plan(plan), stop or StopSignal())
        assert (await Audit(MemoryLedger(self.store))()).findings == ()
        for line in result.lines:
            assert line.planned_usd == line.filled_usd + line.residual_usd, line
            assert line.residual_usd == sum(line.residuals.values(), Decimal(0)), line
        return result

    async def preview(self, plan: Mapping[str, Any]) -> Preview:
        """Rehearse a plan."""
        ledger = MemoryLedger()
        rehearsed = replace(
            self.use_case,
            brokerage=rehearsal(self.brokerage, self.clock),
            ledger=ledger,
            cursors=ledger,
            listeners=(),
            switch=None,
            history=self.ledger,
        )
        return await PreviewPlan(rehearsed, self.ledger, self.switch)(read_plan(plan))

    async def crash_after(self, kind: str, plan: Mapping[str, Any]) -> None:
        """Execute a plan in a process that ends as soon as an event of this kind is durable."""
        whole = self.ledger
        self.ledger = CrashingLedger(self.store, kind)
        with pytest.raises((Crash, BaseExceptionGroup)):
            await self.use_case(read_plan(plan), StopSignal())
        self.ledger = whole
        self.store.holders.clear()

    def replace(self, **ports: Any) -> None:
        """Put another adapter in the place of a port."""
        self.brokerage = replace(self.brokerage, **ports)

    async def events(self, plan_id: str = "plan-1") -> list[Event]:
        """Give the events of an execution."""
        return [recorded.event for recorded in await self.recorded(plan_id)]

    async def kinds(self, plan_id: str = "plan-1") -> list[str]:
        """Give the kinds of the events of an execution."""
        return [event.kind for event in await self.events(plan_id)]

    async def state(self, plan_id: str = "plan-1") -> ExecutionState:
        """Fold an execution."""
        state = ExecutionState()
        for recorded in await self.recorded(plan_id):
            state.apply(recorded)
        return state

    async def recorded(self, plan_id: str = "plan-1") -> tuple[Recorded, ...]:
        """Give the events of an execution as they stand in the ledger."""
        keys = [one.key for one in await MemoryLedger(self.store).executions() if one.key.plan_id == plan_id]
        return await MemoryLedger(self.store).read(stream_of(keys[0]))


class Crash(BaseException):
    """The process is gone."""


class CrashingLedger(MemoryLedger):
    """Makes one more event durable and then is no more; neither is anything after it."""

    def __init__(self, store: MemoryStore, kind: str) -> None:
        super().__init__(store)
        self.kind = kind

    async def append(self, stream: str, events: Sequence[Event], **rest: Any) -> Any:
        recorded = await super().append(stream, events, **rest)
        if any(event.kind == self.kind for event in events):
            raise Crash
        return recorded


def script_replacement(stage: Stage, *, quantity: str, at_look: int = 2) -> None:
    """Have somebody replace the one order of a plan just before it is looked at."""

    class Replaced(Fault):
        async def before(self, _call: Call) -> None:
            (ticket,) = stage.broker.desk.book.exchange.blotter.tickets
            stage.broker.desk.replace(ticket.order.client_order_id, Quantity(Decimal(quantity)))

    stage.script.add(On("list_orders", Replaced(), nth=at_look))


def only(result: ExecutionResult) -> OrderResult:
    """Give the one line of a result."""
    (line,) = result.lines
    return line
