"""The broker's book: every order that it took, when that left, and whether it should ever have left."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from simulation.exchange import near

from planfill.domain.order import Side
from planfill.domain.plan import Action

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from planfill.domain.order import Order
    from planfill.domain.plan import Plan, PlanItem
    from planfill.domain.policy import LimitsPolicy

_CENT: Final = Decimal("0.01")
_MINUTE: Final = timedelta(minutes=1)
_ZERO: Final = Decimal(0)


class Entry(NamedTuple):
    """An order that the broker took: its line, its dollars at the quote then, and when it left, in UTC."""

    order: Order
    plan: Plan
    item: PlanItem
    usd: Decimal
    left: datetime


class Book:
    """
    What the broker took, judged by the limits and by nothing that the application has written down.

    The windows are those of the wall clock of the machine at which each order left. A plan counts on the day
    on which it was handed in: one that is in hand at midnight may send on the next day, too.
    """

    def __init__(self, limits: LimitsPolicy, demand: Callable[..., None]) -> None:
        self._limits = limits
        self._demand = demand
        self._entries: list[Entry] = []
        self._lines: dict[str, tuple[Plan, PlanItem]] = {}
        self._handed_in: dict[str, datetime] = {}

    def expect(self, plan: Plan, lines: dict[str, PlanItem], at: datetime) -> None:
        """Take note of a plan that is handed in; ``lines`` are its lines by how their orders' names begin."""
        self._handed_in.setdefault(plan.plan_id, at)
        self._lines |= {stem: (plan, item) for stem, item in lines.items()}

    def took(self, order: Order, stem: str, left: datetime) -> None:
        """Enter an order, and judge it with all before it."""
        if stem not in self._lines:
            return
        plan, item = self._lines[stem]
        usd = ((order.quantity or _ZERO) * near(order.symbol, order.side)).quantize(_CENT)
        entry = Entry(order, plan, item, usd, left)
        self._entries.append(entry)
        self._order(entry)
        self._plan(entry)
        self._account(entry)
        self._repeated(entry)

    def _order(self, entry: Entry) -> None:
        limits, symbol, quantity = self._limits, entry.order.symbol, entry.order.quantity or _ZERO
        most = self._most_of_a_line(entry.plan)
        self._demand(
            not limits.allow_symbols or symbol in limits.allow_symbols, symbol, "traded, not allowed"
        )
        self._demand(symbol not in limits.deny_symbols, symbol, "traded, denied")
        self._demand(most is None or entry.usd <= most + _CENT, symbol, "order for", entry.usd, "of", most)
        shares = limits.max_order_shares
        self._demand(shares is None or quantity <= shares, symbol, "order for", quantity, "shares of", shares)
        over = self._over(entry.plan)
        self._demand(entry.item.symbol not in over, symbol, "was to be blocked, over its limit by itself")
        refused = over and limits.on_breach == "refuse_plan"
        self._demand(not refused, symbol, "of a plan that was to be refused, over their limits:", over)

    def _plan(self, entry: Entry) -> None:
        """What the orders of a line send on counts once: it is what those before have left."""
        limits, plan = self._limits, entry.plan
        lines, buys = dict[str, Decimal](), {i.symbol for i in plan.items if i.action is Action.BUY}
        for one in self._entries:
            if one.plan is plan:
                lines[one.item.symbol] = max(one.usd, lines.get(one.item.symbol, _ZERO))
        bought = sum((usd for symbol, usd in lines.items() if symbol in buys), _ZERO)
        traded, slack = sum(lines.values(), _ZERO), _CENT * len(lines)
        most = limits.max_plan_usd
        self._demand(most is None or traded <= most + slack, plan.plan_id, "traded", traded, "of", most)
        count = limits.max_plan_orders
        self._demand(count is None or len(lines) <= count, plan.plan_id, "sent", len(lines), "of", count)
        if limits.max_net_buy_usd is not None:
            # It is the plan's sells that count: one of them may fail, and it may be told to buy all the same.
            over = self._over(plan)
            sells = (i for i in plan.items if i.action is Action.SELL and i.symbol not in over)
            net = limits.max_net_buy_usd + sum((item.planned_usd for item in sells), _ZERO)
            self._demand(bought <= net + slack, plan.plan_id, "bought for", bought, "of", net)

    def _account(self, entry: Entry) -> None:
        limits, day = self._limits, entry.left.date()
        today = [one for one in self._entries if one.left.date() == day]
        usd, most = sum((one.usd for one in today), _ZERO), limits.max_daily_usd
        self._demand(most is None or usd <= most + _CENT * len(today), day, "traded", usd, "of", most)
        count = limits.max_daily_orders
        self._demand(count is None or len(today) <= count, day, "sent", len(today), "of", count)
        lately = [one for one in self._entries if one.left >= entry.left - _MINUTE]
        count = limits.max_orders_per_minute
        self._demand(count is None or len(lately) <= count, "in a minute", len(lately), "of", count)
        plans = {one.plan.plan_id for one in today if self._handed_in[one.plan.plan_id].date() == day}
        count = limits.max_daily_plans
        self._demand(count is None or len(plans) <= count, day, "plans", plans, "of", count)

    def _repeated(self, entry: Entry) -> None:
        if self._limits.duplicate_window_s is None:
            return
        since = entry.left - timedelta(seconds=self._limits.duplicate_window_s)
        for one in self._entries:
            same = _terms(one.order) == _terms(entry.order) and one.plan is not entry.plan
            self._demand(
                not (same and one.left >= since),
                entry.order.client_order_id, "is the same as", one.order.client_order_id, "just before",
            )  # fmt: skip

    def _most_of_a_line(self, plan: Plan) -> Decimal | None:
        """Give the dollars that an order may be for."""
        limits, worth = self._limits, plan.total_portfolio_value
        by_share = None if limits.max_order_pct is None or not worth else worth * limits.max_order_pct / 100
        return min((usd for usd in (limits.max_order_usd, by_share) if usd is not None), default=None)

    def _over(self, plan: Plan) -> set[str]:
        """Give the lines that are over a limit as the plan has them, before there is an order."""
        limits, most = self._limits, self._most_of_a_line(plan)
        return {item.symbol for item in plan.items if _trades(item) and _is_over(item, most, limits)}


def _is_over(item: PlanItem, most: Decimal | None, limits: LimitsPolicy) -> bool:
    return (
        (most is not None and item.planned_usd > most)
        or (bool(limits.allow_symbols) and item.symbol not in limits.allow_symbols)
        or item.symbol in limits.deny_symbols
    )


def _trades(item: PlanItem) -> bool:
    return item.action is not Action.HOLD and item.planned_usd >= 1


def _terms(order: Order) -> tuple[str, Side, Decimal | None]:
    return order.symbol, order.side, order.quantity
