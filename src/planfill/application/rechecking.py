"""Orders that never reached the broker: today's checks, and then the same terms again or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planfill.application.preparing import look
from planfill.domain.checks import Objection, check_session
from planfill.domain.drafting import assess
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.events import OrderRequoted
from planfill.domain.following import not_sent
from planfill.domain.funding import BUDGET, in_doubt, promised
from planfill.domain.order import Side
from planfill.domain.order_checks import check_order
from planfill.domain.outcome import Reason
from planfill.domain.styles import works_s
from planfill.domain.values import Money, worth

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from planfill.application.run import Run
    from planfill.domain.events import Event
    from planfill.domain.policy import LimitsPolicy
    from planfill.domain.sizing import SizingFacts
    from planfill.domain.state import OrderState


async def recheck(run: Run, orders: Sequence[OrderState]) -> list[Event]:
    """Decide about recorded orders that certainly are not at the broker: session, prices, shares, money."""
    if not orders:
        return []
    policy, lines = run.policy.execution, [run.state.lines[order.order.symbol] for order in orders]
    try:
        facts = await look(run, lines)
        account = await run.ask(run.brokerage.account.get_account)
    except BrokerConnectionError as e:
        return [not_sent(order, Reason.BROKER_UNAVAILABLE, str(e)) for order in orders]
    closed = check_session(facts.session, facts.at, policy)
    # These are not there; what may be there has its claim on the money.
    absent = {order.order.client_order_id for order in orders}
    others = (order for name, order in run.state.orders.items() if name not in absent)
    symbols = {line.item.symbol for line in lines}
    waiting = (line for symbol, line in run.state.lines.items() if symbol not in symbols)
    taken = in_doubt(others) + promised(waiting)
    purse = Money(BUDGET[policy.funding](account, policy.cash_buffer_bps) - taken)
    events: list[Event] = []
    for order, line in zip(orders, lines, strict=True):
        found = closed or _covered(order, assess(line.item, facts, run.policy), purse, run.policy.limits)
        if isinstance(found, Objection):
            events.append(not_sent(order, found.reason, found.detail))
        else:
            again, purse = order.order.seen_at(found.quoted_at), found.left
            deadline = facts.deadline(works_s(line.style, line.execution, order.attempt))
            events.append(OrderRequoted(order=again, deadline=deadline))
    return events


class _Covered(NamedTuple):
    """An order for which there are shares or money: when it was quoted, and the money left after it."""

    quoted_at: datetime
    left: Money


def _covered(
    order: OrderState, facts: SizingFacts | Objection, purse: Money, limits: LimitsPolicy
) -> _Covered | Objection:
    if isinstance(facts, Objection):
        return facts
    if objection := check_order(order.order, order.sizing, facts, limits):
        return objection
    quantity, held = order.sizing.quantity, facts.sellable
    if order.order.side is Side.SELL:
        if quantity <= held:
            return _Covered(facts.quote.at, purse)
        detail = f"{held} shares can be sold, not {quantity}"
        return Objection(Reason.HELD_LESS_THAN_PLANNED, detail)
    cost = worth(quantity, facts.quote.ask)
    if cost <= purse:
        return _Covered(facts.quote.at, Money(purse - cost))
    return Objection(Reason.NO_FUNDS, f"it costs ${cost}, ${purse:.2f} may be spent")
