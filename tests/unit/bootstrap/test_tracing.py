"""Traces as the settings ask for them, at a collector on loopback."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from program import Program
from stage import a_plan, buy

from planfill import ExecutionManager
from planfill.domain.errors import SettingsError


@contextmanager
def collector() -> Iterator[tuple[str, Queue[bytes]]]:
    """Take what is sent to it."""
    sent = Queue[bytes]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.put(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces", sent
        finally:
            server.shutdown()
            thread.join()


def test_an_execution_arrives_at_the_collector_under_the_trace_of_whoever_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", a_plan(buy("SPY", "1000")))
    trace = "0af7651916cd43dd8448eb211c80319c"
    with collector() as (endpoint, sent):
        program.settings(traces__endpoint=endpoint)
        ended = program.run("execute", "plan.json", TRACEPARENT=f"00-{trace}-b7ad6b7169203331-01")
        assert ended.code == 0, ended.err
        request = ExportTraceServiceRequest.FromString(sent.get(timeout=30))
    spans = [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
    assert sorted(span.name for span in spans) == ["line", "place_order", "plan", "wave"]
    assert {span.trace_id.hex() for span in spans} == {trace}


def test_where_what_traces_need_is_not_installed_the_message_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLANFILL_TRACES__ENDPOINT", "http://127.0.0.1:1/v1/traces")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError, match=r"pip install 'planfill\[traces\]'"):
        ExecutionManager.from_settings()


def test_without_an_endpoint_nothing_of_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, module)
    with ExecutionManager.from_settings() as execution:
        assert execution.execute_rebalance_plan(None).success
    assert not [name for name in sys.modules if name.startswith("opentelemetry")]
