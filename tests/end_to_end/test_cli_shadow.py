"""``planfill shadow``: the live side as ever, the shadow beside it, whatever that one does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from program import Program
from stage import a_plan, buy, hold, sell

from planfill import ExecutionManager
from planfill.adapters.shadows.calling import orders as called
from planfill.adapters.shadows.process import environment
from planfill.bootstrap.shadow_side import orders as shadowed
from planfill.domain.errors import ShadowFailed

PLAN = a_plan(buy("SPY", "1000"), sell("QQQ", "600", current_value="3000"), hold("IWM"))
TOML = """
[shadow.csv]
orders = "orders.csv"
time_s = 1e12
[shadow.json]
orders = "{plan_id}.json"
[shadow.other]
settings = "other.toml"
[shadow.same]
settings = "same.toml"
[shadow.good]
callable = "shadow_functions:good"
[shadow.raises]
callable = "shadow_functions:raises"
[shadow.exits]
callable = "shadow_functions:exits"
[shadow.hangs]
callable = "shadow_functions:hangs"
timeout_s = 0.5
"""
FUNCTIONS = """
import os, sys, time
def good(plan):
    print("said aloud")
    assert "APCA_API_SECRET_KEY" not in os.environ
    orders = [i for i in plan["items"] if i["action"] != "HOLD"]
    dollars = [str(abs(float(i["trade_amount"]))) for i in orders]
    return [{"symbol": i["symbol"], "side": i["action"], "dollars": d} for i, d in zip(orders, dollars)]
def raises(plan):
    raise ZeroDivisionError("hunter2-hunter2")
def exits(plan):
    sys.exit(3)
def hangs(plan):
    time.sleep(600)
