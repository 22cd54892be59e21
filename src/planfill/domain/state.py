"""The state of an execution: nothing but its events, folded."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from planfill.domain import events as ev
from planfill.domain.errors import LedgerCorrupt
from planfill.domain.identity import ExecutionKey, client_order_ids
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.report import OrderStatus, merge

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.domain.order import Order
    from planfill.domain.plan import PlanItem
    from planfill.domain.report import ExecutionReport
    from planfill.domain.result import ExecutionResult
    from planfill.domain.sizing import Sizing
    from planfill.domain.values import ClientOrderId, Money


class Phase(StrEnum):
    """Where an order stands, as far as we know."""

    RECORDED = "RECORDED"
    """Durable with us, not sent."""
    DOUBTED = "DOUBTED"
    """Perhaps sent: the broker must be asked."""
    WORKING = "WORKING"
    """The broker has it."""
    ENDED = "ENDED"
    """The broker is done with it."""
    REFUSED = "REFUSED"
    """The broker would not have it."""
    NOT_SENT = "NOT_SENT"
    """It never reached the broker and never will."""
    UNRESOLVED = "UNRESOLVED"
    """Nobody knows; only evidence closes it."""


# Why an order ended without our asking for it; a filled one needs no reason.
_ENDED_BY: Final = {
    OrderStatus.CANCELED: Reason.CANCELED,
    OrderStatus.EXPIRED: Reason.EXPIRED,
    OrderStatus.DONE_FOR_DAY: Reason.EXPIRED,
    OrderStatus.REJECTED: Reason.REJECTED,
}
OPEN: Final = frozenset({Phase.RECORDED, Phase.DOUBTED, Phase.WORKING})


@dataclass(slots=True)
class OrderState:
    """One order of a line, and all that is known of it."""

    order: Order
    attempt: int
    sizing: Sizing
    deadline: datetime
    phase: Phase = Phase.RECORDED
    report: ExecutionReport | None = None
    reason: Reason | None = None
    detail: str = ""
    cancel_requested_at: datetime | None = None
    canceled_for: Reason | None = None
    """Why we asked for its cancel, in whichever run that was."""
    was_doubted: bool = False
    """Whether it was ever unknown if the broker has it."""
    inherited: bool = False
    """Whether an earlier run recorded it, and this one has not asked for it yet."""

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen to it by itself."""
        return self.phase in OPEN

    @property
    def is_unresolved(self) -> bool:
        """Whether only evidence can tell what became of it."""
        return self.phase is Phase.UNRESOLVED

    @property
    def was_placed(self) -> bool:
        """Whether it went to the broker, or may have."""
        return self.phase not in {Phase.RECORDED, Phase.NOT_SENT}


@dataclass(slots=True)
class LineState:
    """One line of the plan; ``closed`` says why nothing was sent for it, where that is so."""

    item: PlanItem
    rank: int
    closed: Reason | None = None
    detail: str = ""
    allotted: Money | None = None
    orders: list[OrderState] = field(default_factory=list)

    @property
    def is_pending(self) -> bool:
        """Whether nothing has been decided about the line yet."""
        return self.closed is None and not self.orders and self.item.action is not Action.HOLD

    @property
    def is_open(self) -> bool:
        """Whether an order of the line may still trade by itself."""
        return any(order.is_open for order in self.orders)


