"""The board follows the events of an execution."""

from __future__ import annotations

from decimal import Decimal

import pytest

from planfill.adapters.cli.board import Board, Row
from planfill.domain import events as ev
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.report import OrderStatus
from planfill.domain.values import ZERO_USD, ClientOrderId
from planfill.testing.builders import (
    a_plan,
    a_policy,
    a_report,
    an_item,
    an_order,
    an_order_recorded,
    numbered,
    started,
)
from planfill.testing.events import a_result
from planfill.testing.listener import EventListenerContract, a_stream

PLAN = a_plan(an_item("SPY"), an_item("QQQ", "SELL", "-500"), an_item("IWM", "HOLD", 0))
ORDER = ClientOrderId("pf-SPY-1")


class TestBoard(EventListenerContract):
    @pytest.fixture
    def listener(self) -> Board:
        return Board()

    @pytest.mark.parametrize("told", a_stream(), ids=lambda told: told.event.kind)
    async def test_an_event_of_a_line_that_nobody_planned_changes_nothing(self, told: ev.Recorded) -> None:
        board = Board()
        await board.on_event(told)
        assert board.rows == {}


class Ended(list[tuple[str, str, str]]):
    def __call__(self, row: Row) -> None:
        self.append((row.symbol, row.state, row.detail))


async def a_board(*events: ev.Event, ended: Ended | None = None) -> Board:
    board = Board(ended)
    board.begin(PLAN)
    for recorded in numbered(started(PLAN), *events):
        await board.on_event(recorded)
    return board


async def a_board_after(board: Board, event: ev.Event) -> None:
    for recorded in numbered(event):
        await board.on_event(recorded)


async def state(*events: ev.Event) -> tuple[str, str]:
    row = (await a_board(an_order_recorded(), *events)).rows["SPY"]
    return row.state, row.detail


def figures(row: Row) -> tuple[object, ...]:
    return row.filled_quantity, row.filled_usd, row.average_price


def reported(status: OrderStatus, **fields: object) -> ev.Event:
    return ev.OrderReported(report=a_report(an_order(), status, **fields))  # type: ignore[arg-type]


async def test_a_line_goes_from_waiting_to_filled() -> None:
    board = await a_board()
    row = board.rows["SPY"]
    states = [row.state]
    for event in (
        an_order_recorded(),
        reported(OrderStatus.NEW, filled=0),
        reported(OrderStatus.FILLED),
    ):
        (recorded,) = numbered(event)
        await board.on_event(recorded)
        states.append(row.state)
    assert states == ["waiting", "sending", "working", "FILLED"]
    assert figures(row) == (10, 1000, 100)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (reported(OrderStatus.CANCELED, filled=0), ("CANCELED", "")),
        (reported(OrderStatus.DONE_FOR_DAY, filled=0), ("EXPIRED", "")),
        (reported(OrderStatus.PENDING_CANCEL, filled=0), ("canceling", "")),
        (reported(OrderStatus.UNKNOWN, filled=0), ("working", "")),
        (reported(OrderStatus.FILLED, price=None), ("filled, price awaited", "")),
        (ev.LineClosed(symbol="SPY", reason=Reason.NO_PRICE), ("NOT SENT", "NO_PRICE")),
        (
            ev.OrderRefused(client_order_id=ORDER, reason=Reason.REJECTED, detail=""),
            ("REJECTED", "REJECTED"),
        ),
        (ev.OrderNotSent(client_order_id=ORDER, reason=Reason.HALTED), ("NOT SENT", "HALTED")),
        (
            ev.OrderDoubted(client_order_id=ORDER, reason=Reason.OUTCOME_UNKNOWN, detail="504"),
            ("in doubt", "OUTCOME_UNKNOWN"),
        ),
        (
            ev.OrderUnresolved(client_order_id=ORDER, reason=Reason.OUTCOME_UNKNOWN, detail="504"),
            ("UNRESOLVED", "OUTCOME_UNKNOWN"),
        ),
        (ev.CancelRequested(client_order_id=ORDER, reason=Reason.DEADLINE), ("canceling", "DEADLINE")),
        (
            ev.OrderResolved(client_order_id=ORDER, by="me", evidence="e", report=a_report()),
            ("FILLED", ""),
        ),
        (
            ev.OrderResolved(client_order_id=ORDER, by="me", evidence="e", report=None),
            ("NOT SENT", ""),
        ),
    ],
    ids=[
        "canceled", "done for the day", "cancel pending", "unknown", "not priced", "closed", "refused",
        "not sent", "doubted", "unresolved", "cancel requested", "resolved", "never placed",
    ],
)  # fmt: skip
async def test_a_line_shows_what_has_happened_to_it(event: ev.Event, expected: tuple[str, str]) -> None:
    assert await state(event) == expected


