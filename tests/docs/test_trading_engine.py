"""The trading engine of the examples: a year on real prices, checked from the broker's own book."""

from __future__ import annotations

import asyncio
import json
import re
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final, Self
from xml.etree import ElementTree as ET

import pytest

from planfill import ExecutionManager
from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.clock import SystemClock
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.report import Fill
from planfill.domain.result import ExecutionResult, ExecutionStatus
from trading_engine import engine, report
from trading_engine.engine import EngineStopped, Month, rebalance
from trading_engine.portfolio import Portfolio

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
PLANS: Final = DOCS / "examples" / "plans"
README: Final = (DOCS / "examples" / "trading_engine" / "README.md").read_text(encoding="utf-8")
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
CENT: Final = Decimal("0.01")
START: Final = 1_000_000


def test_a_year_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main, market, weigh = the_engine()
    months = list(rebalance(market, market.month_ends(2021), weigh))
    check_the_plans(months)
    check_the_books(months)
    check_the_figures(months)
    # The same folder again: every plan gives its recorded result, and what is printed is what README shows.
    before = the_book()
    assert main() == 0
    assert the_book() == before
    (shown,) = re.findall(r"^```text\n\$ make engine\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert capsys.readouterr().out == shown
    check_the_chart(months, market)


def the_engine() -> tuple[Any, Any, Any]:
    """Import what stands on skfolio, here alone: it takes seconds."""
    pytest.importorskip("skfolio", reason="skfolio is not there: make .venv/examples")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trading_engine.__main__ import main  # noqa: PLC0415
        from trading_engine.market import Market  # noqa: PLC0415
        from trading_engine.weights import target_weights  # noqa: PLC0415
    return main, Market(), target_weights


def check_the_plans(months: Sequence[Month]) -> None:
    """The weights are those of the plans that we ship, and every plan was executed to the letter."""
    assert len(months) == 12
    for month in months:
        ours = json.loads(Path(f"{month.day}.plan.json").read_text(encoding="utf-8"))
        shipped = json.loads((PLANS / f"{month.day}.plan.json").read_text(encoding="utf-8"))
        weights, expected = weights_of(ours), weights_of(shipped)
        assert weights.keys() == expected.keys()
        assert all(abs(weights[symbol] - expected[symbol]) <= Decimal("0.000002") for symbol in weights)
        assert month.result.status is ExecutionStatus.SUCCEEDED
        assert month.prices == closes(month.day)


def weights_of(plan: Mapping[str, Any]) -> dict[str, Decimal]:
    return {line["symbol"]: Decimal(line["target_weight"]) for line in plan["items"]}


def check_the_books(months: Sequence[Month]) -> None:
    """What the engine has booked is what the broker has, and every cent of cash has its fill."""
    shares, cash, fills = the_book()
    last = months[-1].after
    assert last.shares == shares
    assert last.cash.quantize(CENT, ROUND_FLOOR) == cash
    moved = sum((signed(fill) * fill.price + fees(fill) for fill in fills), Decimal(0))
    assert sum(map(fees, fills)) > 0
    assert (START - moved).quantize(CENT, ROUND_FLOOR) == cash
    assert all(one.after == other.before for one, other in pairwise(months))


def check_the_figures(months: Sequence[Month]) -> None:
    """Growth and cost are what fills and closes say, without the engine and without Planfill's results."""
    _, _, fills = the_book()
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    cash, cost, last = Decimal(START), Decimal(0), months[-1].day
    upcoming = iter(fills)
    for month in months:
        for fill in (next(upcoming) for _ in range(month.result.orders_filled)):
            held[fill.symbol] += signed(fill)
            cash -= signed(fill) * fill.price + fees(fill)
            cost += signed(fill) * (fill.price - closes(month.day)[fill.symbol]) + fees(fill)
    assert next(upcoming, None) is None
    value = cash + sum((quantity * closes(last)[symbol] for symbol, quantity in held.items()), Decimal(0))
    assert abs(report.growth(months) - (value / START - 1)) < Decimal("0.0000001")
    told = sum((month.result.shortfall_usd for month in months), Decimal(0))
    assert abs(told - cost) <= CENT * len(months)
    for month in months:
        lost = month.before.value(month.prices) - month.after.value(month.prices)
        assert abs(lost - month.result.shortfall_usd) <= CENT


def check_the_chart(months: Sequence[Month], market: Any) -> None:
    from trading_engine import chart  # noqa: PLC0415 - stands on what the_engine imports

    text = Path("growth.svg").read_text(encoding="utf-8")
    assert (DOCS / "examples" / "trading_engine" / "growth.svg").read_text(encoding="utf-8") == text
    drawing = ET.fromstring(text)  # noqa: S314 - our own
    tags = [element.tag.rpartition("}")[2] for element in drawing.iter()]
    assert tags.count("circle") == len(months)
    values = dict(chart.daily_values(market, months))
    assert list(values) == market.days(date(2021, 1, 29), date(2021, 12, 31))
    assert values[months[-1].day] == float(months[-1].after.value(months[-1].prices))
    (line,) = (element for element in drawing.iter() if element.tag.endswith("polyline"))
    assert len(line.attrib["points"].split()) == len(values)


def closes(day: date) -> dict[str, Decimal]:
    text = (PLANS / f"{day}.prices.json").read_text(encoding="utf-8")
    return {symbol: Decimal(price) for symbol, price in json.loads(text)["last"].items()}


def signed(fill: Fill) -> Decimal:
    return fill.quantity if fill.side is Side.BUY else -fill.quantity


def fees(fill: Fill) -> Decimal:
    assert fill.fees_usd is not None
    return fill.fees_usd


def the_book() -> tuple[dict[str, Decimal], Decimal, list[Fill]]:
    """Read shares, cash to the cent and fills from the broker's own book in the current folder."""
    prices = json.loads(Path("prices.json").read_text(encoding="utf-8"))["last"]
    broker = MockBroker(MockSettings.model_validate({"prices": prices}), SystemClock())

    async def read() -> tuple[dict[str, Decimal], Decimal, list[Fill]]:
        shares = await broker.get_positions(list(prices))
        return dict(shares), (await broker.get_account()).cash_usd, list(await broker.list_fills(LONG_AGO))

    return asyncio.run(read())


class TwoStocks:
    """A market of two stocks whose prices stand still."""

    def prices(self, _day: date) -> dict[str, Decimal]:
        return {"SPY": Decimal(400), "QQQ": Decimal(300)}


def in_halves(_market: object, _day: date) -> dict[str, Decimal]:
    return {"SPY": Decimal("0.5"), "QQQ": Decimal("0.49")}


DAYS: Final = (date(2021, 1, 29), date(2021, 2, 26))


def two_months() -> list[Month]:
    market: Any = TwoStocks()
    return list(rebalance(market, DAYS, in_halves))


def test_what_cannot_be_traded_is_explained_and_not_booked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANFILL_MOCK__NOT_TRADABLE", '["QQQ"]')
    months = two_months()
    assert report.line(months[0]).endswith("  PARTIAL: QQQ BLOCKED NOT_TRADABLE")
    shares, cash, _ = the_book()
    assert months[-1].after.shares == shares
    assert list(shares) == ["SPY"]
    assert months[-1].after.cash.quantize(CENT, ROUND_FLOOR) == cash


def test_a_halt_stops_the_engine_and_once_it_is_lifted_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("prices.json").write_text('{"last": {"SPY": "400"}}', encoding="utf-8")
    with ExecutionManager.from_settings(engine.SETTINGS) as execution:
        execution.halt("not today")
        with pytest.raises(EngineStopped, match=r"momentum-hrp-2021-01-29 is REFUSED: .*not today"):
            two_months()
        execution.unhalt("it is tomorrow")
    assert [month.result.success for month in two_months()] == [True, True]


class Halting:
    """Gives the result of a plan that was halted on its way, at a time of its own."""

    result: ClassVar[ExecutionResult]

    @classmethod
    def from_settings(cls, file: Path) -> Self:
        assert file == engine.SETTINGS
        return cls()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute_rebalance_plan(self, plan: Mapping[str, Any]) -> ExecutionResult:
        assert plan["items"]
        return self.result


def test_a_plan_that_was_halted_stops_the_engine_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (month, *_) = two_months()
    monkeypatch.setattr(engine, "ExecutionManager", Halting)
    for age, stops in ((timedelta(0), True), (timedelta(days=1), False)):
        then = datetime.now(UTC) + timedelta(minutes=1) - age
        fields = {"status": ExecutionStatus.HALTED, "success": False, "finished_at": then}
        Halting.result = ExecutionResult.model_validate({**dict(month.result), **fields})
        if stops:
            with pytest.raises(EngineStopped, match="HALTED"):
                two_months()
        else:
            assert len(two_months()) == 2


def test_what_is_not_filled_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANFILL_MOCK__NOT_TRADABLE", '["QQQ", "SPY"]')
    (month, _) = two_months()
    assert month.result.status is ExecutionStatus.FAILED
    assert {line.reason for line in month.result.orders} == {Reason.NOT_TRADABLE}
    assert month.after == Portfolio(Decimal(START), {})
