"""Auditing executions as they really run: the ledger, and what was exported from it."""

from __future__ import annotations

import json
from typing import Final

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import Stage, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock.faults import Fail, LoseAnswer, NeverFill, Refuse
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.ledgers.rows import Row
from planfill.application.audit import Audit, AuditReport, verify_file
from planfill.application.exporting import as_lines, from_lines
from planfill.domain.errors import PlanUnknown
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.testing.events import AT, an_alert

MIXED: Final = a_plan(
    sell("SPY", "4000", target_weight="0"),
    sell("XOM", "500"),
    buy("QQQ", "2000"),
    buy("IWM", "1000"),
    buy("GLD", "1500"),
    buy("TLT", "0.50"),
    hold("EFA"),
)
FAULTS: Final = (
    On("place_order", Refuse(), symbol="IWM"),
    On("place_order", NeverFill(), symbol="GLD"),
    On("place_order", LoseAnswer(), symbol="QQQ"),
)
SILENT: Final = ("place_order", "get_order_status", "cancel_order")
STREAM: Final = "execution/mock:mock:MOCK-1:plan-1"


async def a_stage() -> tuple[Stage, ExecutionResult]:
    """Execute the mixed plan, with faults."""
    stage = Stage(*FAULTS, settings={"holdings": {"SPY": "10", "XOM": "10"}, "partial_fills": 1})
    return stage, await stage.execute(MIXED)


def audit(stage: Stage) -> Audit:
    return Audit(MemoryLedger(stage.store))


def located(report: AuditReport) -> list[tuple[str, int | None]]:
    return [(one.stream, one.number) for one in report.findings]


async def test_a_plan_that_met_every_kind_of_end_is_in_order() -> None:
    stage, result = await a_stage()
    assert result.status is ExecutionStatus.PARTIAL
    report = await audit(stage)()
    assert (report.in_order, report.findings) == (True, ())
    (stream,) = report.streams
    assert stream.stream == STREAM
    assert stream.events == report.events == len(await stage.events())
    assert stream.head == result.ledger_head


async def test_executions_in_doubt_resumed_refused_and_crashed_are_in_order() -> None:
    stage = Stage(On("list_orders", Fail(), nth=2, times=10**6), *(On(method, Fail()) for method in SILENT))
    first, second = a_plan(buy("SPY", "1000")), a_plan(buy("QQQ", "1000"), plan_id="plan-2")
    assert (await stage.execute(first)).status is ExecutionStatus.IN_DOUBT
    assert (await stage.execute(second)).status is ExecutionStatus.REFUSED
    assert (await audit(stage)()).in_order
    stage.script.clear()
    assert (await stage.execute(first)).status is ExecutionStatus.SUCCEEDED
    assert (await stage.execute(second)).status is ExecutionStatus.SUCCEEDED
    await stage.crash_after("order_recorded", a_plan(buy("IWM", "1000"), plan_id="plan-3"))
    report = await audit(stage)()
    assert report.in_order
    assert len(report.streams) == 3


async def test_every_kind_of_stream_is_audited() -> None:
    stage, _ = await a_stage()
    ledger = MemoryLedger(stage.store)
    for stream in ("system", "account/mock:mock:MOCK-1"):
        await ledger.append(stream, [an_alert("one"), an_alert("two")], at=AT)
        rows = stage.store.streams[stream].rows
        rows[1] = rows[1]._replace(payload=rows[0].payload)
    assert sorted(located(await audit(stage)())) == [("account/mock:mock:MOCK-1", 2), ("system", 2)]


def tampered(rows: list[Row], kind: str, place: int) -> list[Row]:
    """Do one of the kinds of harm to the rows at a place."""
    row, other = rows[place], rows[place - 1]
    match kind:
        case "a text":
            return [*rows[:place], row._replace(payload=f"{row.payload} "), *rows[place + 1 :]]
        case "a time":
            return [*rows[:place], row._replace(at=f"{row.at[:-1]}1Z"), *rows[place + 1 :]]
        case "a hash":
            return [*rows[:place], row._replace(hash=other.hash), *rows[place + 1 :]]
        case "a drop":
            return [*rows[:place], *rows[place + 1 :]]
        case "twice":
            return [*rows[: place + 1], *rows[place:]]
    return [*rows[:place], row._replace(payload=other.payload), *rows[place:]]


