"""The tutorial, followed by somebody who does just what it says: what it shows is what is printed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from alpaca_server import AlpacaServer, Market
from program import Program
from transcript import Typed, differs, follow, steps

ROOT: Final = Path(__file__).resolve().parents[2]
TUTORIAL: Final = ROOT / "docs" / "tutorial"
SHOWN: Final = "first on mock, 2026-11-26 09:10:17 UTC\nBUY SPY  5.00\n...\n0.08 s\n"


class Terminal:
    """Types commands, one after the other; those of Planfill in this process."""

    def __init__(self, planfill: Program) -> None:
        self._planfill = planfill
        self._exited = 0

    def __call__(self, command: str) -> str:
        """Give what was printed; on stderr, where there was nothing else."""
        first, *arguments = shlex.split(command)
        if first == "planfill":
            ended = self._planfill(*arguments)
            self._exited = ended.code
            return ended.out or ended.err
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ran = subprocess.run(
            ["/bin/bash", "-c", command.replace("$?", str(self._exited))],
            capture_output=True,
            check=True,
            cwd=self._planfill.folder,
            env=os.environ | {"PATH": path},
            text=True,
        )
        return ran.stdout


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    planfill = Program(tmp_path, monkeypatch, capsys)
    monkeypatch.delenv("PLANFILL_MOCK__PRICES")
    (tmp_path / "prices.json").unlink()
    monkeypatch.setenv("COLUMNS", "100")
    return planfill


def test_the_first_plan_prints_what_it_shows(planfill: Program) -> None:
    page = (TUTORIAL / "first-plan.md").read_text(encoding="utf-8")
    assert list(follow(page, planfill.folder, Terminal(planfill))) == []
    commands = [step.command for step in steps(page) if isinstance(step, Typed)]
    assert commands.count("planfill execute plan.json") == 2
    assert {path.name for path in planfill.folder.glob("*.json")} == {
        "plan.json",
        "second.json",
        "third.json",
    }


def test_paper_prints_what_it_shows_at_the_local_alpaca(
    planfill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (TUTORIAL / "paper.md").read_text(encoding="utf-8")
    prices = {"SPY": "400", "QQQ": "300"}
    with AlpacaServer(
        Market({"prices": prices, "book": ":memory:", "cash": "100000", "holdings": {}})
    ) as server:
        for name, value in server.environment().items():
            # Which broker it is says the page.
            if name != "PLANFILL_BROKER__ADAPTER":
                monkeypatch.setenv(name, value)
        assert list(follow(page, planfill.folder, Terminal(planfill))) == []
    assert "execute sell-on-paper.json" in page


@pytest.mark.parametrize(
    "printed",
    [
        "first on mock, 2027-01-02 10:11:12 UTC\nBUY SPY 5.00\nany\nthing\n1.23 s\n",
        "BUY  SPY    5.00  FILLED  1 at 5\nfirst on mock, 2027-01-02 10:11:12 UTC\nBUY SPY 5.00\n\n1.23 s\n",
    ],
)
def test_times_and_durations_and_the_progress_may_differ(printed: str) -> None:
    assert not differs(printed, SHOWN)


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "first on mock, 2027-01-02 10:11:12 UTC\nBUY SPY 5.01\nany\n1.23 s\n",
        "first on mock, yesterday UTC\nBUY SPY 5.00\nany\n1.23 s\n",
        "first on mock, 2027-01-02 10:11:12 UTC\nBUY SPY 5.00\nany\n1.23 s\nmore\n",
    ],
)
def test_anything_else_may_not(printed: str) -> None:
    assert differs(printed, SHOWN)


def test_a_command_that_prints_something_else_is_told(tmp_path: Path) -> None:
    page = '```json title="a.json"\n{}\n```\n\n```console\n$ one\n1\n$ two\n2\n```\n\n```sh\nthree\n```\n'
    assert list(follow(page, tmp_path, {"one": "1\n", "two": "3\n"}.__getitem__)) == ["$ two\n3\n"]
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "{}\n"
