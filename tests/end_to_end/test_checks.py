"""Every check before sending, tripped through the façade by its own setting: nothing is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stage import a_plan, buy, sell

from planfill import ExecutionManager
from planfill.adapters.clock import SystemClock
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionResult
from planfill.testing.builders import an_order

PRICES = {"SPY": "400", "QQQ": "300", "GLD": "170"}


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def configured(monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]) -> ExecutionManager:
    """Make the façade over a mock broker that holds 10 GLD; settings as ``execution__poll_s``."""
    Path("prices.json").write_text(json.dumps({"last": PRICES}))
    book: dict[str, object] = {
        "mock__prices": "prices.json",
        "mock__cash": "10000",
        "mock__holdings": '{"GLD": "10"}',
    }
    for name, value in (book | settings).items():
        monkeypatch.setenv(f"PLANFILL_{name.upper()}", str(value))
    return ExecutionManager.from_settings()


def executed(
    monkeypatch: pytest.MonkeyPatch, plan: dict[str, Any], **settings: object
) -> tuple[ExecutionResult, list[str]]:
    """Execute a plan, and give the symbols of the orders that were sent."""
    with configured(monkeypatch, settings) as execution:
        result = execution.execute_rebalance_plan(plan)
    log = [json.loads(line) for line in Path("planfill.log").read_text(encoding="utf-8").splitlines()]
    return result, [line["symbol"] for line in log if line["event"] == "order_recorded"]


@pytest.mark.parametrize(
    ("settings", "line", "reason"),
    [
        ({"mock__not_tradable": '["SPY"]'}, buy("SPY", "800"), Reason.NOT_TRADABLE),
        ({"mock__not_fractionable": '["SPY"]'}, buy("SPY", "300"), Reason.ROUNDS_TO_ZERO),
        ({}, buy("SPY", "1.00", reference_price="400"), Reason.TOO_SMALL),
        ({}, sell("SPY", "800"), Reason.NOT_HELD),
        ({"limits__max_order_shares": "1"}, buy("SPY", "800"), Reason.LIMIT),
        ({"mock__spread_bps": "300"}, buy("SPY", "800"), Reason.WIDE_SPREAD),
        ({}, buy("SPY", "800", reference_price="200"), Reason.PRICE_DEVIATION),
        ({}, buy("SPY", "800", quantity="4"), Reason.QUANTITY_MISMATCH),
        ({"prices__second": "file", "prices__file": "other.csv"}, buy("SPY", "800"), Reason.SOURCE_DEVIATION),
        ({"prices__sources": '["file"]', "prices__file": "old.csv"}, buy("SPY", "800"), Reason.STALE_PRICE),
    ],
)
def test_a_line_that_breaks_a_rule_is_closed_and_nothing_is_sent_for_it(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], line: dict[str, Any], reason: Reason
) -> None:
    Path("other.csv").write_text("symbol,price\nSPY,390\nQQQ,300\n")
    stale = datetime.now(UTC) - timedelta(hours=1)
    Path("old.csv").write_text(json.dumps({"as_of": stale.isoformat(), "last": PRICES}))
    result, sent = executed(monkeypatch, a_plan(line), **settings)
    (told,) = result.lines
    assert (told.reason, sent) == (reason, list[str]())
    assert told.filled_usd == 0
    assert told.outcome in {LineOutcome.BLOCKED, LineOutcome.SKIPPED}
    log = Path("planfill.log").read_text(encoding="utf-8")
    assert f"rules would be broken: SPY {reason}" in log


def test_the_same_is_listed_in_the_preview_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, object] = {
        "mock__not_tradable": '["SPY"]',
        "limits__max_order_shares": "1",
        "mock__market_open": "false",
    }
    with configured(monkeypatch, settings) as execution:
        broken = execution.preview(a_plan(buy("SPY", "100"), buy("QQQ", "900"), buy("GLD", "100"))).broken
    assert [(one.symbol, one.rule) for one in broken] == [
        ("", Reason.MARKET_CLOSED),
        ("SPY", Reason.NOT_TRADABLE),
        ("QQQ", Reason.LIMIT),
    ]
    assert all(one.remedy for one in broken)


def test_an_order_large_for_what_is_shown_is_sent_and_alerted(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"execution__max_quote_size_pct": "10", "mock__quote_size": "10"}
    result, sent = executed(monkeypatch, a_plan(buy("SPY", "800")), **settings)
    assert (result.success, sent) == (True, ["SPY"])
    assert "SPY: THIN_QUOTE: " in Path("planfill.log").read_text(encoding="utf-8")


async def test_scenario_16_a_foreign_opposite_order_is_found_before_sending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings: dict[str, object] = {"mock__fill_delay_s": "3600"}
    with configured(monkeypatch, settings) as execution:
        configuration = execution.configuration
        family = configuration.plugin.build(configuration.brokerage, SystemClock())
        by_hand = an_order("GLD", Side.SELL, 5, limit_price=900, client_order_id="by-hand").seen_at(
            datetime.now(UTC)
        )
        placed = await family.broker.place_order(by_hand)
        result = await execution.execute_rebalance_plan_async(a_plan(buy("GLD", "100")))
        (after,) = await family.records.list_orders(datetime.now(UTC) - timedelta(hours=1))
    (line,) = result.lines
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.WASH_TRADE)
    assert placed.broker_order_id in line.detail
    assert (after.broker_order_id, after.is_terminal) == (placed.broker_order_id, False)


def test_what_the_broker_does_not_quote_is_sized_with_the_next_source_and_the_result_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("next.csv").write_text("symbol,price\nSPY,390\nTLT,140\n")
    result, sent = executed(
        monkeypatch,
        a_plan(buy("SPY", "800"), buy("TLT", "280")),
        prices__sources='["broker", "file"]',
        prices__file="next.csv",
        mock__holdings='{"TLT": "1"}',
        execution__order_deadline_s="0.2",
        execution__cancel_grace_s="0.2",
    )
    assert [(line.symbol, line.price_source) for line in result.lines] == [("SPY", "mock"), ("TLT", "file")]
    assert sent == ["SPY", "TLT"]
