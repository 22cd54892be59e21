"""What an event is to people: one line, how grave it is, and what it is about."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from planfill.domain import events as ev
from planfill.domain.numerals import plain
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.report import OrderStatus
from planfill.domain.result import ExecutionStatus
from planfill.domain.stages import Stage

if TYPE_CHECKING:
    from planfill.adapters.logs.story import Story
    from planfill.domain.order import Order
    from planfill.domain.policy import Policy
    from planfill.domain.result import ExecutionResult
    from planfill.domain.values import ClientOrderId

DEBUG: Final = "DEBUG"
INFO: Final = "INFO"
WARNING: Final = "WARNING"
ERROR: Final = "ERROR"
CRITICAL: Final = "CRITICAL"

_MOST_ITEMS: Final = 30
_HARMLESS: Final = frozenset({Reason.AMOUNT_ZERO, Reason.BELOW_MINIMUM})
_AS_HOPED: Final = frozenset(
    {OrderStatus.PENDING_NEW, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED}
)
_ENDINGS: Final = {
    ExecutionStatus.NOTHING_TO_DO: INFO,
    ExecutionStatus.SUCCEEDED: INFO,
    ExecutionStatus.PARTIAL: WARNING,
    ExecutionStatus.REFUSED: WARNING,
    ExecutionStatus.HALTED: WARNING,
    ExecutionStatus.FAILED: ERROR,
    ExecutionStatus.IN_DOUBT: ERROR,
}


class Told(NamedTuple):
    """An event in words."""

    level: str
    message: str
    symbol: str | None = None
    client_order_id: str | None = None


def tell(recorded: ev.Recorded, story: Story) -> Told:  # noqa: C901, PLR0911, PLR0912 - one case an event
    """Put an event into words; ``story`` knows the event itself and those before it."""
    event = recorded.event
    match event:
        case ev.OrderReported():
            return _reported(event)
        case ev.OrderRecorded():
            return _recorded(event, story)
        case ev.LineClosed():
            level = INFO if event.reason in _HARMLESS else WARNING
            item = story.items.get(event.symbol)
            line = f"{item.action} {event.symbol}" if item else event.symbol
            return Told(level, f"{line}: not sent: {_why(event.reason, event.detail)}", event.symbol)
        case ev.RulesBroken():
            found = "; ".join(f"{one.symbol} {_why(one.rule, one.detail)}".strip() for one in event.broken)
            return Told(WARNING, f"{len(event.broken)} rules would be broken: {found}")
        case ev.FundsAllotted():
            return _allotted(event, story)
        case ev.OrderRefused():
            raw = f" (the broker's words: {event.raw})" if event.raw else ""
            why = _why(event.reason, event.detail)
            return _of_order(WARNING, f"refused by the broker: {why}{raw}", event.client_order_id, story)
        case ev.OrderNotSent():
            why = _why(event.reason, event.detail)
            return _of_order(WARNING, f"not sent: {why}", event.client_order_id, story)
        case ev.OrderDoubted():
            what = f"nobody knows whether the broker has it: {_why(event.reason, event.detail)}"
            return _of_order(WARNING, what, event.client_order_id, story)
        case ev.OrderUnresolved():
            what = f"UNRESOLVED: {_why(event.reason, event.detail)}"
            return _of_order(ERROR, what, event.client_order_id, story)
        case ev.CancelRequested():
            return _of_order(WARNING, f"cancel requested: {event.reason}", event.client_order_id, story)
        case ev.OrderRequoted():
            order = event.order
            return _of_order(INFO, "never reached the broker, is sent again", order.client_order_id, story)
        case ev.OrderResolved():
            word = f"{event.report.status}" if event.report else "never placed"
            what = f"resolved by {event.by} as {word}: {event.evidence}"
            return _of_order(WARNING, what, event.client_order_id, story)
        case ev.CancelAsked():
            return Told(WARNING, f"plan {event.plan_id} is to stop, asked by {event.by}: {event.detail}")
        case ev.AccountChosen():
            return Told(INFO, f"plan {event.plan_id} is for account {event.account}")
        case ev.Halted():
            what = "nothing is bought" if event.reduce_only else "nothing is sent"
            return Told(WARNING, f"halted by {event.by}, {what}: {event.reason}")
        case ev.Unhalted():
            return Told(WARNING, f"halt lifted by {event.by}: {event.reason}")
        case ev.StageChanged():
            return _stage(event)
        case ev.Reconciled():
            return _reconciled(event)
        case ev.ShadowCompared():
            return _shadow(event)
        case ev.CallsCounted():
            return Told(DEBUG, _counted(event))
        case ev.StopRequested():
            level = ERROR if event.reason is Reason.BREAKER else WARNING
            what = "buying nothing more" if event.only_buys else "stopping"
            return Told(level, f"{what}: {_why(event.reason, event.detail)}")
        case ev.ExecutionStarted():
            return Told(INFO, _received(event))
        case ev.ExecutionResumed():
            return Told(INFO, f"plan {story.plan_id} resumed by {event.holder}")
        case ev.ExecutionRefused() | ev.ExecutionSuspended() | ev.ExecutionCompleted():
            return Told(_ENDINGS[event.result.status], _summary(event.result, recorded.hash))
        case ev.Alerted():
            level = CRITICAL if event.severity is ev.Severity.CRITICAL else WARNING
            about = f"{event.symbol}: " if event.symbol else ""
            return Told(level, f"{about}{_why(event.reason, event.detail)}", event.symbol or None)
        case _:
            assert_never(event)


def _stage(event: ev.StageChanged) -> Told:
    step = f", step {event.step + 1} of the ramp" if event.stage is Stage.LIVE else ""
    by = f" by {event.by}" if event.by else ""
    despite = f", OVERRIDDEN, against {'; '.join(event.evidence)}" if event.overridden else ""
    return Told(WARNING, f"the account is at stage {event.stage}{step} now{by}: {event.reason}{despite}")


def _reconciled(event: ev.Reconciled) -> Told:
    if not event.differences:
        return Told(INFO, "reconciled: the broker's record is what ours is")
    level = WARNING if all(one.is_foreign for one in event.differences) else ERROR
    found = "; ".join(str(one) for one in event.differences)
    return Told(level, f"reconciled: the broker's record differs from ours: {found}")


def _shadow(event: ev.ShadowCompared) -> Told:
    about = f"plan {event.plan_id} compared with shadow {event.against}"
    if event.trouble:
        return Told(WARNING, f"{about}: it failed: {event.trouble}")
    found = "; ".join(str(one) for one in event.differences)
    return Told(WARNING, f"{about}: {found}") if found else Told(INFO, f"{about}: clean")


def _counted(event: ev.CallsCounted) -> str:
    calls = ", ".join(f"{one.call} {one.status} {one.calls}" for one in event.calls)
    rest = f"{event.resent} sent again, {event.waits} waits for its rate ({event.waited_s:.2f} s)"
    return f"asked the broker: {calls or 'nothing'}; {rest}, {event.commits} commits"


def _received(event: ev.ExecutionStarted) -> str:
    items = event.plan.items
    named = [
        f"{item.action} {item.symbol}" + (f" {_usd(item.planned_usd)}" if item.planned_usd else "")
        for item in items[:_MOST_ITEMS]
    ]
    if len(items) > _MOST_ITEMS:
        named.append(f"and {len(items) - _MOST_ITEMS} more")
    traded = sum((item.planned_usd for item in items), Decimal(0))
    held = sum(item.action is Action.HOLD for item in items)
    where = f" at {event.endpoint}" if event.endpoint else ""
    return (
        f"plan {event.plan.plan_id} received for {event.account}{where} by {event.holder}: "
        f"{len(items)} lines, {held} of them HOLD, {_usd(traded)} to trade, {_usd(event.cash_usd)} cash: "
        f"{', '.join(named)}; limits: {_limits(event.policy)}"
        f"{f'; {event.rollout}' if event.rollout else ''}"
    )


def _limits(policy: Policy) -> str:
    figures = [*policy.limits, *policy.execution]
    return ", ".join(f"{name} {'off' if value is None else value}" for name, value in figures)


def _recorded(event: ev.OrderRecorded, story: Story) -> Told:
    order = event.order
    size = f"{plain(order.quantity)} shares" if order.quantity else _usd(order.notional or Decimal(0))
    limit = f" at {plain(order.limit_price)}" if order.limit_price else ""
    item = story.items.get(order.symbol)
    planned = f", planned {_usd(item.planned_usd)}" if item else ""
    what = (
        f"sending {size}, {order.order_type}{limit}, {order.time_in_force}{planned}, "
        f"quoted {plain(event.sizing.price)} by {event.sizing.price_source}"
    )
    return _of_order(INFO, what, order.client_order_id, story)


def _reported(event: ev.OrderReported) -> Told:
    report = event.report
    filled = ""
    if report.filled_quantity:
        price = f"at {plain(report.average_price)}" if report.average_price else "at a price not told yet"
        filled = f", {plain(report.filled_quantity)} shares {price}"
    fees = f", fees {_usd(report.fees_usd)}" if report.fees_usd else ""
    by = f", replaced by {report.replaced_by}" if report.replaced_by else ""
    raw = ""
    if report.status in {OrderStatus.REJECTED, OrderStatus.UNKNOWN} and report.raw:
        raw = f" (the broker's words: {report.raw})"
    message = (
        f"{report.side} {report.symbol}: {report.status}{filled}{fees}{by}, "
        f"order {report.client_order_id}, the broker's {report.broker_order_id}{raw}"
    )
    level = INFO if report.status in _AS_HOPED else WARNING
    return Told(level, message, report.symbol, report.client_order_id)


def _allotted(event: ev.FundsAllotted, story: Story) -> Told:
    items = [story.items[symbol] for symbol in event.allotted if symbol in story.items]
    stage = story.rollout
    asked = sum((stage.permitted_usd(one) if stage else one.planned_usd for one in items), Decimal(0))
    granted = sum(event.allotted.values(), Decimal(0))
    message = f"{_usd(granted)} for {len(event.allotted)} buys, from {_usd(event.cash_usd)} cash"
    if granted >= asked:
        return Told(INFO, message)
    return Told(WARNING, f"{message}: cut, {_usd(asked)} was planned, {_usd(event.budget_usd)} may be spent")


def _summary(result: ExecutionResult, head: str) -> str:
    detail = f" ({result.detail})" if result.detail else ""
    bps = "" if result.shortfall_bps is None else f" ({result.shortfall_bps:.2f} bps)"
    seconds = (result.finished_at - result.started_at).total_seconds()
    return (
        f"{result.status}{detail}: {result.orders_filled} of {result.orders_placed} orders filled, "
        f"planned {_usd(result.planned_usd)}, filled {_usd(result.filled_usd)}, "
        f"residual {_usd(result.residual_usd)}, fees {_usd(result.fees_usd)}, "
        f"shortfall {_usd(result.shortfall_usd)}{bps}, {seconds:.3f} s, ledger head {head}"
    )


def _of_order(level: str, what: str, client_order_id: ClientOrderId, story: Story) -> Told:
    order: Order | None = story.orders.get(client_order_id)
    line = f"{order.side} {order.symbol}: " if order else ""
    symbol = order.symbol if order else None
    return Told(level, f"{line}{what}, order {client_order_id}", symbol, client_order_id)


def _why(reason: Reason, detail: str) -> str:
    return f"{reason}: {detail}" if detail else str(reason)


def _usd(amount: Decimal) -> str:
    return f"-${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"
