"""How the lines of a plan stand while it is executed, as far as the events tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from planfill.application.ports.listener import EventListener
from planfill.domain import events as ev
from planfill.domain.outcome import Reason
from planfill.domain.phases import CHECKS, phase_after
from planfill.domain.plan import Action
from planfill.domain.report import OrderStatus
from planfill.domain.styles import MOST_ORDERS
from planfill.domain.values import ZERO_SHARES, ZERO_USD, Money, Price, Quantity, worth

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from planfill.domain.plan import Plan
    from planfill.domain.report import ExecutionReport
    from planfill.domain.result import ExecutionResult

WAITING: Final = "waiting"
SENDING: Final = "sending"
WORKING: Final = "working"
STEPPING: Final = "next step"
HOLD: Final = "HOLD"

DONE: Final = "done"

_WORDS: Final = {
    OrderStatus.DONE_FOR_DAY: "EXPIRED",
    OrderStatus.UNKNOWN: WORKING,
    OrderStatus.PENDING_NEW: WORKING,
    OrderStatus.NEW: WORKING,
    OrderStatus.PARTIALLY_FILLED: WORKING,
    OrderStatus.PENDING_CANCEL: "canceling",
}


@dataclass(slots=True)
class Row:
    """One line of the plan: ``state`` in small letters while it may change, in capitals when it has ended."""

    action: Action
    symbol: str
    planned_usd: Money
    state: str = WAITING
    detail: str = ""
    fills: dict[str, tuple[Quantity, Price | None]] = field(default_factory=dict)
    """What each order of the line has filled, and at which average price, by client order id."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.state.isupper()

    @property
    def filled_quantity(self) -> Quantity:
        """The shares that all its orders have filled."""
        return Quantity(sum((shares for shares, _ in self.fills.values()), ZERO_SHARES))

    @property
    def filled_usd(self) -> Money:
        """The dollars that all its orders have filled, where their prices are known."""
        known = ((shares, price) for shares, price in self.fills.values() if price is not None)
        return Money(sum((worth(shares, price) for shares, price in known), ZERO_USD))

    @property
    def average_price(self) -> Price | None:
        """The price of what has filled; None where nothing has, or not all is priced yet."""
        prices = [price for shares, price in self.fills.values() if shares]
        if len(prices) <= 1 or None in prices:
            return prices[0] if prices else None
        return Price(self.filled_usd / self.filled_quantity)


class Board(EventListener):
    """Follows the events of one execution; ``ended`` is called with each line as it ends."""

    name = ""

    def __init__(self, ended: Callable[[Row], None] | None = None) -> None:
        self.rows: dict[str, Row] = {}
        self.account = ""
        self.stopping = ""
        self.phase = CHECKS
        self._told = ended
        self._symbols: dict[str, str] = {}
        self._most_orders = 1
        self._steps: set[str] = set()
        self._over: set[str] = set()

    def begin(self, plan: Plan) -> None:
        """Begin with a plan of which nothing has happened yet."""
        self.stopping, self.phase = "", CHECKS
        for item in plan.items:
            self._add(Row(item.action, item.symbol, item.planned_usd))

    def go_on(self, result: ExecutionResult) -> None:
        """Begin where an earlier run stopped."""
        self.account = result.account or ""
        for line in result.lines:
            row = Row(line.action, line.symbol, line.planned_usd)
            self._add(row)
            if line.client_order_id is not None:
                self._symbols[line.client_order_id] = line.symbol
                row.fills[line.client_order_id] = line.filled_quantity, line.average_price

    async def on_event(self, recorded: ev.Recorded) -> None:  # noqa: C901, PLR0912 - one case an event
        """Take in one event."""
        event = recorded.event
        self.phase = phase_after(self.phase, event)
        match event:
            case ev.OrderReported():
                self._report(event.report)
            case ev.OrderRecorded() | ev.OrderRequoted():
                self._symbols[event.order.client_order_id] = event.order.symbol
                if isinstance(event, ev.OrderRecorded) and event.attempt < self._most_orders:
                    self._steps.add(event.order.client_order_id)
                self._state(event.order.symbol, SENDING)
            case ev.LineClosed():
                self._state(event.symbol, "NOT SENT", event.reason)
            case ev.OrderRefused():
                self._of_order(event.client_order_id, "REJECTED", event.reason)
            case ev.OrderNotSent():
                self._of_order(event.client_order_id, "NOT SENT", event.reason)
            case ev.OrderDoubted():
                self._of_order(event.client_order_id, "in doubt", event.reason)
            case ev.OrderUnresolved():
                self._of_order(event.client_order_id, "UNRESOLVED", event.reason)
            case ev.OrderResolved():
                if event.report is None:
                    self._of_order(event.client_order_id, "NOT SENT")
                else:
                    self._report(event.report)
            case ev.CancelRequested():
                if event.reason is Reason.DEADLINE:
                    self._over |= self._steps & {event.client_order_id}
                self._of_order(event.client_order_id, "canceling", event.reason)
            case ev.StopRequested():
                self.stopping = event.detail or event.reason
            case ev.ExecutionRefused() | ev.ExecutionSuspended() | ev.ExecutionCompleted():
                self.phase = DONE
            case ev.ExecutionStarted():
                self.account, execution = str(event.account), event.policy.execution
                self._most_orders = MOST_ORDERS[execution.style_for(event.plan.execution_urgency)](execution)
            case _:
                pass

    def total(self, action: Action) -> tuple[int, int]:
        """Count the lines of an action: those that have ended, and all."""
        rows = [row for row in self.rows.values() if row.action is action]
        return sum(row.has_ended for row in rows), len(rows)

    def ended(self) -> tuple[int, int]:
        """Count the lines that are to be traded: those that have ended, and all."""
        sells, buys = self.total(Action.SELL), self.total(Action.BUY)
        return sells[0] + buys[0], sells[1] + buys[1]

    def sums(self) -> tuple[Decimal, Decimal]:
        """Add up the dollars: filled, and planned."""
        rows = self.rows.values()
        return sum((r.filled_usd for r in rows), ZERO_USD), sum((r.planned_usd for r in rows), ZERO_USD)

    def _add(self, row: Row) -> None:
        self.rows[row.symbol] = row
        if row.action is Action.HOLD:
            self._state(row.symbol, HOLD)

    def _report(self, report: ExecutionReport) -> None:
        row = self.rows.get(report.symbol)
        if row is None:
            return
        row.fills[report.client_order_id] = report.filled_quantity, report.average_price
        if report.is_terminal and not report.is_priced:
            self._state(report.symbol, "filled, price awaited")
        elif report.status is OrderStatus.CANCELED and report.client_order_id in self._over:
            self._state(report.symbol, STEPPING)
        else:
            self._state(report.symbol, _WORDS.get(report.status, report.status.value.replace("_", " ")))

    def _of_order(self, client_order_id: str, state: str, detail: str = "") -> None:
        if symbol := self._symbols.get(client_order_id):
            self._state(symbol, state, detail)

    def _state(self, symbol: str, state: str, detail: str = "") -> None:
        row = self.rows.get(symbol)
        if row is None:
            return
        changed = (row.state, row.detail) != (state, detail)
        row.state, row.detail = state, detail
        if changed and row.has_ended and self._told is not None:
            self._told(row)