class ExecutionState:
    """
    An execution as its events tell it; ``apply`` alone changes it.

    ``lines`` is in the order of the plan, by symbol; ``orders`` is by client order id.
    """

    def __init__(self) -> None:
        self.number = 0
        self.started: ev.ExecutionStarted | None = None
        self.started_at: datetime | None = None
        self.run_began_at: datetime | None = None
        self.lines: dict[str, LineState] = {}
        self.orders: dict[ClientOrderId, OrderState] = {}
        self.stop: ev.StopRequested | None = None
        self.stopped_at: datetime | None = None
        self.result: ExecutionResult | None = None
        self.finished = False
        self.head = ""
        self.result_head = ""

    def apply(self, recorded: ev.Recorded) -> None:
        """
        Take in the next event of the stream.

        Raises:
            LedgerCorrupt: The event is not the next one.

        """
        if recorded.number != self.number + 1:
            msg = f"{recorded.stream}: event {recorded.number} follows event {self.number}"
            raise LedgerCorrupt(msg)
        self.number, self.head = recorded.number, recorded.hash
        if recorded.event.finishes is not None:
            self.finished = recorded.event.finishes
        self._take(recorded.event, recorded.at)

    def silent_since(self, order: OrderState) -> datetime:
        """Tell since when the end of an order is due: asked for, over time, or stopped; in this run."""
        if order.cancel_requested_at is not None:
            return order.cancel_requested_at
        due = min(order.deadline, self.stopped_at or order.deadline)
        return max(due, self.run_began_at or due)

    @property
    def begun_at(self) -> datetime | None:
        """When the execution that is unfinished now was taken up; None where there is none."""
        return None if self.finished else self.started_at

    def client_order_ids(self, attempt: int) -> dict[str, ClientOrderId]:
        """Name the orders of one attempt at every line, by symbol."""
        if self.started is None:
            return {}
        key = ExecutionKey(account=self.started.account, plan_id=self.started.plan.plan_id)
        return client_order_ids(key, tuple(self.lines), attempt)

    def _take(self, event: ev.Event, at: datetime) -> None:  # noqa: C901, PLR0912 - one case an event
        match event:
            case ev.OrderReported():
                self._report(event.report)
            case ev.OrderRecorded():
                order = OrderState(event.order, event.attempt, event.sizing, event.deadline)
                self.orders[event.order.client_order_id] = order
                self.lines[event.order.symbol].orders.append(order)
            case ev.LineClosed():
                line = self.lines[event.symbol]
                line.closed, line.detail = event.reason, event.detail
            case ev.FundsAllotted():
                for symbol, amount in event.allotted.items():
                    self.lines[symbol].allotted = amount
            case ev.OrderRefused():
                self._end(event.client_order_id, Phase.REFUSED, event.reason, event.detail)
            case ev.OrderNotSent():
                self._end(event.client_order_id, Phase.NOT_SENT, event.reason, event.detail)
            case ev.OrderDoubted():
                self._end(event.client_order_id, Phase.DOUBTED, event.reason, event.detail)
            case ev.OrderUnresolved():
                self._end(event.client_order_id, Phase.UNRESOLVED, event.reason, event.detail)
            case ev.OrderResolved():
                self._resolve(event)
            case ev.OrderRequoted():
                order = self.orders[event.order.client_order_id]
                order.order, order.phase = event.order, Phase.RECORDED
                order.deadline, order.reason, order.detail = event.deadline, None, ""
                order.inherited = False
            case ev.CancelRequested():
                order = self.orders[event.client_order_id]
                order.cancel_requested_at, order.reason = at, event.reason
                order.canceled_for = event.reason
            case ev.StopRequested():
                self.stop, self.stopped_at = self.stop or event, self.stopped_at or at
            case ev.ExecutionStarted():
                self._start(event, at)
            case ev.ExecutionResumed():
                self.run_began_at = at
                self._resume()
            case ev.ExecutionRefused() | ev.ExecutionSuspended() | ev.ExecutionCompleted():
                self.result, self.result_head = event.result, self.head
            case ev.Alerted() | ev.CancelAsked() | ev.Reconciled():
                pass
            case _:
                assert_never(event)

    def _start(self, event: ev.ExecutionStarted, at: datetime) -> None:
        self.started, self.started_at, self.run_began_at = event, at, at
        self.lines = {item.symbol: LineState(item, rank) for rank, item in enumerate(event.plan.items)}
        self.orders, self.stop, self.stopped_at, self.result = {}, None, None, None

    def _resume(self) -> None:
        # What an earlier run recorded and never heard of again may be at the broker; what its cancel did
        # is asked anew, with a new grace; its count of the money is out of date.
        for order in self.orders.values():
            if order.is_open or order.phase is Phase.UNRESOLVED:
                order.phase = Phase.DOUBTED if order.report is None else Phase.WORKING
                order.inherited = order.was_doubted = True
            order.cancel_requested_at = None
        for line in self.lines.values():
            line.allotted = None if line.is_pending else line.allotted

    def _report(self, report: ExecutionReport) -> None:
        order = self.orders[report.client_order_id]
        order.report = merge(order.report, report)
        order.inherited = False
        if order.phase is Phase.REFUSED and order.report.status is OrderStatus.REJECTED:
            return  # the refusal itself said more
        # A fill without a price is not the end: until it is priced the broker is asked again.
        ended = order.report.is_terminal and order.report.is_priced
        order.phase = Phase.ENDED if ended else Phase.WORKING
        order.detail = order.report.raw if order.report.status is OrderStatus.REJECTED else ""
        filled = order.report.status is OrderStatus.FILLED
        order.reason = None if filled else order.canceled_for or _ENDED_BY.get(order.report.status)

    def _resolve(self, event: ev.OrderResolved) -> None:
        if event.report is not None:
            self._report(event.report)
            return
        self._end(event.client_order_id, Phase.NOT_SENT, Reason.RESOLVED, event.evidence)

    def _end(self, client_order_id: ClientOrderId, phase: Phase, reason: Reason, detail: str) -> None:
        order = self.orders[client_order_id]
        order.phase, order.reason, order.detail = phase, reason, detail
        order.inherited, order.canceled_for = False, None
        order.was_doubted |= phase is Phase.DOUBTED
