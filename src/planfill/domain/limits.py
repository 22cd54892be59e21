"""What must not be exceeded: by an order, by a plan, by an account in a day; off until it is set."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.checks import Objection, check_amount
from planfill.domain.numerals import plain
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.values import ZERO_USD, Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from planfill.domain.order import Order
    from planfill.domain.plan import Plan, PlanItem
    from planfill.domain.policy import LimitsPolicy
    from planfill.domain.values import Quantity

MINUTE: Final = timedelta(minutes=1)


class Breach(NamedTuple):
    """A limit, what it allows, and what was asked for; ``symbol`` is empty where it is the plan's."""

    limit: str
    allowed: str
    asked: str
    symbol: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        about = f"{self.symbol}: " if self.symbol else ""
        return f"{about}{self.asked}, {self.limit} allows {self.allowed}"


class Sent(NamedTuple):
    """An order that went to the broker, and when; ``usd`` is what it was worth at its quote."""

    order: Order
    usd: Money
    at: datetime

    def by(self, moment: datetime) -> Sent:
        """Give the same as of a later moment; a clock that was set back makes nothing older."""
        return self._replace(at=max(self.at, moment))


class Usage(NamedTuple):
    """What other plans have used of the account: orders since the day began and lately; plans of the day."""

    orders: tuple[Sent, ...] = ()
    plans: int = 0

    def of_day(self, now: datetime) -> Sequence[Sent]:
        """Give the orders of the day, which is that of UTC."""
        return [sent for sent in self.orders if sent.at.date() == now.date()]

    def since(self, moment: datetime) -> Sequence[Sent]:
        """Give the orders from a moment on."""
        return [sent for sent in self.orders if sent.at >= moment]


def needs_usage(limits: LimitsPolicy) -> bool:
    """Tell whether a limit is set that looks at what other plans have done."""
    looking_back = (
        limits.max_daily_usd,
        limits.max_daily_orders,
        limits.max_daily_plans,
        limits.max_orders_per_minute,
        limits.duplicate_window_s,
    )
    return any(limit is not None for limit in looking_back)


def line_breaches(plan: Plan, limits: LimitsPolicy) -> Iterator[Breach]:
    """Give every limit that a line of the plan exceeds by itself."""
    for item in _traded(plan):
        yield from _of_symbol(item.symbol, limits)
        yield from _of_dollars(item.symbol, item.planned_usd, plan.total_portfolio_value, limits)
        yield from shares_breaches(item.quantity, limits, item.symbol)


def plan_breaches(
    plan: Plan, usage: Usage, now: datetime, limits: LimitsPolicy, *, without: Iterable[str] = ()
) -> Iterator[Breach]:
    """Give every limit that the lines of the plan exceed together, those ``without`` apart."""
    left_out = set(without)
    lines = [item for item in _traded(plan) if item.symbol not in left_out]
    buys = sum((item.planned_usd for item in lines if item.action is Action.BUY), ZERO_USD)
    sells = sum((item.planned_usd for item in lines if item.action is Action.SELL), ZERO_USD)
    yield from _over("max_plan_usd", buys + sells, limits.max_plan_usd, usd=True)
    yield from _over("max_net_buy_usd", buys - sells, limits.max_net_buy_usd, usd=True)
    yield from _over("max_plan_orders", len(lines), limits.max_plan_orders)
    yield from _of_account(usage, now, limits, usd=Money(buys + sells), orders=len(lines), plans=1)


def order_breaches(
    sending: Sent, portfolio: Money | None, usage: Usage, limits: LimitsPolicy
) -> Iterator[Breach]:
    """
    Give every limit that an order exceeds as it was sized and would be sent now.

    ``portfolio`` is what the plan says that it is worth; ``usage`` has what was sent before, ours too.
    """
    order, now = sending.order, sending.at
    yield from _of_symbol(order.symbol, limits)
    yield from _of_dollars(order.symbol, sending.usd, portfolio, limits)
    yield from shares_breaches(order.quantity, limits, order.symbol)
    yield from _of_account(usage, now, limits, usd=sending.usd, orders=1)


def shares_breaches(quantity: Quantity | None, limits: LimitsPolicy, symbol: str = "") -> Iterator[Breach]:
    """Give the limit that so many shares exceed, if any; those of an order in dollars are not known."""
    if quantity is not None:
        yield from _over("max_order_shares", quantity, limits.max_order_shares, symbol)


def check_duplicate(order: Order, usage: Usage, now: datetime, limits: LimitsPolicy) -> Objection | None:
    """Object to an order that another plan of the account has sent already, a moment ago."""
    if limits.duplicate_window_s is None:
        return None
    for sent in usage.since(now - timedelta(seconds=limits.duplicate_window_s)):
        other = sent.order
        if (other.symbol, other.side, other.quantity) == (order.symbol, order.side, order.quantity):
            detail = f"order {other.client_order_id} of another plan was the same at {sent.at:%H:%M:%S} UTC"
            return Objection(Reason.DUPLICATE_ORDER, detail)
    return None


def told(breaches: Sequence[Breach]) -> Objection:
    """Say all of them at once."""
    return Objection(Reason.LIMIT, "; ".join(map(str, breaches)))


def _traded(plan: Plan) -> list[PlanItem]:
    return [i for i in plan.items if i.action is not Action.HOLD and check_amount(i) is None]


def _of_account(
    usage: Usage, now: datetime, limits: LimitsPolicy, *, usd: Money, orders: int, plans: int = 0
) -> Iterator[Breach]:
    """Give every limit of the account that so much more than its usage exceeds."""
    today = usage.of_day(now)
    turnover = sum((sent.usd for sent in today), usd)
    yield from _over("max_daily_usd", turnover, limits.max_daily_usd, usd=True)
    yield from _over("max_daily_orders", len(today) + orders, limits.max_daily_orders)
    yield from _over("max_daily_plans", usage.plans + plans, limits.max_daily_plans)
    lately = len(usage.since(now - MINUTE))
    yield from _over("max_orders_per_minute", lately + orders, limits.max_orders_per_minute)


def _of_symbol(symbol: str, limits: LimitsPolicy) -> Iterator[Breach]:
    if limits.allow_symbols and symbol not in limits.allow_symbols:
        yield Breach("allow_symbols", ", ".join(limits.allow_symbols), "not on the list", symbol)
    if symbol in limits.deny_symbols:
        yield Breach("deny_symbols", "all but " + ", ".join(limits.deny_symbols), "on the list", symbol)


def _of_dollars(symbol: str, usd: Money, portfolio: Money | None, limits: LimitsPolicy) -> Iterator[Breach]:
    yield from _over("max_order_usd", usd, limits.max_order_usd, symbol, usd=True)
    if portfolio:
        share = usd / portfolio * 100
        if limits.max_order_pct is not None and share > limits.max_order_pct:
            asked = f"{share:.2f} % of the portfolio"
            yield Breach("max_order_pct", f"{limits.max_order_pct} %", asked, symbol)


def _over(
    limit: str, asked: Decimal | int, allowed: Decimal | int | None, symbol: str = "", *, usd: bool = False
) -> Iterator[Breach]:
    if allowed is not None and asked > allowed:
        yield Breach(limit, _shown(allowed, usd=usd), _shown(asked, usd=usd), symbol)


def _shown(number: Decimal | int, *, usd: bool) -> str:
    return f"${number:,.2f}" if usd else plain(Decimal(number))
