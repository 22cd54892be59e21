"""Following an execution in the ledger, while somebody else drives it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from planfill.adapters.cli.board import Board
from planfill.adapters.cli.following import Follower, usual_s
from planfill.adapters.cli.printing import Printer
from planfill.application.facade import ExecutionFacade
from planfill.application.ports.ledger import ExecutionSummary
from planfill.domain import events as ev
from planfill.domain.identity import ExecutionKey
from planfill.testing.builders import a_plan, an_item, an_order_recorded, numbered, started
from planfill.testing.clock import START
from planfill.testing.events import ACCOUNT, a_result

if TYPE_CHECKING:
    from planfill.domain.result import ExecutionResult

PLAN = a_plan(an_item("SPY"))
ENDED = ev.ExecutionCompleted(result=a_result())


class Driven(ExecutionFacade):
    """Stands in for a façade whose ledger somebody else writes to: a batch of events a look."""

    def __init__(self, *looks: tuple[ev.Event, ...], took_s: tuple[float, ...] = ()) -> None:
        self._looks = [tuple(numbered(*events)) for events in looks]
        self._took_s = took_s

    def events(self, plan_id: str, after: int = 0, *, wait_s: float = 0) -> tuple[ev.Recorded, ...]:
        assert (plan_id, wait_s) == ("plan-1", 1 if after else 0)
        return self._looks.pop(0)

    def executions(self, *, unfinished: bool = False) -> tuple[ExecutionSummary, ...]:
        assert not unfinished
        return tuple(
            ExecutionSummary(ExecutionKey(account=ACCOUNT, plan_id=str(n)), START, finished=True)
            for n, _ in enumerate(self._took_s)
        )

    def result(self, plan_id: str) -> ExecutionResult:
        took = self._took_s[int(plan_id)]
        sent = {"finished_at": START + timedelta(seconds=took), "started_at": START}
        return a_result().model_copy(update={**sent, "orders_placed": 1 if took else 0})


def follow(driven: Driven, late_s: float = 0) -> Board:
    board = Board()
    at = START + timedelta(seconds=late_s)
    Follower(driven, board, Printer(str, as_json=True), options=" --config x", now=lambda: at)("plan-1")
    return board


def test_an_execution_is_followed_until_its_run_ends() -> None:
    driven = Driven((started(PLAN), an_order_recorded()), (), (ENDED,))
    board = follow(driven)
    assert (board.phase, board.rows["SPY"].state) == ("done", "sending")


def test_a_new_attempt_begins_with_the_plan_anew() -> None:
    refused = ev.ExecutionRefused(result=a_result())
    board = follow(Driven((started(PLAN), refused, started(PLAN)), (an_order_recorded(), ENDED)))
    assert board.rows["SPY"].state == "sending"


@pytest.mark.parametrize(("late_s", "told"), [(29, 0), (31, 1)])
def test_of_a_long_silence_is_told_once_with_the_command_that_helps(
    late_s: float, told: int, capsys: pytest.CaptureFixture[str]
) -> None:
    follow(Driven((started(PLAN),), (), (), (ENDED,)), late_s)
    said = capsys.readouterr().err
    assert said.count("if its process is gone, planfill resume plan-1 --config x") == told


def test_what_executions_usually_take_is_the_median_of_the_last_that_sent_anything() -> None:
    assert usual_s(Driven()) is None
    assert usual_s(Driven(took_s=(0, 0))) is None
    assert usual_s(Driven(took_s=(900, 1, 0, 9, 2, 3))) == 2.5
