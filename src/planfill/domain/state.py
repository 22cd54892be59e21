"""The state of an execution: nothing but its events, folded by the tables of an order and an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from planfill.domain import events as ev
from planfill.domain.errors import LedgerCorrupt
from planfill.domain.execution_machine import FINISHED, Standing, execution_after
from planfill.domain.identity import ExecutionKey, client_order_ids
from planfill.domain.lines import LineState, OrderState
from planfill.domain.order import Side
from planfill.domain.order_machine import HAPPENS, OPEN, Happening, Impossible, Phase
from planfill.domain.outcome import Reason
from planfill.domain.report import OrderStatus

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.domain.report import ExecutionReport
    from planfill.domain.result import ExecutionResult
    from planfill.domain.values import ClientOrderId, Money

__all__ = ["OPEN", "ExecutionState", "LineState", "OrderState", "Phase"]


class ExecutionState:
    """
    An execution as its events tell it; ``apply`` alone changes it.

    ``lines`` is in the order of the plan, by symbol; ``orders`` is by client order id.
    """

    def __init__(self) -> None:
        self.number = 0
        self.standing = Standing.NOT_STARTED
        self.started: ev.ExecutionStarted | None = None
        self.started_at: datetime | None = None
        self.run_began_at: datetime | None = None
        self.lines: dict[str, LineState] = {}
        self.orders: dict[ClientOrderId, OrderState] = {}
        self.open_orders: tuple[ExecutionReport, ...] = ()
        self.rejections_in_a_row = 0
        self.stop: ev.StopRequested | None = None
        self.stopped_at: datetime | None = None
        self.buys_stop: ev.StopRequested | None = None
        """A stop that lets sells go on."""
        self.buys_stopped_at: datetime | None = None
        self.counted_usd: Money | None = None
        """What the sells had brought when the money was counted last; None if it has not been in this run."""
        self.result: ExecutionResult | None = None
        self.head = ""
        self.result_head = ""

    def apply(self, recorded: ev.Recorded) -> None:
        """
        Take in the next event of the stream.

        Raises:
            LedgerCorrupt: The event is not the next one, or cannot follow those before it.

        """
        if recorded.number != self.number + 1:
            msg = f"{recorded.stream}: event {recorded.number} follows event {self.number}"
            raise LedgerCorrupt(msg)
        try:
            standing = execution_after(self.standing, recorded.event)
            self._take(recorded)
        except Impossible as e:
            msg = f"{recorded.stream}: event {recorded.number}, {recorded.event.kind}: {e}"
            raise LedgerCorrupt(msg) from e
        self.number, self.head, self.standing = recorded.number, recorded.hash, standing

    def silent_since(self, order: OrderState) -> datetime:
        """Tell since when the end of an order is due: asked for, over time, or stopped; in this run."""
        if order.cancel_requested_at is not None:
            return order.cancel_requested_at
        stopped_at = self.stopped_at or (self.buys_stopped_at if order.order.side is Side.BUY else None)
        due = min(order.deadline, stopped_at or order.deadline)
        return max(due, self.run_began_at or due)

    def stop_of(self, side: Side) -> ev.StopRequested | None:
        """Give the stop that orders of a side obey; None where there is none."""
        return self.stop or (self.buys_stop if side is Side.BUY else None)

    @property
    def finished(self) -> bool:
        """Whether the execution ended, for good or as an attempt."""
        return self.standing in FINISHED

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

    def _take(self, recorded: ev.Recorded) -> None:  # noqa: C901, PLR0912 - one case an event
        event, at = recorded.event, recorded.at
        match event:
            case ev.OrderReported():
                self._order(event.report.client_order_id).report_came(event.report)
                rejected = event.report.status is OrderStatus.REJECTED
                self.rejections_in_a_row = self.rejections_in_a_row + 1 if rejected else 0
            case ev.OrderRecorded():
                self._record(event)
            case ev.LineClosed():
                line = self._line(event.symbol)
                line.closed, line.detail = event.reason, event.detail
            case ev.FundsAllotted():
                for line, amount in [(self._line(symbol), usd) for symbol, usd in event.allotted.items()]:
                    line.allotted = amount
                self.counted_usd = event.proceeds_usd
            case ev.OrderRefused() | ev.OrderNotSent() | ev.OrderDoubted() | ev.OrderUnresolved():
                order = self._order(event.client_order_id)
                order.ended(HAPPENS[type(event)], event.reason, event.detail)
                self.rejections_in_a_row += isinstance(event, ev.OrderRefused)
            case ev.OrderResolved():
                self._resolve(event)
            case ev.OrderRequoted():
                self._order(event.order.client_order_id).requoted(event.order, event.deadline)
            case ev.CancelRequested():
                self._order(event.client_order_id).cancel_asked(event.reason, at)
            case ev.StopRequested(only_buys=True):
                self.buys_stop, self.buys_stopped_at = self.buys_stop or event, self.buys_stopped_at or at
            case ev.StopRequested():
                self.stop, self.stopped_at = self.stop or event, self.stopped_at or at
            case ev.ExecutionStarted():
                self._start(event, at)
            case ev.ExecutionResumed():
                self._resume()
                self.run_began_at = at
            case ev.ExecutionRefused() | ev.ExecutionSuspended() | ev.ExecutionCompleted():
                self.result, self.result_head = event.result, recorded.hash
            case (
                ev.Alerted()
                | ev.CancelAsked()
                | ev.AccountChosen()
                | ev.Halted()
                | ev.Unhalted()
                | ev.StageChanged()
                | ev.Reconciled()
                | ev.ShadowCompared()
                | ev.RulesBroken()
                | ev.CallsCounted()
            ):
                pass
            case _:
                assert_never(event)

    def _start(self, event: ev.ExecutionStarted, at: datetime) -> None:
        self.started, self.started_at, self.run_began_at = event, at, at
        execution = event.policy.execution
        style = execution.style_for(event.plan.execution_urgency)
        self.lines = {
            item.symbol: LineState(item, rank, style=style, execution=execution)
            for rank, item in enumerate(event.plan.items)
        }
        if event.rollout is not None:
            for line in self.lines.values():
                line.hold_back(event.rollout)
        self.orders, self.stop, self.stopped_at, self.result = {}, None, None, None
        self.buys_stop, self.buys_stopped_at = None, None
        self.open_orders = event.open_orders
        self.counted_usd = None
        self.rejections_in_a_row = 0

    def _resume(self) -> None:
        for order in self.orders.values():
            order.resumed()
        # An earlier run's count of the money is out of date.
        self.counted_usd = None
        self.rejections_in_a_row = 0
        for line in self.lines.values():
            line.allotted = None if line.is_pending and not line.orders else line.allotted

    def _record(self, event: ev.OrderRecorded) -> None:
        name, line = event.order.client_order_id, self._line(event.order.symbol)
        if name in self.orders:
            msg = f"order {name} is recorded already"
            raise Impossible(msg)
        order = OrderState(event.order, event.attempt, event.sizing, event.deadline)
        self.orders[name] = order
        line.orders.append(order)

    def _resolve(self, event: ev.OrderResolved) -> None:
        order = self._order(event.client_order_id)
        if event.report is None:
            order.ended(Happening.PROVED_ABSENT, Reason.RESOLVED, event.evidence)
        else:
            order.report_came(event.report, Happening.PROVED)

    def _order(self, name: ClientOrderId) -> OrderState:
        if name not in self.orders:
            msg = f"no order {name} is recorded"
            raise Impossible(msg)
        return self.orders[name]

    def _line(self, symbol: str) -> LineState:
        if symbol not in self.lines:
            msg = f"the plan has no line {symbol}"
            raise Impossible(msg)
        return self.lines[symbol]
