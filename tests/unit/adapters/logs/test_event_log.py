"""The events as lines: for people and, beside them, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import loguru
import pytest

from planfill.adapters.logs.event_log import JSON, EventLog, one_line
from planfill.domain.events import Event, ExecutionStarted, OrderRefused, Recorded, decode, encode
from planfill.domain.outcome import Reason
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import a_plan, an_item, an_order, an_order_recorded, numbered, started
from planfill.testing.events import AT, an_execution, one_of_each_kind

ORDER = ClientOrderId("pf-SPY-1")


class Sink:
    """Keeps the records of a logger."""

    def __init__(self) -> None:
        self.records: list[loguru.Record] = []

    def __call__(self, message: loguru.Message) -> None:
        self.records.append(message.record)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(record["extra"][JSON]) for record in self.records]

    @property
    def messages(self) -> list[str]:
        return [record["message"] for record in self.records]


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    number = loguru.logger.add(sink, level=0, catch=False)
    yield sink
    loguru.logger.remove(number)


async def told(*events: Recorded, log: EventLog | None = None) -> None:
    log = log or EventLog(lambda: loguru.logger)
    for event in events:
        await log.on_event(event)


def a_refusal(raw: str = "") -> Event:
    return OrderRefused(client_order_id=ORDER, reason=Reason.REJECTED, detail="no", raw=raw)


async def test_the_json_has_every_field_and_the_whole_event(sink: Sink) -> None:
    events = list(numbered(started(), an_order_recorded(), a_refusal("{raw}")))
    await told(*events)
    assert [list(line) for line in sink.lines] == 3 * [
        [
            "time", "level", "event", "stream", "number", "hash", "plan_id", "correlation_id",
            "symbol", "client_order_id", "message", "data",
        ]
    ]  # fmt: skip
    line = sink.lines[2]
    assert line["time"] == "2021-03-31T15:00:02.000000Z"
    assert (line["level"], line["event"]) == ("WARNING", "order_refused")
    assert (line["stream"], line["number"], line["hash"]) == (events[2].stream, 3, "hash-3")
    assert (line["plan_id"], line["correlation_id"]) == ("plan-1", "correlation-1")
    assert (line["symbol"], line["client_order_id"]) == ("SPY", ORDER)
    assert line["message"] == sink.messages[2]
    assert [decode(json.dumps(line["data"])) for line in sink.lines] == [e.event for e in events]


async def test_every_kind_of_event_is_one_line_with_plan_and_correlation(sink: Sink) -> None:
    kinds = one_of_each_kind()
    events = [Recorded(an_execution(), i, AT, f"{i:064x}", e) for i, e in enumerate(kinds, start=1)]
    await told(*events)
    assert [line["event"] for line in sink.lines] == [event.kind for event in kinds]
    assert {line["plan_id"] for line in sink.lines} == {"plan-1"}
    assert {line["correlation_id"] for line in sink.lines} == {"correlation-1"}
    for message in sink.messages:
        assert message
        assert message.isprintable()


async def test_the_plan_is_logged_with_its_items_their_values_and_the_limits(sink: Sink) -> None:
    plan = a_plan(
        an_item("SPY", trade_amount="1234.56"),
        an_item("QQQ", "SELL", "-1000"),
        an_item("IWM", "HOLD", 0),
    )
    await told(*numbered(started(plan)))
    (message,) = sink.messages
    assert "3 lines, 1 of them HOLD, $2,234.56 to trade, $100,000.00 cash" in message
    assert "BUY SPY $1,234.56, SELL QQQ $1,000.00, HOLD IWM;" in message
    assert "max_market_usd 100000" in message
    assert "max_plan_age_s off" in message
    assert len(sink.lines[0]["data"]["plan"]["items"]) == 3


async def test_of_a_long_plan_the_message_names_the_first_and_the_json_all(sink: Sink) -> None:
    plan = a_plan(*(an_item(f"S{i}") for i in range(200)))
    await told(*numbered(started(plan)))
    assert "BUY S29 $1,000.00, and 170 more;" in sink.messages[0]
    assert len(sink.lines[0]["data"]["plan"]["items"]) == 200


async def test_the_last_line_carries_the_ledger_head(sink: Sink) -> None:
    kinds = [event for event in one_of_each_kind() if event.kind == "execution_completed"]
    await told(Recorded(an_execution(), 9, AT, "f" * 64, kinds[0]))
    assert sink.messages[0].endswith(f"ledger head {'f' * 64}")
    assert sink.messages[0].startswith("PARTIAL: 0 of 1 orders filled, planned $1,000.10")


async def test_braces_and_tags_in_a_brokers_answer_are_left_alone(sink: Sink) -> None:
    raw = '{"code": 40310000, "{0}": "<red>{record}</red>"}'
    await told(*numbered(started(), an_order_recorded(), a_refusal(raw)))
    assert raw in sink.messages[2]
    assert sink.lines[2]["data"]["raw"] == raw


async def test_line_breaks_and_escapes_in_a_brokers_answer_stay_on_one_line(sink: Sink) -> None:
    await told(*numbered(started(), an_order_recorded(), a_refusal("a\r\nb\x1b[2Jc\u2028d\x00e")))
    assert "the broker's words: a b [2Jc d e" in sink.messages[2]
    assert "\n" not in sink.records[2]["extra"][JSON]


async def test_what_is_endless_is_cut_in_the_message_and_whole_in_the_json(sink: Sink) -> None:
    await told(*numbered(started(), an_order_recorded(), a_refusal("x" * 10_000)))
    assert sink.messages[2].endswith("xx [...]")
    assert len(sink.messages[2]) < 5000
    assert len(sink.lines[2]["data"]["raw"]) == 10_000


async def test_a_log_that_comes_late_reads_what_it_was_not_told(sink: Sink) -> None:
    events = list(numbered(started(), an_order_recorded(), a_refusal()))
    asked = []

    async def read(stream: str) -> Sequence[Recorded]:
        asked.append(stream)
        return events

    log = EventLog(lambda: loguru.logger, read=read)
    await told(events[2], log=log)
    await told(events[2], log=log)
    assert asked == [events[2].stream]
    for line in sink.lines:
        assert (line["correlation_id"], line["symbol"]) == ("correlation-1", "SPY")


async def test_a_log_that_comes_late_and_cannot_read_still_logs(sink: Sink) -> None:
    events = list(numbered(started(), an_order_recorded(), a_refusal()))
    await told(events[2])
    (line,) = sink.lines
    assert (line["plan_id"], line["correlation_id"], line["symbol"]) == ("plan-1", None, None)
    assert line["client_order_id"] == ORDER


async def test_a_line_of_another_stream_belongs_to_no_plan(sink: Sink) -> None:
    (alert,) = (event for event in one_of_each_kind() if event.kind == "alerted")
    await told(Recorded("system", 1, AT, "hash", alert))
    assert sink.lines[0]["plan_id"] is None


async def test_two_executions_at_once_are_told_apart(sink: Sink) -> None:
    log = EventLog(lambda: loguru.logger)
    first = started()
    second = ExecutionStarted(**{**dict(first), "plan": a_plan(plan_id="plan-2", correlation_id="run-2")})
    await log.on_event(Recorded("execution/a:b:c:plan-1", 1, AT, "", first))
    await log.on_event(Recorded("execution/a:b:c:plan-2", 1, AT, "", second))
    await log.on_event(Recorded("execution/a:b:c:plan-1", 2, AT, "", an_order_recorded()))
    assert [line["correlation_id"] for line in sink.lines] == ["correlation-1", "run-2", "correlation-1"]


async def test_of_many_executions_the_oldest_is_read_again(sink: Sink) -> None:
    asked = []

    async def read(stream: str) -> Sequence[Recorded]:
        asked.append(stream)
        return [Recorded(stream, 1, AT, "", started())]

    log = EventLog(lambda: loguru.logger, read=read)
    for i in range(101):
        await log.on_event(Recorded(f"execution/a:b:c:{i}", 1, AT, "", started()))
    for i in (0, 100):
        await log.on_event(Recorded(f"execution/a:b:c:{i}", 2, AT, "", an_order_recorded()))
    assert asked == ["execution/a:b:c:0"]
    assert {line["correlation_id"] for line in sink.lines} == {"correlation-1"}


async def test_what_is_told_twice_has_the_same_stream_and_number_twice(sink: Sink) -> None:
    (event,) = numbered(started())
    await told(event, event)
    one, other = sink.lines
    assert one == other


async def test_a_time_in_another_zone_is_written_in_utc(sink: Sink) -> None:
    at = datetime(2021, 3, 31, 11, 0, tzinfo=UTC).astimezone()
    await told(Recorded(an_execution(), 1, at, "", started()))
    assert sink.lines[0]["time"] == "2021-03-31T11:00:00.000000Z"
    assert sink.records[0]["extra"]["at"] == "11:00:00.000Z"


async def test_secrets_are_hidden_in_the_message_and_in_the_json(sink: Sink) -> None:
    log = EventLog(lambda: loguru.logger, redact=lambda text: text.replace("hunter2", "***"))
    await told(*numbered(started(), an_order_recorded(), a_refusal("key hunter2")), log=log)
    for record in sink.records:
        assert "hunter2" not in record["message"]
        assert "hunter2" not in str(record["extra"])
    assert "hunter2" in encode(a_refusal("key hunter2"))


async def test_nothing_is_opened_before_there_is_something_to_write() -> None:
    opened = []

    def give() -> loguru.Logger:
        opened.append(1)
        return loguru.logger

    log = EventLog(give)
    assert not opened
    await told(*numbered(started(), an_order_recorded(an_order())), log=log)
    assert opened == [1]


def test_a_line_has_no_control_characters() -> None:
    assert one_line(" a\tb\r\n\x7f\x9bc\u2029 ") == "a b c"
