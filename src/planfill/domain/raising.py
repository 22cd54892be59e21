"""From events to alerts: the one table that says what a person is told of, and what to do then."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from planfill.domain import events as ev
from planfill.domain.alert import Alert, AlertLine
from planfill.domain.deadman import slow_after_s
from planfill.domain.events import Severity
from planfill.domain.outcome import HARMLESS, LineOutcome, Reason
from planfill.domain.result import ExecutionStatus
from planfill.domain.values import ZERO_USD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from planfill.domain.order import Order
    from planfill.domain.result import ExecutionResult
    from planfill.domain.values import ClientOrderId, Money

_AS_PLANNED: Final = frozenset({LineOutcome.HOLD, LineOutcome.FILLED})
_WELL: Final = frozenset({ExecutionStatus.SUCCEEDED, ExecutionStatus.NOTHING_TO_DO})
_GRAVE: Final = frozenset({ExecutionStatus.FAILED, ExecutionStatus.HALTED})


class _Found(NamedTuple):
    """An alert before it is known when and where; ``about`` tells it from others of its kind."""

    severity: Severity
    title: str
    detail: str = ""
    todo: str = ""
    lines: tuple[AlertLine, ...] = ()
    about: str = ""
    plan_id: str = ""


class _Stream:
    """What the events of one stream before the present one have said."""

    def __init__(self, name: str) -> None:
        kind, _, self.key = name.partition("/")
        self.account = self.key if kind == "account" else ""
        self.plan_id = ""
        self.started: ev.ExecutionStarted | None = None
        self.first_order: datetime | None = None
        self.orders: dict[ClientOrderId, Order] = {}

    def take(self, recorded: ev.Recorded) -> None:
        """Take in one event."""
        match recorded.event:
            case ev.ExecutionStarted() as event:
                self.started, self.first_order = event, None
                self.plan_id, self.account = event.plan.plan_id, str(event.account)
            case ev.ExecutionResumed():
                self.first_order = None
            case ev.OrderRecorded() as event:
                self.first_order = self.first_order or recorded.at
                self.orders[event.order.client_order_id] = event.order
            case _:
                pass

    def command(self, name: str, plan_id: str = "") -> str:
        """Write a command about the plan; about all where no plan is known."""
        plan_id = plan_id or self.plan_id
        return f"planfill {name} {shlex.quote(plan_id)}" if plan_id else f"planfill {name}"

    @property
    def unhalt(self) -> str:
        """Write the command that lifts the halt of this stream."""
        return f"planfill unhalt --account {self.account}" if self.account else "planfill unhalt"


def alerts(stream: Iterable[ev.Recorded]) -> Iterator[tuple[int, Alert]]:
    """Give the alerts of a stream, read from its beginning, each with the number of its event."""
    before: _Stream | None = None
    for recorded in stream:
        before = before or _Stream(recorded.stream)
        for found in _found(recorded, before):
            kind, severity = recorded.event.kind, found.severity
            yield (
                recorded.number,
                Alert(
                    key=f"{recorded.stream}/{kind}/{severity}/{found.about}",
                    severity=severity,
                    at=recorded.at,
                    title=found.title,
                    detail=found.detail,
                    plan_id=found.plan_id or before.plan_id,
                    account=before.account,
                    todo=found.todo,
                    lines=found.lines,
                ),
            )
        before.take(recorded)


def _found(recorded: ev.Recorded, stream: _Stream) -> Iterator[_Found]:  # noqa: C901, PLR0912 - one case an event
    """Say what an event is to a person: the table. A new event gets a row, with an alert or without."""
    event = recorded.event
    match event:
        case ev.ExecutionRefused():
            yield _ended(event.result, Severity.CRITICAL, "planfill doctor", stream)
        case ev.ExecutionSuspended():
            yield _ended(event.result, Severity.CRITICAL, stream.command("resume"), stream)
        case ev.ExecutionCompleted():
            yield from _completed(event.result, stream)
        case ev.OrderUnresolved():
            order = stream.orders.get(event.client_order_id)
            lines = (AlertLine(symbol=order.symbol, what=event.reason),) if order else ()
            yield _Found(
                Severity.CRITICAL,
                f"nobody knows what became of order {event.client_order_id}",
                f"{event.detail}; whoever knows says so: planfill resolve {event.client_order_id} --help",
                stream.command("resume"),
                lines,
                event.client_order_id,
            )
        case ev.FundsAllotted():
            yield from _cut(event, stream)
        case ev.StopRequested():
            severity = Severity.CRITICAL if event.reason is Reason.BREAKER else Severity.WARNING
            what = "buys nothing more" if event.only_buys else "was stopped"
            title = f"plan {stream.plan_id!r} {what}: {event.reason}"
            yield _Found(severity, title, event.detail, stream.command("show"), about=event.reason)
        case ev.Halted():
            what = "nothing is bought" if event.reduce_only else "nothing is sent"
            whose = stream.account or "any account"
            title = f"halted by {event.by}: {what} on {whose}"
            yield _Found(Severity.CRITICAL, title, event.reason, stream.unhalt, about=event.reason)
        case ev.Unhalted():
            whose = stream.account or "all accounts"
            yield _Found(Severity.WARNING, f"halt of {whose} lifted by {event.by}", event.reason)
        case ev.StageChanged():
            title = f"account {stream.account} is at stage {event.stage} now: {event.by or 'by itself'}"
            detail = f"{event.reason}{' (overridden)' if event.overridden else ''}"
            yield _Found(Severity.WARNING, title, detail, "planfill rollout status", about=event.reason)
        case ev.ShadowCompared():
            if not event.clean:
                title = f"plan {event.plan_id!r} differs from shadow {event.against}"
                detail = event.trouble or f"{len(event.differences)} differences"
                todo = "planfill shadow report"
                yield _Found(
                    Severity.WARNING, title, detail, todo, about=event.against, plan_id=event.plan_id
                )
        case ev.Alerted():
            yield _alerted(event, stream)
        case (
            ev.ExecutionStarted()
            | ev.ExecutionResumed()
            | ev.LineClosed()
            | ev.RulesBroken()
            | ev.OrderRecorded()
            | ev.OrderReported()
            | ev.OrderRequoted()
            | ev.OrderRefused()
            | ev.OrderNotSent()
            | ev.OrderDoubted()
            | ev.OrderResolved()
            | ev.CancelRequested()
            | ev.CancelAsked()
            | ev.AccountChosen()
            | ev.Reconciled()
            | ev.CallsCounted()
        ):
            return  # the ending tells of the lines; a difference or a surprise has an alert of its own
        case _:
            assert_never(event)


def _completed(result: ExecutionResult, stream: _Stream) -> Iterator[_Found]:
    if result.status not in _WELL:
        severity = Severity.CRITICAL if result.status in _GRAVE else Severity.WARNING
        yield _ended(result, severity, stream.command("show"), stream)
    if stream.first_order and stream.started:
        took_s = (result.finished_at - stream.first_order).total_seconds()
        usual_s = slow_after_s(stream.started.policy.execution)
        if took_s > usual_s:
            detail = f"{took_s:.0f} s from the first order on, {usual_s:.0f} s are usual at most"
            title = f"plan {stream.plan_id!r} was slow"
            yield _Found(Severity.WARNING, title, detail, stream.command("show"), about="slow")


def _ended(result: ExecutionResult, severity: Severity, todo: str, stream: _Stream) -> _Found:
    short = [
        line
        for line in result.orders
        if line.outcome not in _AS_PLANNED or line.reason or not set(line.residuals) <= HARMLESS
    ]
    lines = tuple(
        AlertLine(
            symbol=line.symbol,
            what=f"{line.action} {line.outcome}" + (f" {line.reason}" if line.reason else ""),
            planned_usd=line.planned_usd,
            filled_usd=line.filled_usd,
        )
        for line in short
    )
    reasons = {line.reason for line in short if line.reason}
    if Reason.HALTED in reasons:
        todo = stream.unhalt if stream.unhalt in result.detail else "planfill unhalt"
    title = (
        f"plan {stream.plan_id!r} {result.status}: {result.orders_filled} of {len(result.orders)} lines "
        f"filled, ${result.filled_usd:,.2f} of ${result.planned_usd:,.2f}"
    )
    about = f"{result.status}/{'/'.join(sorted(reasons))}"
    return _Found(severity, title, result.detail, todo, lines, about)


def _cut(event: ev.FundsAllotted, stream: _Stream) -> Iterator[_Found]:
    lines = tuple(
        AlertLine(symbol=symbol, what=f"allotted ${event.allotted[symbol]:,.2f}", planned_usd=usd)
        for symbol, usd in _permitted(stream.started)
        if symbol in event.allotted and event.allotted[symbol] < usd
    )
    if lines:
        missing = sum((line.planned_usd or ZERO_USD for line in lines), ZERO_USD) - sum(
            (event.allotted[line.symbol] for line in lines), ZERO_USD
        )
        title = f"plan {stream.plan_id!r}: {len(lines)} buys cut by ${missing:,.2f} for want of money"
        detail = f"${event.budget_usd:,.2f} may be spent"
        yield _Found(Severity.WARNING, title, detail, stream.command("show"), lines)


def _permitted(started: ev.ExecutionStarted | None) -> Iterator[tuple[str, Money]]:
    """Give the dollars of each line, as far as the account's stage lets them be traded."""
    for item in started.plan.items if started else ():
        terms = started.rollout if started else None
        yield item.symbol, item.planned_usd if terms is None else terms.permitted_usd(item)


def _alerted(event: ev.Alerted, stream: _Stream) -> _Found:
    """Hand on what was raised where it was found."""
    lines = (AlertLine(symbol=event.symbol, what=event.reason),) if event.symbol else ()
    plan_id = event.plan_id or stream.plan_id
    todo = {
        Reason.RECONCILIATION: stream.command("reconcile", plan_id),
        Reason.LATE_FILL: stream.command("reconcile", plan_id),
        Reason.STUCK: stream.command("resume", plan_id),
        Reason.ROLLOUT: "planfill rollout status",
        Reason.BROKER_UNAVAILABLE: "planfill doctor",
    }.get(event.reason, stream.command("show", plan_id) if plan_id else "planfill list")
    whose = f"plan {plan_id!r}: " if plan_id else ""
    about = f"{event.reason}/{plan_id}/{event.symbol}"
    return _Found(event.severity, f"{whose}{event.reason}", event.detail, todo, lines, about, event.plan_id)
