"""``planfill watch --serve`` through a storm of faults: what is scraped is what stands in the ledger."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from program import Program
from recounting import Samples, recounted, scrape
from stage import Crash, Stage, a_plan, buy, hold, sell

from planfill.adapters.brokers.mock.faults import Fail, FillOnly, LoseAnswer, NeverFill, Refuse, RejectLate
from planfill.adapters.brokers.mock.script import On
from planfill.adapters.brokers.wrappers.counting import counted
from planfill.adapters.cli import watching
from planfill.adapters.ledgers.sql import SqlLedger
from planfill.application.metering import LOG
from planfill.application.ports.listener import EventListener
from planfill.application.stopping import StopSignal
from planfill.domain.events import Event
from planfill.domain.outcome import LineOutcome
from planfill.domain.reading import read_plan
from planfill.domain.values import Quantity

LINES = (
    sell("SPY", "4000"),
    *(buy(symbol, "1000") for symbol in ("QQQ", "IWM", "GLD", "TLT")),
    buy("XOM", "0.5"),
    hold("EFA"),
)
FAULTS = (
    (),
    (On("place_order", Refuse(), symbol="QQQ"), On("place_order", NeverFill(), symbol="IWM")),
    (
        On("place_order", LoseAnswer(), symbol="QQQ"),
        On("place_order", FillOnly(Quantity(Decimal(2))), symbol="GLD"),
        On("place_order", Fail(), symbol="SPY", nth=1),
        On("place_order", RejectLate(), symbol="TLT"),
    ),
)
SILENT = tuple(On(name, Fail(), times=10**6) for name in ("place_order", "get_order_status", "cancel_order"))
IN_DOUBT = (On("list_orders", Fail(), nth=2, times=10**6), *SILENT)


class Log(EventListener):
    name = LOG

    async def on_event(self, recorded: object) -> None:
        pass


class Dying(SqlLedger):
    """Makes so many commits, and then its process is gone."""

    commits = 2

    async def append(self, stream: str, events: Sequence[Event], **rest: Any) -> Any:
        recorded = await super().append(stream, events, **rest)
        self.commits -= 1
        if not self.commits:
            raise Crash
        return recorded


class Storm:
    """Executes plans over the ledger in a file, one at each call, until all are through."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'planfill.db'}"
        self.stage = Stage(settings={"holdings": {"SPY": "200"}, "partial_fills": 1, "fill_delay_s": 0.2})
        self.stage.listeners = (Log(),)
        self.stage.brokerage = counted(self.stage.brokerage)
        self._plans = [*((faults, f"plan-{n}", SqlLedger) for n, faults in enumerate(FAULTS))]
        self._plans += [((), "killed", Dying), ((), "killed", SqlLedger)]
        # In doubt, and then the broker tells.
        self._plans += [(IN_DOUBT, "doubted", SqlLedger), ((), "doubted", SqlLedger)]
        self._plans += [(IN_DOUBT, "left", SqlLedger), ((), "refused", SqlLedger)]

    def __call__(self) -> bool:
        """Execute the next one; tell whether there was one."""
        if self._plans:
            asyncio.run(self._execute(*self._plans.pop(0)))
            return True
        return False

    async def _execute(self, faults: Sequence[On], plan_id: str, kind: type[SqlLedger]) -> None:
        stage, ledger = self.stage, kind(self.url)
        stage.ledger = stage.cursors = ledger
        stage.script.clear()
        stage.script.add(*faults)
        try:
            await stage.use_case(read_plan(a_plan(*LINES, plan_id=plan_id)), StopSignal())
        except (Crash, BaseExceptionGroup):
            assert kind is Dying
        finally:
            await ledger.aclose()


def test_every_number_in_a_storm_of_faults_and_restarts_is_what_the_ledger_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planfill, storm = Program(tmp_path, monkeypatch, capsys), Storm(tmp_path)
    storm()
    pairs = list[tuple[Samples, Samples]]()
    url = ""

    class Pause(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            nonlocal url
            url = url or capsys.readouterr().err.split("metrics are at ")[1].split(";")[0]
            pairs.append((scrape(url), recounted(tmp_path / "planfill.db")))
            if not storm():
                raise KeyboardInterrupt
            return timeout is None

    monkeypatch.setattr(watching, "Event", Pause)
    watched = planfill("watch", "--serve", "0")
    assert watched.code == 0, watched.err
    for scraped, expected in pairs:
        assert scraped == pytest.approx(expected)
    every = {key for scraped, _ in pairs for key, value in scraped.items() if value}
    outcomes = {labels for name, labels in every if name == "lines"}
    assert {outcome for outcome, _ in outcomes} == set(LineOutcome)
    assert {labels[0] for name, labels in every if name == "executions"} >= {
        "UNFINISHED",
        "IN_DOUBT",
        "REFUSED",
    }
    assert {name for name, _ in every} >= {
        "orders_without_id",
        "orders_unresolved",
        "phase_seconds",
        "orders_resent",
    }
    statuses = {labels for name, labels in every if name == "broker_calls"}
    assert {("place_order", "ok"), ("place_order", "OrderRejected"), ("list_orders", "ok")} <= statuses
    with pytest.raises(OSError, match="refused"):
        scrape(url)


@pytest.mark.parametrize("more", ["--once", "plan-1"])
def test_what_ends_by_itself_serves_nothing(
    more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Program(tmp_path, monkeypatch, capsys)("watch", more, "--serve", "0")
    assert (watched.code, watched.out) == (2, "")
    assert "--serve goes on until Ctrl-C: neither with --once nor with a plan" in watched.err
