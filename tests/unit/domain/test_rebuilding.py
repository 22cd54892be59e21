"""Executions rebuilt from their stored events: what was recorded is what the events say, or it is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tampering import changed, rewritten, stored

from planfill.domain import events as ev
from planfill.domain.auditing import verify
from planfill.domain.chain import StoredStream
from planfill.domain.checks import Objection
from planfill.domain.events import Event
from planfill.domain.outcome import Reason
from planfill.domain.rebuilding import plan_in, rebuild
from planfill.domain.result import ExecutionResult
from planfill.domain.state import ExecutionState
from planfill.domain.summary import refusal, summarize
from planfill.testing.builders import (
    PAPER,
    STREAM,
    a_plan,
    a_report,
    an_item,
    an_order,
    an_order_recorded,
    started,
)
from planfill.testing.events import AT, an_alert, one_of_each_kind

PLAN: Final = a_plan(an_item("SPY"), an_item("QQQ", "HOLD", 0))
ALL_HOLD: Final = a_plan(an_item("QQQ", "HOLD", 0))
FILLED: Final = ev.OrderReported(report=a_report())
SKIPPED: Final = ev.LineClosed(symbol="SPY", reason=Reason.NO_PRICE)
STOPPED: Final = ev.StopRequested(reason=Reason.INTERRUPTED, detail="Ctrl-C")


def summed_up(*events: Event) -> ExecutionResult:
    """Sum up what the events say, as the execution itself does."""
    state = ExecutionState()
    for row, event in zip(stored(*events, name=STREAM).rows, events, strict=True):
        assert isinstance(row.number, int)
        at = AT + timedelta(seconds=row.number - 1)
        state.apply(ev.Recorded(STREAM, row.number, at, row.hash, event))
    return summarize(state, AT + timedelta(minutes=1))


def ended(
    *events: Event, ending: Callable[..., Event] = ev.ExecutionCompleted, **changes: Any
) -> StoredStream:
    """Store an execution with its result, in which something may be changed."""
    whole = (started(PLAN), *events)
    result = ExecutionResult.model_validate({**dict(summed_up(*whole)), **changes})
    return stored(*whole, ending(result=result), name=STREAM)


TOLD: Final = summed_up(started(PLAN), an_order_recorded(), FILLED).model_dump_json()


def forged(change: dict[str, Any]) -> StoredStream:
    """Store an execution whose result was changed, with all hashes as they would be."""
    result = ExecutionResult.model_validate_json(json.dumps(json.loads(TOLD) | change))
    ending = ev.ExecutionCompleted(result=result)
    return stored(started(PLAN), an_order_recorded(), FILLED, ending, name=STREAM)


def problems(stream: StoredStream) -> list[tuple[int, str]]:
    return list(rebuild(stream.name, stream.rows))


@pytest.mark.parametrize(
    "stream",
    [
        ended(an_order_recorded(), FILLED),
        ended(an_order_recorded()),
        ended(an_order_recorded(), ending=ev.ExecutionSuspended),
        ended(SKIPPED),
        ended(STOPPED, ending=ev.ExecutionRefused),
        ended(an_order_recorded(), FILLED, ledger_head="0" * 64),
        stored(started(PLAN), an_order_recorded(), name=STREAM),
        stored(*one_of_each_kind()),
    ],
    ids=["filled", "open", "in doubt", "skipped", "stopped", "head", "unfinished", "no execution"],
)
def test_what_the_events_say_is_in_order(stream: StoredStream) -> None:
    assert problems(stream) == []
    assert verify(stream).findings == ()


@pytest.mark.parametrize("plan", [PLAN, ALL_HOLD], ids=["a line to trade", "none"])
@pytest.mark.parametrize("reason", [Reason.MARKET_CLOSED, Reason.ACCOUNT_UNFINISHED])
def test_an_attempt_that_was_refused_is_rebuilt_from_its_plan(plan: Any, reason: Reason) -> None:
    refused = refusal(plan, PAPER, Objection(reason, "closed until Monday"), AT)
    stream = stored(started(plan), ev.ExecutionRefused(result=refused), started(plan), name=STREAM)
    assert problems(stream) == []


def test_a_refusal_that_claims_another_plan_is_found() -> None:
    refused = refusal(a_plan(an_item("GLD")), PAPER, Objection(Reason.MARKET_CLOSED, ""), AT)
    stream = stored(started(PLAN), ev.ExecutionRefused(result=refused), name=STREAM)
    assert problems(stream) == [
        (2, "its result is not what the events before it say: lines, GLD, SPY, QQQ"),
    ]


def test_an_attempt_after_one_that_was_refused_is_rebuilt_from_its_own_events() -> None:
    refused = refusal(PLAN, PAPER, Objection(Reason.MARKET_CLOSED, "closed"), AT)
    first = (started(PLAN), ev.ExecutionRefused(result=refused))
    whole = (*first, started(PLAN), an_order_recorded(), FILLED)
    stream = stored(*whole, ev.ExecutionCompleted(result=summed_up(*whole)), name=STREAM)
    assert problems(stream) == []


@pytest.mark.parametrize(
    "change",
    [
        {"status": "PARTIAL"},
        {"success": False},
        {"filled_usd": "1000.01"},
        {"fees_usd": "1"},
        {"success_rate": 0.5},
        {"plan_id": "plan-2"},
        {"account": "mock:paper:2"},
        {"detail": "all went well"},
        {"started_at": "2021-03-31T15:00:01Z"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_result_in_which_something_was_changed_is_found_and_named(change: dict[str, Any]) -> None:
    assert problems(forged(change)) == [
        (4, f"its result is not what the events before it say: {next(iter(change))}")
    ]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda lines: [{**lines[0], "filled_quantity": "11"}, lines[1]], "lines, SPY"),
        (lambda lines: lines[:1], "lines, QQQ"),
        (lambda lines: [*lines, {**lines[1], "symbol": "GLD"}], "lines, GLD"),
        (lambda lines: lines[::-1], "lines"),
        (lambda lines: [*lines, lines[0]], "lines"),
    ],
    ids=["a quantity", "a line less", "a line more", "turned round", "a line twice"],
)
def test_a_line_that_was_changed_is_named_by_its_symbol(
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], named: str
) -> None:
    lines = json.loads(TOLD)["lines"]
    assert problems(forged({"lines": change(lines)})) == [
        (4, f"its result is not what the events before it say: {named}")
    ]


def test_a_fill_that_was_changed_contradicts_the_result() -> None:
    more = ev.OrderReported(report=a_report(filled=11))
    result = ExecutionResult.model_validate_json(TOLD)
    stream = stored(
        started(PLAN), an_order_recorded(), more, ev.ExecutionCompleted(result=result), name=STREAM
    )
    ((number, problem),) = problems(stream)
    assert number == 4
    assert "filled_usd" in problem
    assert problem.endswith("lines, SPY")


def test_after_a_result_that_is_wrong_the_rest_is_looked_at_too() -> None:
    wrong = ExecutionResult.model_validate_json(TOLD)
    suspended = ev.ExecutionSuspended(result=wrong)
    stream = stored(started(PLAN), suspended, ev.ExecutionResumed(holder="another"), suspended, name=STREAM)
    assert [number for number, _ in problems(stream)] == [2, 4]


@pytest.mark.parametrize(
    "fields",
    [
        {"payload": "{}"},
        {"payload": ""},
        {"payload": '{"kind": "order_eaten"}'},
        {"payload": "\udcff"},
        {"at": "yesterday"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", [STREAM, "system"])
def test_an_event_that_cannot_be_read_is_found_though_its_hash_is_right(
    name: str, fields: dict[str, str]
) -> None:
    stream = rewritten(changed(stored(started(PLAN), an_alert(), an_alert(), name=name), 2, **fields))
    ((number, problem),) = problems(stream)
    assert number == 2
    assert problem.startswith("cannot be read: ")
    assert "\n" not in problem
    assert [one.number for one in verify(stream).findings] == [2]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (FILLED, "order_reported: no order pf-SPY-1 is recorded"),
        (an_order_recorded(an_order("GLD")), "order_recorded: the plan has no line GLD"),
        (ev.LineClosed(symbol="GLD", reason=Reason.NO_PRICE), "line_closed: the plan has no line GLD"),
    ],
    ids=["no order", "no line to send", "no line to close"],
)
def test_an_event_that_cannot_follow_is_found(event: Event, why: str) -> None:
    stream = stored(started(PLAN), an_alert(), event, event, name=STREAM)
    assert problems(stream) == [
        (3, f"cannot follow the events before it: LedgerCorrupt: {STREAM}: event 3, {why}")
    ]


@pytest.mark.parametrize("ending", [ev.ExecutionCompleted, ev.ExecutionRefused, ev.ExecutionSuspended])
def test_a_result_without_a_plan_is_found(ending: Callable[..., Event]) -> None:
    stream = stored(ending(result=ExecutionResult.model_validate_json(TOLD)), name=STREAM)
    ((number, problem),) = problems(stream)
    assert number == 1
    assert "an execution that has not started has no result" in problem


def test_a_time_without_a_zone_is_found_where_it_matters() -> None:
    stream = rewritten(changed(stream_in_order(), 1, at="2021-03-31T15:00:00"))
    ((number, problem),) = problems(stream)
    assert number == 4
    assert problem.startswith("cannot follow the events before it: ValidationError: ")


def stream_in_order() -> StoredStream:
    return ended(an_order_recorded(), FILLED)


@given(
    st.lists(st.sampled_from([started(PLAN), an_order_recorded(), FILLED, *one_of_each_kind()]), max_size=9)
)
def test_whatever_follows_whatever_it_is_audited(events: list[Event]) -> None:
    found = verify(stored(started(PLAN), *events, name=STREAM)).findings
    assert all(one.number is not None and one.number > 1 for one in found)


@pytest.mark.parametrize(
    ("stream", "plan_id"),
    [
        ("execution/mock:paper:1:plan-1", "plan-1"),
        ("execution/mock:paper:1:a:b", "a:b"),
        ("execution/mock:paper:1", None),
        ("account/mock:paper:1", None),
        ("system", None),
    ],
)
def test_the_name_of_an_execution_holds_its_plan(stream: str, plan_id: str | None) -> None:
    assert plan_in(stream) == plan_id