"""
OTHER = """
[ledger]
url = "sqlite:///other.db"
[log]
file = ""
[mock]
book = "other-mock.db"
"""


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("APCA_API_SECRET_KEY", "hunter2-hunter2")
    program.write("plan.json", PLAN)
    program.write("planfill.toml", TOML)
    program.write("shadow_functions.py", FUNCTIONS)
    program.write("other.toml", f'{OTHER}account = "SHADOW-1"\n')
    program.write("same.toml", OTHER)
    return program


def a_record(planfill: Program, **changed: str) -> list[dict[str, str]]:
    """Write down what the mock does of the plan, as the old implementation would have."""
    lines = planfill("execute", "plan.json", "--json").document["lines"]
    return [
        {
            "symbol": line["symbol"], "side": line["action"], "quantity": line["filled_quantity"],
            "price": line["average_price"], "dollars": line["filled_usd"],
            "time": "2021-03-31T15:00:00Z", "outcome": "filled", **changed,
        }
        for line in lines
        if line["action"] != "HOLD"
    ]  # fmt: skip


def as_csv(rows: list[dict[str, str]]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)])


def test_a_clean_run_is_told_after_the_result_and_counts_a_day(planfill: Program) -> None:
    planfill.write("orders.csv", as_csv(a_record(planfill)))
    ended = planfill("shadow", "plan.json", "--against", "csv")
    assert ended.code == 0, ended.err + ended.out
    assert ended.out.index("SUCCEEDED") < ended.out.index(
        "CLEAN  plan-1 against csv: 2 lines by side, quantity, dollars, price, time, outcome"
    )
    again = planfill("shadow", "plan.json", "--against", "csv", "--json")
    assert again.document["result"]["status"] == "SUCCEEDED"
    assert again.document["shadow"]["clean"] is True
    day = again.document["shadow"]["executed_at"][:10]
    (account,) = planfill("shadow", "report", "--json").document["accounts"]
    assert (account["clean_days"], len(account["runs"])) == ([day], 1)
    report = planfill("shadow", "report").out
    assert report.startswith(f"{day}  CLEAN  plan-1 against csv")
    assert report.endswith(f"mock:mock:MOCK-1: 1 clean days: {day}\n")
    assert planfill("audit", "verify").code == 0


def test_what_differs_is_told_by_line_and_field_and_the_day_is_not_clean(planfill: Program) -> None:
    rows = a_record(planfill, outcome="canceled")
    rows[0] = {"symbol": "spy", "side": "buy", "price": "402"}
    planfill.write("plan-1.json", {"orders": [*rows, {"symbol": "TLT", "quantity": 5}]})
    ended = planfill("shadow", "plan.json", "--against", "json")
    assert ended.code == 1
    assert "5 DIFFERENCES  plan-1 against json: 3 lines by side, price" in ended.out
    for told in (
        "QQQ outcome: ours FILLED, theirs UNFILLED",
        "SPY line: ours told, theirs neither its side with its quantity nor with its dollars",
        "SPY price: ours $400.08",
        ", theirs $402\n",
        "TLT line: ours not traded, theirs traded 5 shares",
        "not told of every line, so not compared there: quantity, dollars, time, outcome",
    ):
        assert told in ended.out
    assert "mock:mock:MOCK-1: 0 clean days\n" in planfill("shadow", "report").out


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("csv", "orders.csv cannot be read: No such file"),
        ("raises", "ZeroDivisionError: ***"),
        ("exits", "SystemExit: 3"),
        ("hangs", "it has not answered within 0.5 s, and was ended"),
        ("same", "same.toml names our own account, mock:mock:MOCK-1"),
    ],
)
def test_a_shadow_that_breaks_is_told_after_the_result_which_stands(
    name: str, why: str, planfill: Program
) -> None:
    ended = planfill("shadow", "plan.json", "--against", name)
    assert ended.code == 1
    assert ended.out.index("SUCCEEDED") < ended.out.index(f"SHADOW FAILED  plan-1 against {name}: {why}")
    assert "hunter2" not in ended.out + ended.err
    shown = planfill("show", "plan-1", "--json").document
    assert shown["status"] == "SUCCEEDED"
    assert planfill("shadow", "report").out.endswith("0 clean days\n")


def test_a_callable_gets_the_plan_and_none_of_our_keys(planfill: Program) -> None:
    ended = planfill("shadow", "plan.json", "--against", "good", "--json")
    assert ended.code == 0, ended.out
    assert ended.document["shadow"]["compared_fields"] == ["side", "dollars"]


def test_another_planfill_fills_at_the_quotes_that_we_saw(planfill: Program) -> None:
    ended = planfill("shadow", "plan.json", "--against", "other", "--json")
    assert ended.document["shadow"]["differences"] == []
    assert ended.code == 0, ended.out
    assert len(ended.document["shadow"]["compared_fields"]) == 6
    assert {"other.db", "other-mock.db"} <= planfill.files()
    assert planfill("list", "--json").document["executions"][0]["account"] == "mock:mock:MOCK-1"


def test_a_file_that_holds_no_orders_is_named(planfill: Program) -> None:
    for content, why in (
        (b"\xff\xfe", "orders.csv is neither CSV with a header nor JSON"),
        (b"symbol,quantity\nSPY,many", "orders.csv: order 1, quantity: 'many' is not a number"),
    ):
        planfill.write("orders.csv", content)
        assert why in planfill("shadow", "plan.json", "--against", "csv").out
    for content in (b"{", b'{"no": 1}'):
        planfill.write("plan-1.json", content)
        assert (
            "SHADOW FAILED  plan-1 against json: plan-1.json"
            in planfill("shadow", "plan.json", "--against", "json").out
        )


def test_wrong_usage_is_one_clear_message_and_nothing_is_sent(planfill: Program) -> None:
    unknown = planfill("shadow", "plan.json", "--against", "nope")
    assert (unknown.code, "known are csv, exits" in unknown.err) == (2, True)
    missing = planfill("shadow", "plan.json")
    assert (missing.code, "--against NAME is needed" in missing.err) == (2, True)
    assert planfill("list", "--json").document == {"executions": []}
    assert planfill("shadow", "report").out == "no shadow runs\n"
    for table, why in (
        ("", "shadow.x: say who the shadow is by one of settings, orders and callable"),
        ('orders = "a.csv"\ntimes = 1', "shadow.x.times: unknown; did you mean 'time_s'?"),
        ('callable = "no colon"', "shadow.x.callable"),
    ):
        planfill.write("planfill.toml", f"[shadow.x]\n{table}\n")
        assert why in planfill("shadow", "plan.json", "--against", "x").err


def test_a_plan_that_is_refused_is_compared_with_nothing(planfill: Program) -> None:
    planfill.settings(mock__market_open="false")
    ended = planfill("shadow", "plan.json", "--against", "good", "--json")
    assert (ended.code, ended.document["shadow"]) == (3, None)
    assert "not compared with shadow good: the plan is REFUSED" in ended.err
    with ExecutionManager.from_settings() as execution, pytest.raises(ShadowFailed, match="is REFUSED"):
        execution.shadow("plan-1", "good")


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupted_comparison_leaves_what_was_executed(
    planfill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planfill.application.shadow_facade.ShadowingFacade.shadow", interrupted)
    ended = planfill("shadow", "plan.json", "--against", "good", "--json")
    assert (ended.code, ended.document["shadow"]) == (1, None)
    assert ended.document["result"]["status"] == "SUCCEEDED"
    assert "not compared with shadow good: interrupted; what was executed stands" in ended.err


def a_request(**fields: Any) -> dict[str, Any]:
    known = {"settings": "other.toml", "ledger": "sqlite:///planfill.db", "account": "mock:mock:MOCK-1"}
    return {**known, "plan": PLAN, "quotes": {}, **fields}


def test_the_other_side_touches_nothing_of_ours_and_no_real_money(
    planfill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ShadowFailed, match="names our own ledger"):
        shadowed(a_request(ledger="sqlite:///other.db"))
    planfill.write(
        "live.toml", '[broker]\nadapter="alpaca"\n[alpaca]\nenvironment="live"\n[rollout]\nallow_live=true\n'
    )
    monkeypatch.setenv("APCA_API_KEY_ID", "AKX")
    with pytest.raises(ShadowFailed, match="a shadow never trades real money"):
        shadowed(a_request(settings="live.toml"))
    assert not {"other.db", "planfill.db"} & planfill.files()
    assert [one["symbol"] for one in shadowed(a_request())] == ["SPY", "QQQ"]
    # A name of our settings is none of theirs.
    assert [one["symbol"] for one in shadowed(a_request(plan={**PLAN, "account": "growth"}))] == [
        "SPY",
        "QQQ",
    ]
    planfill.settings(mock__market_open="false")
    with pytest.raises(ShadowFailed, match="there the plan is REFUSED"):
        shadowed(a_request(plan={**PLAN, "plan_id": "plan-2"}))


def test_a_callable_is_found_by_its_name(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(planfill.folder)
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    assert called({"callable": "shadow_functions:good", "plan": PLAN}) == [
        {"symbol": "SPY", "side": "BUY", "dollars": "1000.0"},
        {"symbol": "QQQ", "side": "SELL", "dollars": "600.0"},
    ]


def test_the_shadow_has_its_own_settings_and_keys_in_the_environment() -> None:
    ours = {"PATH": "/bin", "APCA_API_KEY_ID": "live", "PLANFILL_LEDGER__URL": "x", "SHADOW_X": "1"}
    theirs = {"SHADOW_APCA_API_KEY_ID": "paper", "SHADOW_PLANFILL_MOCK__SEED": "2"}
    assert environment(ours) == {"PATH": "/bin"}
    assert environment({**ours, **theirs}) == {
        "PATH": "/bin",
        "APCA_API_KEY_ID": "paper",
        "PLANFILL_MOCK__SEED": "2",
    }
