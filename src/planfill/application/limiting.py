"""The limits of one run: what other plans have used of them, and what it uses itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from planfill.application.opening import stream_of
from planfill.domain.errors import NotPermitted
from planfill.domain.events import (
    ExecutionRefused,
    ExecutionStarted,
    LineClosed,
    OrderDoubted,
    OrderNotSent,
    OrderRecorded,
    OrderRefused,
    OrderReported,
    OrderRequoted,
    OrderUnresolved,
)
from planfill.domain.limits import (
    Sent,
    Usage,
    check_duplicate,
    line_breaches,
    needs_usage,
    order_breaches,
    plan_breaches,
    told,
)
from planfill.domain.values import ZERO_USD, ClientOrderId, worth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from datetime import datetime

    from planfill.application.ports.ledger import Ledger
    from planfill.domain.checks import Objection
    from planfill.domain.events import Event, Recorded
    from planfill.domain.identity import AccountKey, ExecutionKey
    from planfill.domain.order import Order
    from planfill.domain.plan import Plan
    from planfill.domain.policy import LimitsPolicy
    from planfill.domain.sizing import Sizing

# A plan may have waited for its session over a long weekend; its orders are of the day they went out.
_LONGEST_RUN: Final = timedelta(days=7)


class Limits:
    """
    Judges the plan before its first order, and each order again as it is sent.

    Nobody else sends for the account meanwhile: this run holds its claim.
    """

    def __init__(
        self, plan: Plan, policy: LimitsPolicy, others: Usage, ours: dict[ClientOrderId, Sent]
    ) -> None:
        self._plan = plan
        self._policy = policy
        self._others = others
        self._ours = ours

    @classmethod
    async def of(
        cls, plan: Plan, key: ExecutionKey, policy: LimitsPolicy, *, history: Ledger, now: datetime
    ) -> Limits:
        """
        Read what the account has done, as far as a limit asks for it.

        Raises:
            LedgerError: It cannot be read, so nothing may be sent.

        """
        others, plans, ours = dict[ClientOrderId, Sent](), 0, dict[ClientOrderId, Sent]()
        if needs_usage(policy):
            async for one, recorded in recent(history, key.account, now):
                (ours if one == key else others).update(sent_in(recorded, now))
                plans += one != key and _is_of(recorded, now)
        return cls(plan, policy, Usage(tuple(others.values()), plans), ours)

    def check_plan(self, now: datetime) -> Objection | None:
        """Object to a plan that exceeds a limit; all that it exceeds is in the detail."""
        lines, blocks = list(line_breaches(self._plan, self._policy)), self._policy.on_breach == "block_line"
        without = {breach.symbol for breach in lines} if blocks else ()
        whole = list(plan_breaches(self._plan, self._others, now, self._policy, without=without))
        if whole or (lines and not blocks):
            return told([*lines, *whole])
        return None

    def blocked(self) -> list[Event]:
        """Close the lines that exceed a limit by themselves, each with all that it exceeds."""
        lines = list(line_breaches(self._plan, self._policy))
        found = {breach.symbol: told([b for b in lines if b.symbol == breach.symbol]) for breach in lines}
        return [LineClosed(symbol=s, reason=one.reason, detail=one.detail) for s, one in found.items()]

    def permit(self, order: Order, sizing: Sizing, now: datetime) -> None:
        """
        Count an order that is about to be sent; one that is sent again counts once.

        Raises:
            NotPermitted: It exceeds a limit, or is another plan's order once more.

        """
        if objection := check_duplicate(order, self._others, now, self._policy):
            raise NotPermitted(objection.reason, objection.detail)
        sending = _worth(order, sizing, now)
        before = (sent for name, sent in self._ours.items() if name != order.client_order_id)
        usage = Usage((*self._others.orders, *before)) if needs_usage(self._policy) else Usage()
        breaches = list(order_breaches(sending, self._plan.total_portfolio_value, usage, self._policy))
        if breaches:
            objection = told(breaches)
            raise NotPermitted(objection.reason, objection.detail)
        self._ours[order.client_order_id] = sending


async def recent(
    history: Ledger, account: AccountKey, now: datetime
) -> AsyncIterator[tuple[ExecutionKey, tuple[Recorded, ...]]]:
    """Read the executions of an account that may have sent something today or lately."""
    for one in await history.executions(account):
        if one.started_at >= now - _LONGEST_RUN:
            yield one.key, await history.read(stream_of(one.key))


def sent_in(recorded: Iterable[Recorded], now: datetime) -> dict[ClientOrderId, Sent]:
    """
    Give the orders of a stream that went out, or may have, each as of the last moment at which it may have.

    That is when something was first heard of it after it was recorded or quoted anew; now, if nothing was.
    """
    found, unheard = dict[ClientOrderId, Sent](), set[ClientOrderId]()
    for one in recorded:
        match one.event:
            case OrderRecorded(order=order, sizing=sizing):
                found[order.client_order_id] = _worth(order, sizing, one.at)
                unheard.add(order.client_order_id)
            case OrderRequoted(order=order):
                unheard.add(order.client_order_id)
            case OrderNotSent(client_order_id=name):
                found.pop(name, None)
                unheard.discard(name)
            case OrderReported() | OrderRefused() | OrderDoubted() | OrderUnresolved() as event:
                name = (
                    event.report.client_order_id
                    if isinstance(event, OrderReported)
                    else event.client_order_id
                )
                if name in unheard:
                    found[name] = found[name].by(one.at)
                    unheard.discard(name)
    return found | {name: found[name].by(now) for name in unheard}


def _is_of(recorded: Iterable[Recorded], now: datetime) -> bool:
    """Tell whether a plan was taken up on this day, and not only refused."""
    began = [one.at for one in recorded if isinstance(one.event, ExecutionStarted)]
    refused = all(isinstance(one.event, ExecutionStarted | ExecutionRefused) for one in recorded)
    return bool(began) and began[-1].date() == now.date() and not refused


def _worth(order: Order, sizing: Sizing, at: datetime) -> Sent:
    usd = worth(order.quantity, sizing.price) if order.quantity is not None else order.notional or ZERO_USD
    return Sent(order, usd, at)
