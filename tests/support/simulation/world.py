"""One seed: a world in which a plan is executed, with whatever goes wrong in it."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import random
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from simulation.controls import Controls
from simulation.dice import Dice, Fault
from simulation.exchange import ACCOUNT, PRICES, Exchange
from simulation.law import Law
from simulation.process import Process
from simulation.timeline import Stuck, Timeline, WallClock
from simulation.wire import Wire

from planfill.adapters.halts.memory import MemoryHalts
from planfill.adapters.ledgers.memory import MemoryStore
from planfill.application.halting import HaltReport, LiftReport
from planfill.domain import deciding
from planfill.domain.errors import HaltUnavailable, LedgerError, PlanUnknown
from planfill.domain.market import Capabilities
from planfill.domain.plan import Urgency
from planfill.domain.policy import ExecutionPolicy, LimitsPolicy, Policy
from planfill.domain.reading import read_plan
from planfill.domain.result import ExecutionResult, ExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planfill.domain.events import Recorded
    from planfill.domain.halting import Halt
    from planfill.domain.plan import Plan
    from planfill.domain.state import ExecutionState

_LONGEST_S = 400.0
PORTFOLIO_USD = "20000"
_MOST_RUNS = 14


@dataclass(slots=True)
class Outcome:
    """What came of one seed."""

    seed: int
    broken: list[str]
    trace: list[tuple[float, tuple[str, ...]]]
    crashes: int
    runs: int
    faults: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    controls: Counter[str] = field(default_factory=Counter)

    @property
    def digest(self) -> str:
        """Tell the whole trace in one hash."""
        return hashlib.sha256(repr(self.trace).encode()).hexdigest()


class Switch(MemoryHalts):
    """Somewhere that all processes see at once; it may take no halt."""

    takes = True

    def set(self, halt: Halt) -> None:
        if not self.takes:
            raise HaltUnavailable("the folder cannot be written to")
        super().set(halt)


class World:
    """The machine, the exchange, the wire between them, and everybody who acts."""

    def __init__(self, seed: int) -> None:
        self.dice = Dice(seed)
        self.controls = Controls(seed)
        self.dice.change(self.controls.weather)
        shuffled, start = self.dice.chance(0.6), self.controls.start
        self.timeline = Timeline(self.dice, shuffled=shuffled, until=_LONGEST_S, start=start)
        self.clock = WallClock(self.timeline)
        self.store = MemoryStore()
        self.known: dict[str, Recorded] = {}
        self.switch = Switch()
        self.trace: list[tuple[float, tuple[str, ...]]] = []
        self.crashes = self.runs = 0
        self.statuses: Counter[str] = Counter()
        dice = self.dice
        self.unique_ids = dice.chance(0.5)
        self.read_lag_s = dice.pick((0.0, 0.3, 1.0))
        self.delivery_s = dice.pick((0.2, 1.0, 2.5))
        self.capabilities = Capabilities(
            unique_ids=self.unique_ids,
            read_lag_s=self.read_lag_s,
            max_delivery_delay_s=self.delivery_s,
            requests_per_minute=dice.pick((None, None, 60, 240)),
        )
        self.exchange = Exchange(self.timeline, dice, unique_ids=self.unique_ids, read_lag_s=self.read_lag_s)
        self.exchange.say = lambda *what: self.say("exchange", *what)
        self.wire = Wire(self.timeline, self.exchange, self.delivery_s)
        self.policy = Policy(
            execution=ExecutionPolicy(
                order_deadline_s=dice.pick((2.0, 4.0, 8.0)),
                poll_s=0.25,
                poll_max_s=1.0,
                concurrency=dice.pick((1, 2, 64)),
                max_quote_age_s=dice.pick((1.0, 3.0, 60.0)),
                min_time_to_close_s=dice.pick((0.0, 1.0)),
                funding_wait_s=dice.pick((0.5, 2.0)),
                cancel_grace_s=dice.pick((1.0, 3.0)),
                max_resume_age_s=dice.pick((20.0, 3600.0)),
                sequencing=dice.pick(("sells_first", "pipelined", "plan_order")),
                funding=dice.pick(("cash", "cash", "settled", "margin")),
                on_shortfall=dice.pick(("scale", "priority", "block")),
                on_failed_sell=dice.pick(("scale_buys", "block_buys", "ignore")),
                market_closed="wait" if dice.chance(0.1) else "refuse",
                style=dice.pick(("market", "market", "limit", "walk")),
                urgency=dice.pick(({}, {Urgency.NORMAL: "walk"}, {Urgency.LOW: "market"})),
                walk_steps=dice.pick((2, 3)),
                walk_step_s=dice.pick((0.5, 1.5, 3.0)),
                walk_end=dice.pick(("market", "leave")),
            ),
            limits=LimitsPolicy.model_validate(
                {
                    "breaker_min_sample": dice.pick((1, 2, 5)),
                    "max_market_usd": dice.pick((1000, 100000)),
                    **self.controls.settings,
                }
            ),
        )
        self.law = Law(self)
        self._crash_budget = max(dice.pick((0, 1, 2, 3, 4)), self.controls.crashes)
        self._calm_s = dice.between(4, 30)
        self._names = 0

    def say(self, *what: str) -> None:
        """Add to the trace."""
        self.trace.append((self.timeline.elapsed, what))

    def may_raise(self, error: Exception) -> bool:
        """Tell whether the application may end with this error: the ledger's alone, and while it fails."""
        if isinstance(error, PlanUnknown):
            return True
        return isinstance(error, LedgerError) and not self.dice.calm

    async def live(self) -> None:
        """Let the plan of the seed be executed, until it is finished; then judge."""
        dice, timeline = self.dice, self.timeline
        self._open()
        timeline.later(self._calm_s, self._clear)
        # A day that is over does not begin again.
        if dice.chance(0.15) and not self.controls.sees_midnight:
            timeline.later(
                dice.between(0, 8), self._step_clock, dice.pick((-30.0, -5.0, -1.0, 1.0, 5.0, 30.0))
            )
        if dice.chance(0.15):
            timeline.later(dice.between(0, 5), self._break_down, dice.between(1, 12))
        plans = [self._plan("plan-1")]
        work = [asyncio.ensure_future(self._one_by_one(plans))]
        if dice.chance(0.25):
            dice.met[Fault.SECOND_INSTANCE] += 1
            work.append(asyncio.ensure_future(self._drive(plans[0], dice.between(0, 6))))
        if dice.chance(0.15):
            dice.met[Fault.OTHER_PLAN] += 1
            plans.append(self._plan("plan-2"))
            work.append(asyncio.ensure_future(self._drive(plans[1], dice.between(0, 6))))
        work += self._operators(plans[0])
        for one in work:
            await one
        if not dice.calm:
            await asyncio.sleep(max(0.0, self._calm_s - timeline.elapsed) + 0.01)
        await asyncio.sleep(self.delivery_s + 1)
        results = [await self._settle(plan) for plan in plans]
        for plan, result in zip(plans, results, strict=True):
            if result is not None:
                self.law.finished(plan, result)
                await self._again(plan, result)
        self.law.over(plans)

    def _open(self) -> None:
        dice = self.dice
        waits = self.policy.execution.market_closed == "wait"
        closes = dice.between(2, 20) if dice.chance(0.12) and not waits else None
        opens = dice.between(1, 40) if waits else None
        if waits:
            dice.met[Fault.OPENS_LATE] += 1
        holdings = {s: Decimal(dice.number(1, 200)) / 4 for s in PRICES if dice.chance(0.5)}
        self.exchange.open(Decimal(dice.pick((0, 500, 5000, 50000, 50000))), holdings, closes, opens)

    async def _one_by_one(self, plans: list[Plan]) -> None:
        """Start the first plan, and when it has come to its end the others that a day brings."""
        first, dice = plans[0], self.dice
        await self._drive(first, 0)
        for number in range(self.controls.more_plans):
            plan_id = f"plan-1-{number + 1}"
            plans.append(again(first, plan_id) if self.controls.repeated else self._plan(plan_id))
            await self._drive(plans[-1], dice.pick((0.0, 1.0, 8.0, 25.0)))

    async def _drive(self, plan: Plan, after_s: float) -> None:
        """Start a plan, and start it again whenever it has not ended for good."""
        dice = self.dice
        await asyncio.sleep(after_s)
        self.law.handed_in(plan)
        most, gives_up = self.runs + _MOST_RUNS, 0.8 if self.controls.settings else 0.4
        while self.runs < most:
            ended = await self._run(plan)
            status = ended.status if isinstance(ended, ExecutionResult) else ExecutionStatus.IN_DOUBT
            refused = status is ExecutionStatus.REFUSED
            if status is not ExecutionStatus.IN_DOUBT and (not refused or dice.chance(gives_up)):
                return
            if dice.chance(0.1) and self.policy.execution.max_resume_age_s < 60:
                dice.met[Fault.RESUMED_LATE] += 1
                await asyncio.sleep(25)
            await asyncio.sleep(dice.pick((0.0, 0.0, 0.1, 1.0, 5.0)))

    async def _run(self, plan: Plan) -> ExecutionResult | Exception | None:
        dice, process = self.dice, self._process()
        if self.crashes < self._crash_budget and not dice.calm:
            # What only a crash in the middle of a wave leaves open is what some worlds are about.
            match 2 if self.controls.crashes else dice.below(3):
                case 0:
                    process.doomed_at_step = int(10 ** dice.between(1, 3))
                case 1:
                    process.doomed_at_call = dice.number(1, 50)
                case _:
                    process.doomed_at_order = dice.number(1, 4)
        if dice.chance(0.1) and not dice.calm:
            self.timeline.later(dice.between(0, 4), process.interrupt)
        resumes = dice.chance(0.3) and self.law.state(plan) is not None
        ended = await (process.resume(plan.plan_id) if resumes else process.execute(plan))
        self._heard(process, plan, ended)
        return ended

    def _operators(self, plan: Plan) -> Iterator[asyncio.Task[None]]:
        dice = self.dice
        if dice.chance(0.12):
            yield asyncio.create_task(self._operate(plan, dice.between(0, 5)))
        if dice.chance(0.15):
            yield asyncio.create_task(self._halt(dice.between(0, 5)))

    async def _operate(self, plan: Plan, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if self.law.state(plan) is not None:
            self.dice.met[Fault.OPERATOR_CANCEL] += 1
            process = self._process()
            self._heard(process, plan, await process.cancel(plan.plan_id))

    async def _halt(self, after_s: float) -> None:
        """Halt, and perhaps lift it again; each is tried again until it is done."""
        dice = self.dice
        await asyncio.sleep(after_s)
        reduce_only = dice.chance(0.4)
        self.switch.takes = dice.chance(0.7)
        dice.met[Fault.REDUCE_ONLY if reduce_only else Fault.HALT] += 1
        if not self.switch.takes:
            dice.met[Fault.HALT_IN_LEDGER] += 1
        ended: object = None
        while not isinstance(ended, HaltReport):
            process = self._process()
            ended = await process.halt(reduce_only=reduce_only)
            if isinstance(ended, Exception):
                self.law.demand(isinstance(ended, HaltUnavailable), process.name, "raised", repr(ended))
            await asyncio.sleep(0.1)
        if not ended.obeying and not ended.troubles:
            self.law.ended_all(ended)
        if dice.chance(0.5):
            await asyncio.sleep(dice.between(0, 6))
            while not isinstance(ended, LiftReport):
                ended = await self._process().lift()
                await asyncio.sleep(0.1)

    async def _settle(self, plan: Plan) -> ExecutionResult | None:
        """In good weather every plan that has begun comes to its end."""
        ended: ExecutionResult | Exception | None = None
        for _ in range(4):
            state = self.law.state(plan)
            if state is None or state.started is None:
                return None
            process = self._process()
            ended = await process.resume(plan.plan_id)
            self._heard(process, plan, ended)
            if isinstance(ended, ExecutionResult) and ended.status is not ExecutionStatus.IN_DOUBT:
                return ended
        self.law.demand(isinstance(ended, ExecutionResult), plan.plan_id, "cannot be resumed:", repr(ended))
        return ended if isinstance(ended, ExecutionResult) else None

    async def _again(self, plan: Plan, result: ExecutionResult) -> None:
        """Another restart changes nothing."""
        before = [len(stream.rows) for stream in self.store.streams.values()]
        process = self._process()
        ended = await process.resume(plan.plan_id)
        self.law.demand(ended == result, "a second restart of", plan.plan_id, "told something else")
        after = [len(stream.rows) for stream in self.store.streams.values()]
        self.law.demand(before == after, "a second restart recorded something")
        self.law.demand(not process.placed, "a second restart placed something")

    def _heard(self, process: Process, plan: Plan, ended: ExecutionResult | Exception | None) -> None:
        self.runs += 1
        if isinstance(ended, ExecutionResult):
            self.statuses[ended.status] += 1
        self.law.told(process, plan, ended)

    def _process(self) -> Process:
        self._names += 1
        return Process(self, f"process-{self._names}")

    def _plan(self, plan_id: str) -> Plan:
        dice, items = self.dice, list[dict[str, Any]]()
        for symbol in PRICES:
            if dice.chance(0.4):
                continue
            held = self.exchange.shares.get(symbol)
            action = dice.pick(
                ("SELL", "SELL", "BUY") if held else ("BUY", "BUY", "BUY", "BUY", "HOLD", "SELL")
            )
            whole = held * Decimal(PRICES[symbol]) if held else Decimal(1000)
            amount = whole * dice.number(20, 100) / 100 if action == "SELL" else Decimal(dice.number(0, 4000))
            item = {"symbol": symbol, "action": action, "trade_amount": str(amount.quantize(Decimal("0.01")))}
            if action == "SELL" and dice.chance(0.3):
                item |= {"target_weight": "0", "trade_amount": str(whole.quantize(Decimal("0.01")))}
            items.append(item)
        return read_plan(
            {
                "plan_id": plan_id,
                "correlation_id": "simulation",
                "timestamp": (self.timeline.start - timedelta(minutes=1)).isoformat(),
                "total_portfolio_value": PORTFOLIO_USD,
                "items": items,
            }
        )

    def _clear(self) -> None:
        self.say("weather", "calm from here on")
        self.dice.calm = True
        self.wire.recover()
        self.exchange.settle()

    def _break_down(self, seconds: float) -> None:
        if not self.dice.calm:
            self.dice.met[Fault.OUTAGE] += 1
            self.say("weather", f"nothing answers for {seconds:.1f} s")
            self.wire.fail(seconds)

    def _step_clock(self, seconds: float) -> None:
        self.dice.met[Fault.CLOCK_STEP] += 1
        self.say("weather", f"the wall clock is set by {seconds} s")
        self.clock.offset_s += seconds


def again(plan: Plan, plan_id: str) -> Plan:
    """Give the same plan under another id."""
    return plan.model_copy(update={"plan_id": plan_id})


def simulate(seed: int) -> Outcome:
    """Run one seed from beginning to end."""
    chance, collecting = random.getstate(), gc.isenabled()
    random.seed(seed)
    gc.disable()
    try:
        return _simulate(seed)
    finally:
        random.setstate(chance)
        # What killed processes never came to do is nobody's mistake: it goes here, unheard.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect(0)
        if collecting:
            gc.enable()


def _simulate(seed: int) -> Outcome:
    world, steps = World(seed), Counter[str]()
    timeline = world.timeline
    try:
        with _counting(steps, world.law):
            timeline.run_until_complete(world.live())
    except Stuck as e:
        world.law.accuse("stuck:", e)
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            timeline.end()
    return Outcome(
        seed,
        world.law.broken,
        world.trace,
        world.crashes,
        world.runs,
        Counter({fault.value: count for fault, count in world.dice.met.items()}),
        steps,
        world.law.kinds,
        world.statuses,
        world.law.attempts,
        Counter(world.law.tripped),
    )


@contextmanager
def _counting(steps: Counter[str], law: Law) -> Iterator[None]:
    """Count the steps of the loop, and judge them."""
    decide = deciding.decide

    def counted(state: ExecutionState, policy: Policy, largest_wave: int | None = None) -> deciding.Step:
        step = decide(state, policy, largest_wave)
        steps[type(step).__name__] += 1
        law.brakes.decided(state, step)
        return step

    deciding.decide = counted
    try:
        yield
    finally:
        deciding.decide = decide


__all__ = ["ACCOUNT", "Outcome", "World", "simulate"]
