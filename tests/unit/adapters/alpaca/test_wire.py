"""Orders as Alpaca writes them: exact, and read without deciding whether they exist."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from alpaca.trading import enums

from planfill.adapters.brokers.alpaca.wire import (
    STATUSES,
    Unreadable,
    amount,
    body_of,
    fill_of,
    report_of,
    reports_of,
)
from planfill.domain.order import Side
from planfill.domain.report import TERMINAL, OrderStatus
from planfill.testing.builders import an_order

ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
ORDER: dict[str, Any] = {
    "id": ID, "client_order_id": "pf-example-1", "symbol": "SPY", "side": "buy", "status": "filled",
    "filled_qty": "0.040810001", "filled_avg_price": "612.345", "replaced_by": None,
    "updated_at": "2026-11-02T15:00:00.123456789Z", "qty": None, "notional": "25",
}  # fmt: skip


def test_every_status_of_the_sdk_has_its_meaning() -> None:
    assert set(STATUSES) == {status.value for status in enums.OrderStatus}


def test_the_statuses_that_end_an_order_are_those_that_alpaca_names() -> None:
    ends = {text for text, status in STATUSES.items() if status in TERMINAL}
    assert ends == {"filled", "canceled", "expired", "rejected", "done_for_day"}


def test_numbers_go_out_as_strings_and_exactly() -> None:
    body = body_of(an_order(quantity=Decimal("123456789.123456789")))
    assert body["qty"] == "123456789.123456789"
    assert "notional" not in body
    assert body["extended_hours"] is False
    assert not [value for value in body.values() if isinstance(value, float)]
    assert body_of(an_order(quantity=Decimal("1E-9")))["qty"] == "0.000000001"
    assert body_of(an_order(quantity=Decimal("3.00")))["qty"] == "3"


def test_an_order_is_read_as_it_is() -> None:
    report = report_of(ORDER)
    assert (report.broker_order_id, report.client_order_id) == (ID, "pf-example-1")
    assert (report.symbol, report.side, report.status) == ("SPY", Side.BUY, OrderStatus.FILLED)
    assert (report.filled_quantity, report.average_price) == (Decimal("0.040810001"), Decimal("612.345"))
    assert report.reported_at.microsecond == 123456
    assert json.loads(report.raw) == ORDER


def test_a_status_from_the_future_counts_as_working_and_is_kept() -> None:
    report = report_of({**ORDER, "status": "held_by_aliens"})
    assert report.status is OrderStatus.UNKNOWN
    assert not report.is_terminal
    assert "held_by_aliens" in report.raw


@pytest.mark.parametrize("price", [None, "", "0"])
def test_a_fill_without_a_price_is_never_worth_0(price: str | None) -> None:
    report = report_of({**ORDER, "filled_avg_price": price})
    assert report.average_price is None
    assert not report.is_priced


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None}, {"id": ""}, {"id": "None"}, {"id": "FAILED"}, {"id": 7}, {"client_order_id": None},
        {"side": "sideways"}, {"status": None}, {"filled_qty": "many"}, {"filled_qty": True},
        {"filled_qty": "NaN"}, {"filled_qty": "-1"}, {"filled_qty": 0.5}, {"filled_avg_price": "-1"},
        {"symbol": None}, {"symbol": "a b"}, {"updated_at": None}, {"updated_at": "2026-11-02T15:00:00"},
        {"updated_at": "yesterday"},
    ],
    ids=str,
)  # fmt: skip
def test_scenario_1_an_answer_that_lacks_what_it_must_have_is_no_report(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        report_of({**ORDER, **changes})
    assert reports_of([ORDER, {**ORDER, **changes}]) == [report_of(ORDER)]


@pytest.mark.parametrize("answer", [None, [], "", {}, {"code": 40010001, "message": "no"}, "<html>"])
def test_scenario_1_what_is_no_order_is_no_report(answer: object) -> None:
    with pytest.raises(Unreadable):
        report_of(answer)


@pytest.mark.parametrize("answer", [None, {}, "", 7])
def test_what_is_no_list_is_no_list(answer: object) -> None:
    with pytest.raises(Unreadable):
        reports_of(answer)


FILL: dict[str, Any] = {
    "activity_type": "FILL", "id": "20261102100000123::1", "order_id": ID, "price": "612.3", "qty": "1",
    "side": "buy", "symbol": "SPY", "transaction_time": "2026-11-02T15:00:00.123Z", "type": "fill",
}  # fmt: skip


def test_a_fill_is_read_as_it_is() -> None:
    fill = fill_of(FILL)
    assert (fill.broker_order_id, fill.side) == (ID, Side.BUY)
    assert (fill.quantity, fill.price) == (Decimal(1), Decimal("612.3"))
    assert fill_of({**FILL, "side": "sell_short"}).side is Side.SELL


@pytest.mark.parametrize("field", ["id", "order_id", "price", "qty", "side", "symbol", "transaction_time"])
def test_a_fill_that_lacks_something_is_none(field: str) -> None:
    with pytest.raises(Unreadable):
        fill_of({**FILL, field: None})


def test_an_amount_may_be_missing_and_must_be_a_number() -> None:
    assert amount({}, "cash") is None
    assert amount({"cash": "12.50"}, "cash") == Decimal("12.50")
    for nonsense in ("much", ["1"], 0.1):
        with pytest.raises(Unreadable):
            amount({"cash": nonsense}, "cash")
