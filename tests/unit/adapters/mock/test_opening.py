"""What an empty book is opened with."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from planfill.adapters.brokers.mock import MockBroker
from planfill.domain.plan import Plan
from planfill.domain.reading import read_plan
from planfill.testing.venue import a_new_order

Mock = Callable[..., MockBroker]


def a_plan(*items: dict[str, Any], total: str | None = None) -> Plan:
    return read_plan(
        {
            "plan_id": "plan-1",
            "correlation_id": "run-1",
            "timestamp": "2021-03-31T20:55:00+00:00",
            "items": list(items),
            "total_portfolio_value": total,
        }
    )


def a_line(action: str, symbol: str, amount: str, **fields: object) -> dict[str, Any]:
    return {"symbol": symbol, "action": action, "trade_amount": amount, **fields}


def opened(broker: MockBroker, plan: Plan) -> MockBroker:
    broker.open_for(plan)
    return broker


def by_plan(mock: Mock, **settings: object) -> MockBroker:
    return mock(**{"cash": None, "holdings": "plan", "prices": {"SPY": "300", "QQQ": "50"}, **settings})


def test_shares_are_the_current_value_at_the_last_price_cut_to_nine_decimals(mock: Mock) -> None:
    plan = a_plan(
        a_line("SELL", "SPY", "-50", current_value="100"),
        a_line("HOLD", "QQQ", "0", current_value="75"),
        total="1000",
    )
    broker = opened(by_plan(mock), plan)
    assert broker.desk.positions() == {"SPY": Decimal("0.333333333"), "QQQ": Decimal("1.5")}
    assert broker.desk.cash() == 825


def test_a_symbol_that_is_only_bought_is_not_held(mock: Mock) -> None:
    broker = opened(by_plan(mock), a_plan(a_line("BUY", "SPY", "50", current_value="0"), total="1000"))
    assert broker.desk.positions() == {}
    assert broker.desk.cash() == 1000


def test_where_the_plan_does_not_say_a_sold_symbol_is_held_for_its_amount(mock: Mock) -> None:
    plan = a_plan(a_line("SELL", "SPY", "-600"), a_line("BUY", "QQQ", "100.10"))
    broker = opened(by_plan(mock), plan)
    assert broker.desk.positions() == {"SPY": 2}
    assert broker.desk.cash() == Decimal("102.10")


def test_where_a_sale_names_its_shares_they_are_held(mock: Mock) -> None:
    plan = a_plan(a_line("SELL", "SPY", "-600", quantity="2.01"))
    assert opened(by_plan(mock), plan).desk.positions() == {"SPY": Decimal("2.01")}


def test_what_has_no_price_cannot_be_held_and_is_no_cash_either(mock: Mock) -> None:
    plan = a_plan(a_line("SELL", "GONE", "-50", current_value="100"), total="1000")
    broker = opened(by_plan(mock), plan)
    assert broker.desk.positions() == {}
    assert broker.desk.cash() == 900


def test_a_plan_worth_less_than_its_holdings_leaves_no_cash(mock: Mock) -> None:
    plan = a_plan(a_line("HOLD", "SPY", "0", current_value="300"), total="200")
    assert opened(by_plan(mock), plan).desk.cash() == 0


def test_a_negative_holding_is_none(mock: Mock) -> None:
    plan = a_plan(a_line("BUY", "SPY", "30", current_value="-300"), total="200")
    assert opened(by_plan(mock), plan).desk.positions() == {}


def test_cash_can_be_given_instead(mock: Mock) -> None:
    plan = a_plan(a_line("SELL", "SPY", "-600"), total="200")
    broker = opened(by_plan(mock, cash="77"), plan)
    assert broker.desk.positions() == {"SPY": 2}
    assert broker.desk.cash() == 77


def test_holdings_can_be_given_instead(mock: Mock) -> None:
    plan = a_plan(a_line("SELL", "SPY", "-600"), total="1000")
    broker = opened(by_plan(mock, holdings={"QQQ": 3, "GONE": 1}), plan)
    assert broker.desk.positions() == {"QQQ": 3, "GONE": 1}
    assert broker.desk.cash() == 850


async def test_a_book_that_is_open_is_left_alone(mock: Mock) -> None:
    broker = opened(by_plan(mock), a_plan(a_line("SELL", "SPY", "-600"), total="1000"))
    await broker.place_order(a_new_order("QQQ", "1"))
    broker.open_for(a_plan(a_line("SELL", "QQQ", "-600"), total="9000"))
    assert broker.desk.positions() == {"SPY": 2, "QQQ": 1}


async def test_before_the_first_plan_there_is_nothing(mock: Mock) -> None:
    broker = by_plan(mock)
    assert (await broker.get_account()).cash_usd == 0
    assert await broker.get_sellable(["SPY"]) == {}


async def test_the_family_opens_with_the_plan(mock: Mock) -> None:
    family = by_plan(mock).brokerage()
    assert family.opening is not None
    family.opening(a_plan(a_line("SELL", "SPY", "-600")))
    assert await family.account.get_sellable(["SPY"]) == {"SPY": 2}
