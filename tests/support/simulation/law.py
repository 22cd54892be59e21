"""What must hold, whatever goes wrong; checked as things happen and when all is over."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from simulation.book import Book
from simulation.brakes import Brakes
from simulation.controls import trips
from simulation.exchange import ACCOUNT, BORROWED

from planfill.domain import events as ev
from planfill.domain.chain import GENESIS, link
from planfill.domain.halting import halt_after
from planfill.domain.identity import ExecutionKey, client_order_ids
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome
from planfill.domain.plan import Action
from planfill.domain.result import ExecutionStatus
from planfill.domain.state import ExecutionState, Phase

if TYPE_CHECKING:
    from datetime import datetime

    from simulation.exchange import Exchange, Ticket
    from simulation.process import Process
    from simulation.world import World

    from planfill.application.halting import HaltReport
    from planfill.domain.events import Recorded
    from planfill.domain.halting import Halt
    from planfill.domain.order import Order
    from planfill.domain.plan import Plan
    from planfill.domain.result import ExecutionResult

# A cancel asked for by another process is heard every half second; reading and writing take their time.
_HEARD_WITHIN_S = 3.0
_CENT: Final = Decimal("0.01")


class Broken(AssertionError):
    """A law was broken."""


class Law:
    """Judges a world; ``broken`` lists what was found."""

    def __init__(self, world: World) -> None:
        self.broken: list[str] = []
        self.kinds: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        self._world = world
        self._states: dict[str, ExecutionState] = {}
        self._canceled_s: dict[str, float] = {}
        self._halt: Halt | None = None
        self.tripped: set[str] = set()
        self.book = Book(world.policy.limits, self.demand)
        self.brakes = Brakes(world.policy.limits, self.demand)
        self._halted_s = 0.0

    def demand(self, holds: object, *what: object) -> None:
        """Note what does not hold."""
        if not holds:
            self.accuse(*what)

    def accuse(self, *what: object) -> None:
        """Note what must never be."""
        told = " ".join(map(str, what))
        self.broken.append(told)
        self._world.say("BROKEN", told)

    def state(self, plan: Plan) -> ExecutionState | None:
        """Give what is durable of a plan."""
        return self._states.get(_stream(plan.plan_id))

    def committed(self, process: Process, stream: str, recorded: tuple[Recorded, ...]) -> None:
        """Take note of what is durable now."""
        for one in recorded:
            event = one.event
            self.kinds[event.kind] += 1
            self.tripped.update(trips(event))
            process.say("recorded", str(one.number), event.kind, _about(event))
            if isinstance(event, ev.Halted | ev.Unhalted):
                self._halted_s = self._world.timeline.elapsed
                self._halt = halt_after(self._halt, one, None)
            if isinstance(event, ev.CancelAsked):
                self._canceled_s.setdefault(event.plan_id, self._world.timeline.elapsed)
                continue
            if not stream.startswith("execution/"):
                continue
            self.brakes.heard(stream, event)
            state = self._states.setdefault(stream, ExecutionState())
            before = _filled(state)
            if isinstance(event, ev.OrderRecorded | ev.OrderRequoted):
                self._recording(state, event.order)
            if isinstance(event, ev.OrderRecorded):
                self.attempts[f"attempt {event.attempt}"] += 1
            if isinstance(event, ev.FundsAllotted):
                self._allotting(state, event)
            if isinstance(event, ev.ExecutionStarted):
                self._canceled_s.pop(event.plan.plan_id, None)
                before = {}
            state.apply(one)
            for name, quantity in _filled(state).items():
                self.demand(quantity >= before.get(name, 0), "the fills of", name, "fell to", quantity)

    def sent(self, process: Process, order: Order) -> None:
        """Judge an order that leaves the house."""
        world, now = self._world, self._world.clock.now()
        name = order.client_order_id
        holder = world.store.holders.get(ACCOUNT)
        self.demand(
            holder is not None and holder.ledger is process.disk._inner, name, "was sent without the claim"
        )
        self.demand(process.stop.against(order.side) is None, name, "was sent after a stop was visible")
        self.demand(not _stops(world.switch.read(ACCOUNT), order), name, "was sent after a halt was visible")
        heard = world.timeline.elapsed >= self._halted_s + _HEARD_WITHIN_S
        self.demand(
            not (heard and _stops(self._halt, order)),
            name, "was sent", _HEARD_WITHIN_S, "s after a halt was recorded",
        )  # fmt: skip
        opens_s = world.exchange.opens_s or 0
        self.demand(world.timeline.elapsed >= opens_s, name, "was sent before the market opened")
        for stream, state in self._states.items():
            known = state.orders.get(name)
            if known is None or state.started is None:
                continue
            age = (now - order.quoted_at).total_seconds()
            self.demand(known.order.same_terms(order), name, "was sent with other terms than recorded")
            self.demand(known.phase is Phase.RECORDED, name, "was sent while it was", known.phase)
            self.demand(state.stop_of(order.side) is None, name, "was sent after a stop was recorded")
            self.demand(age <= world.policy.execution.max_quote_age_s, name, "was sent on a stale quote")
            self.demand(now < known.deadline, name, "was sent after its deadline")
            self.demand(
                not self._is_canceled(state.started.plan),
                name, "was sent", _HEARD_WITHIN_S, "s after a cancel was asked for",
            )  # fmt: skip
            self.demand(not state.finished, name, "was sent after the execution had finished:", stream)
            self._one_after_the_other(state, order)
            self.brakes.sent(stream, order, process.unanswered)
            return
        self.accuse(name, "was sent before it was recorded")

    def handed_in(self, plan: Plan) -> None:
        """Take note of a plan that somebody wants executed."""
        names = _names(plan)
        lines = {_line_of(names[item.symbol]): item for item in plan.items}
        self.book.expect(plan, lines, self._world.clock.now())

    def took(self, order: Order, left: datetime) -> None:
        """Judge an order that the exchange has taken; it left at a time of the wall clock."""
        self.book.took(order, _line_of(order.client_order_id), left)

    def _one_after_the_other(self, state: ExecutionState, order: Order) -> None:
        """Judge an order by those of its line before it: at their ends, and it is for what they have left."""
        first, *rest = state.lines[order.symbol].orders
        before = [one for one in (first, *rest) if one.order.client_order_id != order.client_order_id]
        tickets = [t for one in before for t in self._named(one.order.client_order_id)]
        for ticket in tickets:
            self.demand(not ticket.is_open, order.client_order_id, "was sent while", ticket.name, "worked")
        left = first.sizing.quantity - sum((ticket.filled for ticket in tickets), Decimal(0))
        self.demand(order.quantity == left, order.client_order_id, "is for", order.quantity, "of", left)

    def told(self, process: Process, plan: Plan, ended: ExecutionResult | Exception | None) -> None:
        """Judge what a process said in the end."""
        if ended is None:
            return
        if isinstance(ended, Exception):
            self.demand(process.world.may_raise(ended), process.name, "raised", repr(ended))
            return
        symbols = [line.symbol for line in ended.lines]
        self.demand(symbols == [item.symbol for item in plan.items], "lines are missing in", ended.lines)
        for line in ended.lines:
            parts = sum(line.residuals.values(), Decimal(0))
            self.demand(line.residual_usd == parts, line.symbol, "residuals", line.residuals)
            self.demand(
                line.planned_usd == line.filled_usd + line.residual_usd, line.symbol, "does not add up"
            )
        whole = sum((line.planned_usd for line in ended.lines), Decimal(0))
        self.demand(ended.planned_usd == whole, "the planned dollars are not the sum of the lines'")
        self.demand(ended.planned_usd == ended.filled_usd + ended.residual_usd, "the totals do not add up")
        if ended.status is not ExecutionStatus.REFUSED:
            self._as_at_the_exchange(plan, ended)
        if ended.status is not ExecutionStatus.IN_DOUBT:
            unresolved = [line.symbol for line in ended.lines if line.outcome is LineOutcome.UNRESOLVED]
            self.demand(not unresolved, ended.status, "with unresolved lines", unresolved)

    def ended_all(self, report: HaltReport) -> None:
        """Judge what a halt says that found nobody at work: nothing of what it ended works any more."""
        for result in report.ended:
            certain = result.status is not ExecutionStatus.IN_DOUBT
            names = {line.client_order_id for line in result.lines}
            open_ = [
                t for t in self._world.exchange.tickets if t.is_open and t.order.client_order_id in names
            ]
            self.demand(not (certain and open_), result.plan_id, "was ended by a halt, and an order works")

    def over(self, plans: list[Plan]) -> None:
        """Judge the world when all is quiet."""
        exchange = self._world.exchange
        self._nothing_twice(exchange)
        self._chains()
        self._money(exchange)
        ours = {_line_of(name) for plan in plans for name in _names(plan).values()}
        for ticket in exchange.tickets:
            name = ticket.order.client_order_id
            self.demand(_line_of(name) in ours, name, "at the exchange is not derived from a plan")
            self.demand(not ticket.is_open, name, "still works when all is over")
        for trouble in self._world.timeline.troubles:
            self.accuse("the event loop says:", trouble)

    def _money(self, exchange: Exchange) -> None:
        """Nothing is spent that is not there, or that the policy does not lend."""
        funding = self._world.policy.execution.funding
        lent = BORROWED if funding == "margin" else 0
        self.demand(exchange.lowest_cash >= -lent, "the cash fell to", exchange.lowest_cash)
        if funding == "settled":
            self.demand(exchange.bought <= exchange.settled, "bought for", exchange.bought, "unsettled")

    def finished(self, plan: Plan, result: ExecutionResult) -> None:
        """Compare the result of a finished plan with the exchange."""
        state, names = self.state(plan), _names(plan)
        done = result.status is not ExecutionStatus.IN_DOUBT
        self.demand(done, plan.plan_id, "never finished:", result.detail, _doubts(result))
        self._as_at_the_exchange(plan, result)
        for line in result.lines:
            tickets = self._tickets(names[line.symbol])
            filled = sum((ticket.filled for ticket in tickets), Decimal(0))
            if line.planned_quantity is not None:
                self.demand(filled <= line.planned_quantity, line.symbol, "filled", filled, "of", line)
            if tickets and state is not None:
                self.demand(names[line.symbol] in state.orders, names[line.symbol], "is in no record")

    def _as_at_the_exchange(self, plan: Plan, result: ExecutionResult) -> None:
        """Compare every line of which something certain is told with the exchange."""
        names = _names(plan)
        for line in result.lines:
            if line.outcome is LineOutcome.UNRESOLVED:
                continue
            name, tickets = names[line.symbol], self._tickets(names[line.symbol])
            filled = sum((ticket.filled for ticket in tickets), Decimal(0))
            same = line.filled_quantity == filled
            self.demand(same, name, "filled", filled, "; told was", line.outcome, line.filled_quantity)
            paid = sum((ticket.paid for ticket in tickets), Decimal(0))
            # The dollars of each order are rounded by themselves.
            near = _CENT * (len(tickets) + 1) / 2
            self.demand(abs(paid - line.filled_usd) <= near, name, "took", paid, "told was", line.filled_usd)
            self.demand(not any(t.is_open for t in tickets), name, "works; told was", line.outcome)

    def _tickets(self, name: str) -> list[Ticket]:
        """Give what is at the exchange of the line that this order is of."""
        line, tickets = _line_of(name), self._world.exchange.tickets
        return [t for t in tickets if _line_of(t.order.client_order_id) == line]

    def _named(self, name: str) -> list[Ticket]:
        return [t for t in self._world.exchange.tickets if t.order.client_order_id == name]

    def _is_canceled(self, plan: Plan) -> bool:
        """Tell whether a cancel must have been heard by whoever executes the plan now."""
        asked = self._canceled_s.get(plan.plan_id)
        return asked is not None and self._world.timeline.elapsed >= asked + _HEARD_WITHIN_S

    def _allotting(self, state: ExecutionState, event: ev.FundsAllotted) -> None:
        """Judge how the money was shared out."""
        policy, given = self._world.policy.execution, event.allotted
        self.demand(
            sum(given.values(), Decimal(0)) <= event.budget_usd, "more was allotted than there is", given
        )
        planned = {symbol: state.lines[symbol].item.planned_usd for symbol in given}
        whole = [symbol for symbol, usd in given.items() if usd == planned[symbol]]
        cut = [symbol for symbol, usd in given.items() if 0 < usd < planned[symbol]]
        failed = [
            order
            for line in state.lines.values()
            for order in line.orders
            if line.item.action is Action.SELL and order.phase is Phase.REFUSED
        ]
        if policy.on_failed_sell == "block_buys" and failed:
            self.demand(not any(given.values()), "bought although a sell has failed", given)
        if policy.on_failed_sell != "scale_buys" and policy.on_shortfall != "scale":
            self.demand(not cut, "was cut", given)
        if (
            policy.on_failed_sell != "scale_buys"
            and policy.on_shortfall == "block"
            and not self._waits(state)
        ):
            self.demand(not whole or len(whole) == len(given), "was bought in part", given)

    def _waits(self, state: ExecutionState) -> bool:
        """Tell whether sells may still bring money for buys in a pipeline."""
        sales = (line for line in state.lines.values() if line.item.action is Action.SELL)
        return any(order.is_open or order.is_unresolved for line in sales for order in line.orders)

    def _recording(self, state: ExecutionState, order: Order) -> None:
        bought = state.lines[order.symbol]
        sequencing = self._world.policy.execution.sequencing
        if bought.item.action is not Action.BUY or sequencing == "pipelined":
            return
        for line in state.lines.values():
            if line.item.action is not Action.SELL or (
                sequencing == "plan_order" and line.rank > bought.rank
            ):
                continue
            self.demand(not line.is_pending, order.symbol, "bought before", line.item.symbol, "was decided")
            for sale in line.orders:
                name = sale.order.client_order_id
                self.demand(not sale.is_open, order.symbol, "bought while", name, "was", sale.phase)
                working = any(
                    t.is_open for t in self._world.exchange.tickets if t.order.client_order_id == name
                )
                doubted = sale.phase is Phase.UNRESOLVED
                self.demand(
                    doubted or not working, order.symbol, "bought while", name, "worked at the exchange"
                )

    def _nothing_twice(self, exchange: Exchange) -> None:
        twice = Counter(ticket.order.client_order_id for ticket in exchange.tickets)
        for name, count in twice.items():
            self.demand(count == 1, name, "is at the exchange", count, "times")

    def _chains(self) -> None:
        for name, stream in self._world.store.streams.items():
            head = GENESIS
            for number, row in enumerate(stream.rows, start=1):
                head = link(head, name, number, row.at, row.payload)
                self.demand(row.number == number and row.hash == head, name, "is broken at", number)
            self.demand(stream.head == head, name, "has another head")


def _stops(halt: Halt | None, order: Order) -> bool:
    """Tell whether a halt stops an order."""
    return halt is not None and not (halt.reduce_only and order.side is Side.SELL)


def _stream(plan_id: str) -> str:
    return f"execution/{ExecutionKey(account=ACCOUNT, plan_id=plan_id)}"


def _names(plan: Plan) -> dict[str, str]:
    key = ExecutionKey(account=ACCOUNT, plan_id=plan.plan_id)
    return dict(client_order_ids(key, tuple(item.symbol for item in plan.items), 1))


def _line_of(name: str) -> str:
    """Take the number of the attempt from the name of an order."""
    return name.rpartition("-")[0]


def _filled(state: ExecutionState) -> dict[str, Decimal]:
    return {
        name: order.report.filled_quantity for name, order in state.orders.items() if order.report is not None
    }


def _doubts(result: ExecutionResult) -> str:
    return "; ".join(
        f"{line.symbol} {line.reason}: {line.detail}"
        for line in result.lines
        if line.outcome is LineOutcome.UNRESOLVED
    )


def _about(event: ev.Event) -> str:
    match event:
        case ev.OrderReported():
            told = event.report
            words: tuple[object, ...] = (
                told.client_order_id, told.status, told.filled_quantity, "@", told.average_price
            )  # fmt: skip
        case ev.OrderRecorded() | ev.OrderRequoted():
            order = event.order
            words = (order.client_order_id, order.side, order.quantity, order.symbol)
        case ev.OrderNotSent() | ev.OrderRefused() | ev.OrderDoubted() | ev.OrderUnresolved():
            words = (event.client_order_id, event.reason, event.detail)
        case ev.CancelRequested():
            words = (event.client_order_id, event.reason)
        case ev.LineClosed():
            words = (event.symbol, event.reason, event.detail)
        case ev.StopRequested():
            words = (event.reason, event.detail)
        case ev.ExecutionCompleted() | ev.ExecutionSuspended() | ev.ExecutionRefused():
            words = (event.result.status,)
        case _:
            words = ()
    return " ".join(map(str, words))
