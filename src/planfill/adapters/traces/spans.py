"""
The events of an execution as OpenTelemetry spans: plan, wave, line, call.

Made after the commit from the times of the events: the trading path pays nothing for them. So a call is as
long as it took from the record of an order to the record of the broker's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from planfill.application.ports.listener import EventListener
from planfill.domain import events as ev

if TYPE_CHECKING:
    from datetime import datetime

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from planfill.domain.result import ExecutionResult
    from planfill.domain.values import ClientOrderId

_NS: Final = 1_000_000_000
_TRACEPARENT: Final = "traceparent"


class Spans(EventListener):
    """
    Gives a tracer one trace for each run of an execution.

    Its parent is the W3C ``traceparent`` in the plan's metadata, else ``parent``, which is the environment's.
    A run whose end nobody told of leaves no span of the plan: the lines that have ended are there.
    """

    name = ""

    def __init__(self, tracer: Tracer, parent: str | None = None) -> None:
        self._tracer = tracer
        self._parent = parent
        self._traces: dict[str, _Trace] = {}

    async def on_event(self, recorded: ev.Recorded) -> None:
        """Take in one event."""
        event, at = recorded.event, _ns(recorded.at)
        if isinstance(event, ev.ExecutionStarted):
            parent = _traceparent(event.plan.metadata) or self._parent
            about = {
                "planfill.plan_id": event.plan.plan_id,
                "planfill.correlation_id": event.plan.correlation_id,
                "planfill.account": str(event.account),
            }
            self._traces[recorded.stream] = _Trace(self._tracer, parent, about, at)
        elif isinstance(event, ev.ExecutionResumed) and recorded.stream not in self._traces:
            resumed = {"planfill.stream": recorded.stream, "planfill.holder": event.holder}
            self._traces[recorded.stream] = _Trace(self._tracer, self._parent, resumed, at)
        if (trace := self._traces.get(recorded.stream)) is not None and trace.take(event, at):
            del self._traces[recorded.stream]


class _Trace:
    """One run: the span of its plan, and those beneath it that have not ended."""

    def __init__(self, tracer: Tracer, parent: str | None, about: Mapping[str, str], at: int) -> None:
        self._tracer = tracer
        carrier = {_TRACEPARENT: parent} if parent else {}
        context = TraceContextTextMapPropagator().extract(carrier)
        self._plan = tracer.start_span("plan", context, attributes=about, start_time=at)
        self._recording = False
        self._waves: list[tuple[Span, set[ClientOrderId]]] = []
        self._lines: dict[ClientOrderId, Span] = {}
        self._calls: dict[ClientOrderId, Span] = {}

    def take(self, event: ev.Event, at: int) -> bool:
        """Take in an event; tell whether it is the last of the run."""
        if isinstance(event, ev.OrderRecorded):
            self._begin(event, at)
            return False
        # The orders of a wave are recorded together; beside them, only what keeps a line from being sent.
        self._recording &= isinstance(event, ev.Alerted | ev.LineClosed)
        match event:
            case ev.OrderReported():
                self._answered(event.report.client_order_id, at)
                if event.report.is_terminal and event.report.is_priced:
                    self._end(event.report.client_order_id, str(event.report.status), at)
            case ev.OrderRefused() | ev.OrderNotSent() | ev.OrderUnresolved():
                self._answered(event.client_order_id, at)
                self._end(event.client_order_id, event.reason, at, failed=True)
            case ev.OrderDoubted():
                self._answered(event.client_order_id, at)
            case ev.ExecutionCompleted() | ev.ExecutionRefused() | ev.ExecutionSuspended():
                self._close(event.result, at)
                return True
            case _:
                pass
        return False

    def _begin(self, event: ev.OrderRecorded, at: int) -> None:
        order = event.order
        if not self._recording:
            span = self._tracer.start_span("wave", _under(self._plan), start_time=at)
            self._waves.append((span, set()))
            self._recording = True
        wave, open_orders = self._waves[-1]
        open_orders.add(order.client_order_id)
        about: dict[str, str | int] = {
            "planfill.symbol": order.symbol,
            "planfill.side": str(order.side),
            "planfill.client_order_id": order.client_order_id,
            "planfill.attempt": event.attempt,
        }
        line = self._tracer.start_span("line", _under(wave), attributes=about, start_time=at)
        self._lines[order.client_order_id] = line
        self._calls[order.client_order_id] = self._tracer.start_span(
            "place_order", _under(line), kind=SpanKind.CLIENT, start_time=at
        )

    def _answered(self, name: ClientOrderId, at: int) -> None:
        if (call := self._calls.pop(name, None)) is not None:
            call.end(at)

    def _end(self, name: ClientOrderId, outcome: str, at: int, *, failed: bool = False) -> None:
        if (line := self._lines.pop(name, None)) is not None:
            line.set_attribute("planfill.outcome", outcome)
            if failed:
                line.set_status(StatusCode.ERROR, outcome)
            line.end(at)
        for wave, open_orders in self._waves:
            if name in open_orders:
                open_orders.remove(name)
                if not open_orders:
                    wave.end(at)

    def _close(self, result: ExecutionResult, at: int) -> None:
        for name in list(self._lines):
            self._answered(name, at)
            self._end(name, "open", at, failed=True)
        self._plan.set_attribute("planfill.status", str(result.status))
        if not result.success:
            self._plan.set_status(StatusCode.ERROR, str(result.status))
        self._plan.end(at)


def _under(span: Span) -> Context:
    return set_span_in_context(span)


def _ns(at: datetime) -> int:
    """Give the nanoseconds since 1970, exactly: a float has not enough digits for microseconds."""
    return int(at.timestamp()) * _NS + at.microsecond * 1000


def _traceparent(metadata: object) -> str | None:
    found = metadata.get(_TRACEPARENT) if isinstance(metadata, Mapping) else None
    return found if isinstance(found, str) else None
