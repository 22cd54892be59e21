"""The figures in the format that Prometheus reads: over HTTP, or in a file for its node exporter."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, start_http_server, write_to_textfile
from prometheus_client.core import GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

from planfill.domain.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from threading import Thread
    from wsgiref.simple_server import WSGIServer

    from prometheus_client.core import Metric

    from planfill.domain.metrics import Metrics

# Gauges, all of them: a resume takes back what an earlier run of an execution counted as.
_FIGURES: Final = {
    "orders_placed": ("Lines for which an order was placed", "orders_placed"),
    "orders_filled": ("Lines that were filled", "orders_filled"),
    "orders_ended": ("Lines whose orders ended otherwise than by a stop", "orders_ended"),
    "orders_failed": ("Of these, those without a share", "orders_failed"),
    "orders_without_id": ("Orders without an id of the broker's and without a reason", "orders_without_id"),
    "orders_unresolved": ("Orders of which nobody knows what became", "orders_unresolved"),
    "order_success_ratio": ("Lines filled of those with an order", "success_rate"),
    "order_error_ratio": ("Lines failed of those whose orders ended", "error_rate"),
    "run_seconds_median": ("From the beginning of a run to its result, the median", "median_run_s"),
    "run_seconds_worst": ("From the beginning of a run to its result, the longest", "worst_run_s"),
    "fill_seconds_median": ("From the record of an order to its last fill, the median", "median_fill_s"),
    "fill_seconds_worst": ("From the record of an order to its last fill, the longest", "worst_fill_s"),
    "orders_resent": ("Orders sent again", "orders_resent"),
    "rate_waits": ("Waits for the broker's rate", "rate_waits"),
    "rate_wait_seconds": ("What those waits took", "rate_waited_s"),
    "ledger_commits": ("Commits of executions' events", "commits"),
    "planned_dollars": ("Dollars planned to be traded", "planned_usd"),
    "filled_dollars": ("Dollars traded", "filled_usd"),
    "shortfall_dollars": ("Cost against arrival prices; negative is a gain", "shortfall_usd"),
    "events": ("Events of executions in the ledger", "events"),
    "executions_logged": ("Executions of which every event is in the log file", "executions_logged"),
    "logged_ratio": ("Executions logged of all", "logged_rate"),
}


class Prometheus(Collector):
    """
    Gives what ``read`` measures, anew each time it is asked; a figure that cannot be taken is left out.

    Where the ledger cannot be read ``planfill_ledger_readable`` is 0, and nothing else is given.
    """

    def __init__(self, read: Callable[[], Metrics]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Measure, and give one family a figure."""
        try:
            found = self._read()
        except LedgerError:
            yield _readable(0)
            return
        yield _readable(1)
        yield from _families(found)

    def write(self, path: Path) -> None:
        """
        Write the figures to a file, whole or not at all.

        Raises:
            LedgerError: The ledger cannot be read: the file is left as it is, and grows old.
            OSError: The file cannot be written.

        """
        found = self._read()
        write_to_textfile(str(path), _registry(Prometheus(lambda: found)))

    def serve(self, host: str, port: int) -> AbstractContextManager[str]:
        """
        Answer over HTTP from now on, until the context is left, which is the URL; port 0 takes a free one.

        Raises:
            OSError: Nobody can listen there.

        """
        return _serving(host, *start_http_server(port, host, _registry(self)))


@contextmanager
def _serving(host: str, server: WSGIServer, thread: Thread) -> Iterator[str]:
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _registry(collector: Collector) -> CollectorRegistry:
    # Not the library's own, in which a trading engine may have figures; nor asked for names beforehand.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def _readable(value: int) -> Metric:
    text = "Whether the ledger could be read"
    return GaugeMetricFamily("planfill_ledger_readable", text, value=value)


def _families(found: Metrics) -> Iterator[Metric]:
    for name, (text, field) in _FIGURES.items():
        if (value := getattr(found, field)) is not None:
            yield GaugeMetricFamily(f"planfill_{name}", text, value=float(value))
    runs = "From the beginning of a run to its result"
    yield SummaryMetricFamily("planfill_run_seconds", runs, count_value=found.runs, sum_value=found.runs_s)
    fills = "From the record of an order to the record of its last fill"
    yield SummaryMetricFamily(
        "planfill_fill_seconds", fills, count_value=found.fills, sum_value=found.fills_s
    )
    phases = GaugeMetricFamily("planfill_phase_seconds", "What ended runs took by phase", labels=["phase"])
    for phase, seconds in found.phases_s.items():
        phases.add_metric([phase], seconds)
    yield phases
    calls = GaugeMetricFamily("planfill_broker_calls", "Calls of the broker", labels=["call", "status"])
    for one in found.broker_calls:
        calls.add_metric([one.call, one.status], one.calls)
    yield calls
    executions = GaugeMetricFamily("planfill_executions", "Executions by status", labels=["status"])
    for status, number in found.statuses.items():
        executions.add_metric([status], number)
    yield executions
    lines = GaugeMetricFamily("planfill_lines", "Lines by outcome", labels=["outcome", "reason"])
    for line in found.lines:
        lines.add_metric([line.outcome, line.reason or ""], line.lines)
    yield lines