async def test_each_line_is_told_once_when_it_ends_and_holds_at_the_beginning() -> None:
    ended = Ended()
    filled = reported(OrderStatus.FILLED)
    await a_board(an_order_recorded(), reported(OrderStatus.NEW, filled=0), filled, filled, ended=ended)
    assert ended == [("IWM", "HOLD", ""), ("SPY", "FILLED", "")]


async def test_the_board_counts_lines_and_dollars() -> None:
    board = await a_board(an_order_recorded(), reported(OrderStatus.FILLED))
    assert board.account == "mock:paper:1"
    assert board.total(Action.BUY) == (1, 1)
    assert board.total(Action.SELL) == (0, 1)
    assert board.sums() == (Decimal(1000), Decimal(1500))


@pytest.mark.parametrize(
    ("event", "phase"),
    [
        (an_order_recorded(an_order("QQQ", side=Side.SELL)), "sells"),
        (an_order_recorded(), "buys"),
        (ev.FundsAllotted(cash_usd=ZERO_USD, budget_usd=ZERO_USD, allotted={}), "funds"),
        (ev.ExecutionSuspended(result=a_result()), "done"),
        (ev.ExecutionResumed(holder="me"), "checks"),
    ],
)
async def test_the_board_says_what_the_run_is_at(event: ev.Event, phase: str) -> None:
    board = await a_board()
    assert board.phase == "checks"
    await a_board_after(board, event)
    assert board.phase == phase


async def test_what_several_orders_of_a_line_fill_adds_up() -> None:
    second = an_order(client_order_id="pf-SPY-2")
    board = await a_board(
        an_order_recorded(),
        reported(OrderStatus.CANCELED, filled=4, price=100),
        an_order_recorded(second),
        ev.OrderReported(report=a_report(second, filled=6, price=110)),
    )
    row = board.rows["SPY"]
    assert figures(row) == (10, 1060, 106)


async def test_a_line_with_one_order_not_priced_yet_has_no_price() -> None:
    second = an_order(client_order_id="pf-SPY-2")
    board = await a_board(
        reported(OrderStatus.CANCELED, filled=4, price=None),
        ev.OrderReported(report=a_report(second, filled=6)),
    )
    assert board.rows["SPY"].average_price is None


async def test_a_stop_is_shown_with_its_reason() -> None:
    board = await a_board(ev.StopRequested(reason=Reason.BREAKER, detail="6 of 6 failed"))
    assert board.stopping == "6 of 6 failed"


async def test_a_resumed_execution_is_shown_from_where_it_stood() -> None:
    board = Board()
    result = a_result()
    board.go_on(result)
    row = board.rows["SPY"]
    assert board.account == result.account
    assert figures(row) == (1, 400, 400)
    assert row.state == "waiting"
    name = result.lines[0].client_order_id
    assert name is not None
    doubted = ev.OrderDoubted(client_order_id=name, reason=Reason.OUTCOME_UNKNOWN, detail="504")
    filled = a_report(an_order(client_order_id=name), filled="2.5", price=400)
    for recorded in numbered(doubted, ev.OrderReported(report=filled)):
        await board.on_event(recorded)
    assert (row.state, row.filled_usd) == ("FILLED", Decimal(1000))


async def test_a_line_without_an_order_is_resumed_too() -> None:
    board = Board()
    result = a_result()
    line = {**dict(result.lines[0]), "client_order_id": None}
    board.go_on(type(result).model_validate({**dict(result), "lines": (line,), "account": None}))
    assert board.rows["SPY"].fills == {}


async def test_a_step_of_a_walk_that_is_canceled_does_not_end_its_line() -> None:
    ended, plan = Ended(), a_plan(an_item("SPY"), execution_urgency="LOW")
    board = Board(ended)
    board.begin(plan)
    policy = a_policy(urgency={"LOW": "walk"}, walk_steps=2, walk_end="leave")
    last = an_order(quantity=7, client_order_id="pf-SPY-2")
    events: list[ev.Event] = [
        an_order_recorded(),
        ev.CancelRequested(client_order_id=ORDER, reason=Reason.DEADLINE),
        reported(OrderStatus.PENDING_CANCEL, filled=3),
        reported(OrderStatus.CANCELED, filled=3),
    ]
    for recorded in numbered(started(plan, policy=policy), *events):
        await board.on_event(recorded)
    assert (board.rows["SPY"].state, ended) == ("next step", [])
    second = an_order_recorded(last).model_dump() | {"attempt": 2}
    events = [
        ev.OrderRecorded.model_validate(second),
        ev.CancelRequested(client_order_id=last.client_order_id, reason=Reason.DEADLINE),
        ev.OrderReported(report=a_report(last, OrderStatus.CANCELED, 1)),
    ]
    for recorded in numbered(*events, after=5):
        await board.on_event(recorded)
    assert ended == [("SPY", "CANCELED", "")]
    assert board.rows["SPY"].filled_quantity == 4
