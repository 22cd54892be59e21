"""An execution as spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from stage import Stage, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock.faults import Fail
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.traces.spans import Spans
from planfill.domain.errors import OutcomeUnknown
from planfill.testing.listener import EventListenerContract

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
PLAN = a_plan(sell("SPY", "4000", target_weight="0"), buy("QQQ", "2000"), buy("IWM", "1000"), hold("DIA"))


def spans(parent: str | None = None) -> tuple[Spans, InMemorySpanExporter]:
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return Spans(provider.get_tracer("planfill"), parent), kept


class TestSpans(EventListenerContract):
    @pytest.fixture
    def listener(self) -> Spans:
        return spans()[0]


async def traced(
    stage: Stage, plan: dict[str, object] = PLAN, parent: str | None = None
) -> list[ReadableSpan]:
    listener, kept = spans(parent)
    await stage.execute(plan)
    for recorded in await stage.recorded():
        await listener.on_event(recorded)
    return list(kept.get_finished_spans())


def named(found: list[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [span for span in found if span.name == name]


async def test_a_plan_is_a_span_over_its_waves_lines_and_calls() -> None:
    found = await traced(Stage(settings={"cash": "6000", "holdings": {"SPY": "10"}}))
    (plan,) = named(found, "plan")
    assert plan.attributes is not None
    assert plan.attributes["planfill.plan_id"] == "plan-1"
    assert plan.attributes["planfill.status"] == "SUCCEEDED"
    assert plan.attributes["planfill.correlation_id"] == PLAN["correlation_id"]
    ids = {span.context.span_id: span for span in found if span.context}
    beneath = {
        span.name: {ids[span.parent.span_id].name for span in named(found, span.name) if span.parent}
        for span in found
    }
    assert beneath == {"plan": set(), "wave": {"plan"}, "line": {"wave"}, "place_order": {"line"}}
    assert [len(named(found, name)) for name in ("wave", "line", "place_order")] == [2, 3, 3]
    for span in found:
        assert plan.start_time is not None
        assert plan.end_time is not None
        assert span.start_time is not None
        assert span.end_time is not None
        assert plan.start_time <= span.start_time <= span.end_time <= plan.end_time
        assert span.context is not None
        assert plan.context is not None
        assert span.context.trace_id == plan.context.trace_id


@pytest.mark.parametrize("metadata", [{"traceparent": TRACEPARENT}, None], ids=["plan", "environment"])
async def test_the_trace_is_that_of_the_engine(metadata: object) -> None:
    found = await traced(Stage(), a_plan(buy("SPY", "1000"), metadata=metadata), TRACEPARENT)
    (plan,) = named(found, "plan")
    assert plan.parent is not None
    assert (f"{plan.parent.trace_id:032x}", f"{plan.parent.span_id:016x}") == (TRACE, PARENT)


async def test_what_the_metadata_say_otherwise_is_no_parent() -> None:
    (plan,) = named(await traced(Stage(), a_plan(buy("SPY", "1000"), metadata={"traceparent": 7})), "plan")
    assert plan.parent is None


async def test_what_fails_is_marked_and_what_has_no_end_ends_with_the_plan() -> None:
    lost = On("place_order", Fail(OutcomeUnknown("lost"))), On("get_order_status", Fail())
    found = await traced(Stage(*lost), a_plan(buy("SPY", "1000")))
    (plan,), (line,) = named(found, "plan"), named(found, "line")
    assert line.attributes is not None
    assert (line.status.status_code, plan.status.status_code) == (StatusCode.ERROR, StatusCode.ERROR)
    assert line.attributes["planfill.outcome"] == "OUTCOME_UNKNOWN"
    assert len(named(found, "wave")) == 1