@pytest.mark.parametrize("kind", ["a text", "a time", "a hash", "a drop", "twice", "an insertion"])
@pytest.mark.parametrize("where", ["first", "middle", "last"])
async def test_any_change_to_the_events_of_an_execution_is_located(kind: str, where: str) -> None:
    stage, _ = await a_stage()
    kept = stage.store.streams[STREAM]
    place = {"first": 0, "middle": len(kept.rows) // 2, "last": len(kept.rows) - 1}[where]
    kept.rows[:] = tampered(kept.rows, kind, place)
    report = await audit(stage)()
    assert not report.in_order
    assert located(report)[0] == (STREAM, place + 1)


async def test_only_the_executions_of_one_plan_are_audited_where_one_is_named() -> None:
    stage, _ = await a_stage()
    await stage.execute(a_plan(buy("SPY", "1000"), plan_id="plan-2"))
    report = await audit(stage)("plan-2")
    assert [one.stream for one in report.streams] == ["execution/mock:mock:MOCK-1:plan-2"]


@pytest.mark.parametrize("plan_id", ["plan-9", "", "1"])
async def test_a_plan_that_the_ledger_does_not_know_is_an_error(plan_id: str) -> None:
    stage, _ = await a_stage()
    with pytest.raises(PlanUnknown, match="planfill list"):
        await audit(stage)(plan_id)
    with pytest.raises(PlanUnknown, match="planfill list"):
        await audit(stage).export(plan_id)


async def test_an_empty_ledger_is_in_order_and_has_no_head() -> None:
    report = await audit(Stage())()
    assert (report.in_order, report.events, report.streams) == (True, 0, ())
    assert located(await audit(Stage())(against="0" * 64)) == [("", None)]


async def test_every_hash_of_a_stream_is_a_head_that_may_have_been_kept() -> None:
    stage, _ = await a_stage()
    for row in stage.store.streams[STREAM].rows:
        assert (await audit(stage)(against=row.hash)).in_order
        assert (await audit(stage)("plan-1", against=row.hash)).in_order


async def test_a_stream_written_anew_is_found_against_a_head_kept_elsewhere() -> None:
    one, result = await a_stage()
    other, _ = await a_stage()
    assert result.ledger_head is not None
    changed = {**MIXED, "correlation_id": "another"}
    rewritten = Stage(*FAULTS, settings={"holdings": {"SPY": "10", "XOM": "10"}, "partial_fills": 1})
    await rewritten.execute(changed)
    one.store.streams[STREAM] = rewritten.store.streams[STREAM]
    assert (await audit(one)()).in_order
    report = await audit(one)(against=result.ledger_head)
    assert located(report) == [(STREAM, None)]
    assert f"no event has the hash {result.ledger_head}" in report.findings[0].problem
    assert (await audit(other)(against=result.ledger_head)).in_order


async def test_a_head_of_another_plan_is_none_of_this_one() -> None:
    stage, result = await a_stage()
    second = await stage.execute(a_plan(buy("SPY", "1000"), plan_id="plan-2"))
    assert result.ledger_head is not None
    assert (await audit(stage)(against=second.ledger_head)).in_order
    assert located(await audit(stage)("plan-1", against=second.ledger_head)) == [(STREAM, None)]
    assert located(await audit(stage)(against="0" * 64)) == [("", None)]


async def test_an_execution_that_was_exported_is_verified_without_the_ledger() -> None:
    stage, result = await a_stage()
    lines = await audit(stage).export("plan-1")
    assert len(lines) == len(await stage.events()) + 1
    assert set(json.loads(lines[0])) == {"stream", "number", "at", "hash", "payload"}
    end = {"stream": STREAM, "number": len(lines) - 1, "head": result.ledger_head}
    assert json.loads(lines[-1]) == end
    assert all(line.isascii() for line in lines)
    assert verify_file(lines) == await audit(stage)("plan-1")
    assert verify_file(lines, "plan-1", against=result.ledger_head).in_order
    assert located(verify_file(lines, against="0" * 64)) == [(STREAM, None)]
    assert from_lines(lines) == (await MemoryLedger(stage.store).stored(STREAM), [])


async def test_the_latest_execution_of_a_plan_is_exported() -> None:
    stage, _ = await a_stage()
    early = stage.store.streams[STREAM]
    other = STREAM.replace("MOCK-1", "MOCK-0")
    stage.store.streams[other] = type(early)(early.key, AT.replace(year=2100), rows=early.rows)
    assert json.loads((await audit(stage).export("plan-1"))[0])["stream"] == other


async def test_a_file_of_another_plan_is_an_error() -> None:
    stage, _ = await a_stage()
    lines = await audit(stage).export("plan-1")
    with pytest.raises(PlanUnknown, match=f"the file holds {STREAM}, and not one of plan 'plan-2'"):
        verify_file(lines, "plan-2")
    with pytest.raises(PlanUnknown, match="the file holds no execution"):
        verify_file([], "plan-2")


@pytest.mark.parametrize("place", [0, 7, -2])
async def test_a_line_that_is_missing_is_located(place: int) -> None:
    stage, _ = await a_stage()
    lines = list(await audit(stage).export("plan-1"))
    number = json.loads(lines.pop(place))["number"]
    assert located(verify_file(lines)) == [(STREAM, number)]


async def test_a_file_without_its_head_is_not_whole() -> None:
    stage, _ = await a_stage()
    lines = await audit(stage).export("plan-1")
    report = verify_file(lines[:-1])
    assert located(report) == [(STREAM, None)]
    assert "nothing is kept of its end" in report.findings[0].problem


async def test_what_stands_behind_the_head_is_found() -> None:
    stage, _ = await a_stage()
    lines = await audit(stage).export("plan-1")
    for more in lines[-2:]:
        report = verify_file([*lines, more])
        assert [one.problem for one in report.findings] == [
            f"line {len(lines) + 1} stands behind the head, which is the last"
        ]


async def test_a_line_of_another_stream_is_found() -> None:
    stage, _ = await a_stage()
    lines = list(await audit(stage).export("plan-1"))
    lines[0] = lines[0].replace("plan-1", "plan-3", 1)
    assert [one.problem for one in verify_file(lines).findings] == [
        "line 1 belongs to another stream, execution/mock:mock:MOCK-1:plan-3",
        "is missing: event 2 stands there",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x",
        "[]",
        "7",
        "{}",
        "[" * 100_000,
        '"\\ud800"',
        '{"stream": "s", "number": 1.5, "head": "h"}',
        "\udcff",
    ],
    ids=range(9),
)
async def test_a_line_that_is_neither_event_nor_head_is_named(line: str) -> None:
    stage, _ = await a_stage()
    lines = await audit(stage).export("plan-1")
    (finding,) = verify_file([*lines, line]).findings
    assert finding.problem == f"line {len(lines) + 1} is neither an event nor the head of a stream"


def test_an_empty_file_is_no_execution() -> None:
    report = verify_file([])
    assert (report.in_order, report.events) == (False, 0)
    assert located(report) == [("", None)]


async def test_what_stands_in_a_stream_without_an_end_is_exported_as_it_stands() -> None:
    stage, _ = await a_stage()
    stored = await MemoryLedger(stage.store).stored(STREAM)
    lines = as_lines(stored._replace(end=None))
    assert len(lines) == len(stored.rows)


@pytest.fixture(scope="module")
def exported() -> tuple[str, ...]:
    """Export an execution, once for all examples."""

    async def export() -> tuple[str, ...]:
        stage, _ = await a_stage()
        return await audit(stage).export("plan-1")

    return anyio.run(export)


@given(where=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_byte_of_a_file_that_was_changed_is_found_or_changes_nothing(
    exported: tuple[str, ...], where: int, bit: int
) -> None:
    content = bytearray("\n".join(exported).encode())
    content[where % len(content)] ^= 1 << bit
    forged = bytes(content).decode(errors="backslashreplace").split("\n")
    assert verify_file(forged).in_order == (from_lines(forged) == from_lines(exported))
