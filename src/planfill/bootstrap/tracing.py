"""Traces, where the settings name somebody who collects them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from planfill.domain.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.application.ports.listener import EventListener
    from planfill.bootstrap.settings import Configuration

_TIMEOUT_S: Final = 2
"""How long a collector that does not answer may keep the program from ending."""


def trace_listeners(configuration: Configuration) -> Sequence[EventListener]:
    """
    Give the listener that makes spans and sends them to the endpoint of the settings; none without one.

    Spans are sent from a thread of their own, what is left when the program ends; a collector that is away
    loses them, and disturbs nothing.

    Raises:
        SettingsError: What traces need is not installed.

    """
    endpoint = configuration.settings.traces.endpoint
    if not endpoint:
        return ()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from planfill.adapters.traces.spans import Spans
    except ImportError as e:
        message = f"{e.name} is not installed: pip install 'planfill[traces]'"
        raise SettingsError([Problem(path="traces.endpoint", message=message)]) from e
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "planfill"}))
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return (Spans(provider.get_tracer("planfill"), os.environ.get("TRACEPARENT")),)
