"""The lines of an execution and their orders, as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from planfill.domain.order_machine import OPEN, Happening, Impossible, Phase, order_after, told_by
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.policy import ExecutionPolicy
from planfill.domain.report import OrderStatus, merge
from planfill.domain.styles import MOST_ORDERS
from planfill.domain.values import ZERO_SHARES, ZERO_USD, Money, Quantity

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.domain.order import Order
    from planfill.domain.plan import PlanItem
    from planfill.domain.report import ExecutionReport
    from planfill.domain.sizing import Sizing
    from planfill.domain.stages import Terms

_DEFAULT: Final = ExecutionPolicy()
# Why an order was not sent whose time went by: in waiting for its turn, or for a broker that was away.
_TIME_LOST: Final = frozenset({Reason.DEADLINE, Reason.BROKER_UNAVAILABLE})
# Why an order ended without our asking for it; a filled one needs no reason.
_ENDED_BY: Final = {
    OrderStatus.CANCELED: Reason.CANCELED,
    OrderStatus.EXPIRED: Reason.EXPIRED,
    OrderStatus.DONE_FOR_DAY: Reason.EXPIRED,
    OrderStatus.REJECTED: Reason.REJECTED,
}


@dataclass(slots=True)
class OrderState:
    """
    One order of a line, and all that is known of it.

    Its methods that say what happened raise ``Impossible``, and change nothing, where that cannot happen.
    """

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
    was_proved: bool = False
    """Whether its end is what an operator says it was."""

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen to it by itself."""
        return self.phase in OPEN

    @property
    def is_unresolved(self) -> bool:
        """Whether only evidence can tell what became of it."""
        return self.phase is Phase.UNRESOLVED

    @property
    def filled(self) -> Quantity:
        """The shares that it has filled, as far as is known."""
        return self.report.filled_quantity if self.report else ZERO_SHARES

    @property
    def ran_out(self) -> bool:
        """
        Whether it ended because its time was over, so that what it left may be sent on.

        Where a run was broken off between its cancel and the record of it, only the time tells whose cancel
        it was. What somebody else ended, replaced or proved is not sent on.
        """
        if self.phase is Phase.NOT_SENT:
            return self.reason in _TIME_LOST
        report = self.report
        if self.phase is not Phase.ENDED or report is None or report.status is not OrderStatus.CANCELED:
            return False
        ours = self.canceled_for is Reason.DEADLINE or (
            self.canceled_for is None and report.reported_at >= self.deadline
        )
        return ours and not (report.is_adopted or self.was_proved)

    @property
    def was_placed(self) -> bool:
        """Whether it went to the broker, or may have."""
        return self.phase not in {Phase.RECORDED, Phase.NOT_SENT}

    def report_came(self, report: ExecutionReport, happening: Happening | None = None) -> None:
        """Take in a report; ``happening`` where it is not the broker's own."""
        known = merge(self.report, report)
        self._happens(happening or told_by(known))
        self.report, self.inherited = known, False
        self.was_proved |= happening is not None
        if self.phase is Phase.REFUSED:
            return  # the refusal itself said more
        self.detail = known.raw if known.status is OrderStatus.REJECTED else ""
        self.reason = self.canceled_for or _ENDED_BY.get(known.status)
        if known.status is OrderStatus.FILLED:
            # What took the place of ours may have been for less.
            short = known.is_adopted and known.filled_quantity < (self.order.quantity or 0)
            self.reason = Reason.REPLACED if short else None

    def ended(self, happening: Happening, reason: Reason, detail: str) -> None:
        """Take in what became of it otherwise than by a report, or that nobody knows."""
        self._happens(happening)
        self.reason, self.detail = reason, detail
        self.inherited, self.canceled_for = False, None
        self.was_doubted |= self.phase is Phase.DOUBTED

    def requoted(self, order: Order, deadline: datetime) -> None:
        """Make it as good as new."""
        self._happens(Happening.REQUOTED)
        self.order, self.deadline = order, deadline
        self.reason, self.detail, self.inherited = None, "", False

    def cancel_asked(self, reason: Reason, at: datetime) -> None:
        """Take in that the broker was asked to cancel it."""
        self._happens(Happening.CANCEL_ASKED)
        self.cancel_requested_at, self.canceled_for, self.reason = at, reason, reason

    def resumed(self) -> None:
        """
        Take in that another run takes it up.

        What was never heard of may be at the broker; what a cancel did is asked anew, with a new grace.
        """
        self._happens(Happening.RESUMED if self.report else Happening.RESUMED_UNHEARD)
        self.inherited |= self.is_open
        self.was_doubted |= self.is_open
        self.cancel_requested_at = None

    def _happens(self, happening: Happening) -> None:
        try:
            self.phase = order_after(self.phase, happening)
        except Impossible as e:
            msg = f"order {self.order.client_order_id}: {e}"
            raise Impossible(msg) from e


@dataclass(slots=True)
class LineState:
    """
    One line of the plan; ``closed`` says why nothing, or nothing more, was sent for it, where that is so.

    ``item`` is what of it may be traded; ``held_back`` are the dollars that the account's stage keeps back.

    ``style`` and ``execution`` are those with which the plan was taken up: they hold until its end.
    """

    item: PlanItem
    rank: int
    closed: Reason | None = None
    detail: str = ""
    allotted: Money | None = None
    orders: list[OrderState] = field(default_factory=list)
    style: str = "market"
    execution: ExecutionPolicy = _DEFAULT
    held_back: Money = ZERO_USD

    def hold_back(self, terms: Terms) -> None:
        """Trade no more of it than a stage permits."""
        whole, self.item = self.item.planned_usd, terms.cut(self.item)
        self.held_back = Money(whole - self.item.planned_usd)

    @property
    def planned_usd(self) -> Money:
        """The dollars of the plan, whatever may be traded of them."""
        return Money(self.item.planned_usd + self.held_back)

    @property
    def is_pending(self) -> bool:
        """Whether it is to be decided now what is sent for the line: the first order, or the next."""
        if self.closed is not None or self.item.action is Action.HOLD:
            return False
        if not self.orders:
            return True
        settled = not any(order.is_open or order.is_unresolved for order in self.orders)
        return settled and self.has_next and self.orders[-1].ran_out

    @property
    def has_next(self) -> bool:
        """Whether the line's style has another order, should the last one leave anything."""
        most = MOST_ORDERS[self.style](self.execution)
        return self.closed is None and bool(self.rest) and len(self.orders) < most

    @property
    def rest(self) -> Quantity:
        """The shares of the first order that all orders together have not filled; 0 where there is none."""
        if not self.orders:
            return ZERO_SHARES
        filled = sum((order.filled for order in self.orders), ZERO_SHARES)
        return max(ZERO_SHARES, Quantity(self.orders[0].sizing.quantity - filled))

    @property
    def is_open(self) -> bool:
        """Whether an order of the line may still trade by itself."""
        return any(order.is_open for order in self.orders)
