"""An execution while it runs, as a picture and as plain lines."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from planfill.adapters.cli.board import Board
from planfill.adapters.cli.live import LivePicture, PlainLines, Times
from planfill.adapters.cli.printing import Printer
from planfill.domain import events as ev
from planfill.domain.outcome import Reason
from planfill.domain.plan import Plan
from planfill.domain.report import OrderStatus
from planfill.testing.builders import (
    a_plan,
    a_report,
    an_item,
    an_order,
    an_order_recorded,
    numbered,
    started,
)

PLAN = a_plan(
    an_item("SPY", trade_amount="131358.76"), an_item("QQQ", "SELL", "-500"), an_item("IWM", "HOLD", 0)
)
NO_PRICE = ev.LineClosed(symbol="QQQ", reason=Reason.NO_PRICE)


async def a_board(*events: ev.Event, plan: Plan = PLAN) -> Board:
    board = Board()
    board.begin(plan)
    for recorded in numbered(started(plan), *events):
        await board.on_event(recorded)
    return board


def drawn(board: Board, width: int = 80, height: int = 24, times: Times | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(LivePicture(board, console, "plan-1", times or Times(), lambda: 0).draw())
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


async def test_the_picture_shows_the_whole_and_each_line() -> None:
    report = a_report(an_order(), OrderStatus.PARTIALLY_FILLED, filled=4, price="100.5")
    board = await a_board(an_order_recorded(), ev.OrderReported(report=report), NO_PRICE)
    assert drawn(board) == [
        "plan-1 on mock:paper:1",
        "SELL 1 of 1  BUY 0 of 1  $402.00 of $131,858.76",
        "━━━━━━╸        1 of 2  0.0 s  checks > sells > funds > buys",
        "BUY   SPY  131,358.76  working  4 at 100.50",
        "SELL  QQQ      500.00  NOT SENT  NO PRICE",
        "HOLD  IWM        0.00  HOLD",
        "",
    ]


async def test_the_picture_says_that_it_is_stopping() -> None:
    board = await a_board(ev.StopRequested(reason=Reason.INTERRUPTED, detail="interrupted"))
    assert drawn(board)[0] == "stopping: interrupted  plan-1 on mock:paper:1"


async def test_of_a_long_plan_the_lines_that_move_are_shown_and_the_rest_counted() -> None:
    plan = a_plan(*(an_item(f"S{i:02}") for i in range(50)))
    moving = an_order("S40")
    board = await a_board(
        ev.LineClosed(symbol="S00", reason=Reason.NO_PRICE), an_order_recorded(moving), plan=plan
    )
    lines = drawn(board, height=12)
    assert len(lines) == 10
    assert any("S40" in line and "sending" in line for line in lines)
    assert not any("S00" in line for line in lines)
    assert lines[-1] == "and 44 more lines"


async def test_the_picture_says_how_long_it_has_run_and_how_long_one_usually_takes() -> None:
    lines = drawn(await a_board(), times=Times(so_far_s=12.3, usual_s=0.64))
    assert "0 of 2  12.3 s, usually 0.6 s  checks > " in lines[2]


async def test_in_a_tiny_terminal_something_is_shown() -> None:
    assert len(drawn(await a_board(), width=20, height=3)) >= 3


async def test_a_plain_line_says_action_symbol_dollars_and_outcome(
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = Board(PlainLines(Printer(str, as_json=False)))
    board.begin(PLAN)
    report = ev.OrderReported(report=a_report(an_order(quantity="12.5"), price="100.1234"))
    for recorded in numbered(started(PLAN), NO_PRICE, an_order_recorded(), report):
        await board.on_event(recorded)
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "HOLD IWM              0.00  HOLD",
        "SELL QQQ            500.00  NOT SENT  NO PRICE",
        "BUY  SPY        131,358.76  FILLED  12.5 at 100.1234",
    ]
