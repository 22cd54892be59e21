from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planfill.domain.order import Side
from planfill.domain.plan import Action, Plan, PlanItem
from planfill.testing.builders import a_plan, an_item

GOLDEN_PLAN = (
    an_item("SPY", "BUY", "600.00"),
    an_item("QQQ", "SELL", "-400", target_weight=0),
    an_item("TLT", "HOLD", None),
    an_item("GLD", "BUY", "1000", quantity="2.5"),
)


def test_the_digest_of_a_plan_is_what_it_has_always_been() -> None:
    """Golden: another digest for the same plan would refuse its resumption."""
    # printf '%s' '[["GLD","BUY","1000","2.5",false],["QQQ","SELL","400",null,true],["SPY","BUY","600",null,
    # false],["TLT","HOLD","0",null,false]]' | sha256sum, with the two lines joined
    golden = "2dc53327936182537d2f4380717822e77bd0168d0056f2b49cf7c22fb75db007"
    assert a_plan(*GOLDEN_PLAN).digest == golden


@given(st.permutations(GOLDEN_PLAN))
def test_the_digest_does_not_depend_on_the_order_of_the_lines(items: list[PlanItem]) -> None:
    assert a_plan(*items).digest == a_plan(*GOLDEN_PLAN).digest


@pytest.mark.parametrize(
    "fields",
    [
        {"timestamp": datetime(1999, 1, 1, tzinfo=UTC)},
        {"metadata": {"a": 1}},
        {"correlation_id": "another"},
        {"causation_id": "cause"},
        {"plan_id": "another"},
        {"execution_urgency": "URGENT"},
        {"total_portfolio_value": 5},
        {"strategy_id": "momentum"},
        {"schema_version": 7},
        {"max_drift_tolerance": "0.5"},
        {"something": "unknown"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_the_digest_does_not_depend_on_what_is_not_traded(fields: dict[str, object]) -> None:
    assert a_plan(*GOLDEN_PLAN, **fields).digest == a_plan(*GOLDEN_PLAN).digest


def test_the_digest_is_that_of_the_account_which_the_plan_names_and_its_trades_are_not() -> None:
    nameless, growth, income = (
        a_plan(*GOLDEN_PLAN, account=account) for account in (None, "growth", "income")
    )
    assert len({nameless.digest, growth.digest, income.digest}) == 3
    assert nameless.trades == growth.trades == income.trades


@pytest.mark.parametrize("amount", [1000, "1000", "1000.00", "1e3", 1000.0, "1000.004", "+1000"], ids=repr)
def test_the_digest_does_not_depend_on_how_a_number_is_written(amount: int | str) -> None:
    assert a_plan(an_item(trade_amount=amount)).digest == a_plan(an_item(trade_amount=1000)).digest


def test_the_digest_does_not_depend_on_the_sign_of_a_sale() -> None:
    assert a_plan(an_item("A", "SELL", -5)).digest == a_plan(an_item("A", "SELL", 5)).digest


def test_the_digest_does_not_depend_on_weights_that_are_no_exit() -> None:
    plain, weighted = an_item("A", "SELL", 5), an_item("A", "SELL", 5, target_weight="0.1", priority=1)
    assert a_plan(plain).digest == a_plan(weighted).digest


@pytest.mark.parametrize(
    "changed",
    [
        an_item("IWM", "SELL", 1000, quantity=10),
        an_item("SPY", "BUY", 1000, quantity=10),
        an_item("SPY", "HOLD", 1000, quantity=10),
        an_item("SPY", "SELL", "1000.01", quantity=10),
        an_item("SPY", "SELL", 1000, quantity="10.000000001"),
        an_item("SPY", "SELL", 1000),
        an_item("SPY", "SELL", 1000, quantity=10, target_weight=0),
        an_item("SPY", "SELL", 1000, quantity=10, target_value=0),
    ],
    ids=["symbol", "action", "hold", "amount", "quantity", "no quantity", "exit by weight", "exit by value"],
)
def test_the_digest_changes_with_each_field_that_is_traded(changed: PlanItem) -> None:
    assert a_plan(changed).digest != a_plan(an_item("SPY", "SELL", 1000, quantity=10)).digest


def test_the_digest_changes_with_a_line_more() -> None:
    assert a_plan(*GOLDEN_PLAN).digest != a_plan(*GOLDEN_PLAN[:-1]).digest
    assert a_plan().digest != a_plan(an_item("SPY", "HOLD", None)).digest


@pytest.mark.parametrize(
    ("action", "amount", "planned"),
    [
        ("BUY", "1234.56", "1234.56"),
        ("SELL", "-1234.56", "1234.56"),
        ("SELL", "1234.56", "1234.56"),
        ("HOLD", "1234.56", "0"),
        ("HOLD", "-1234.56", "0"),
        ("BUY", "0", "0"),
        ("BUY", "10.005", "10.00"),
        ("SELL", "-10.015", "10.02"),
    ],
)
def test_planned_dollars_are_positive_and_to_the_cent(action: str, amount: str, planned: str) -> None:
    assert an_item("SPY", action, amount).planned_usd == Decimal(planned)


def test_a_quantity_without_dollars_plans_its_worth_at_the_reference_price() -> None:
    item = an_item(trade_amount=None, quantity="7.2273576", reference_price="123.45")
    assert item.planned_usd == Decimal("892.22")


@pytest.mark.parametrize("fields", [{}, {"quantity": 5}, {"reference_price": 5}], ids=str)
def test_where_neither_dollars_nor_their_factors_are_given_nothing_is_planned(
    fields: dict[str, Any],
) -> None:
    assert an_item(trade_amount=None, **fields).planned_usd == 0


@pytest.mark.parametrize(
    ("action", "fields", "is_exit"),
    [
        ("SELL", {"target_weight": 0}, True),
        ("SELL", {"target_value": "0.00"}, True),
        ("SELL", {"target_weight": 0, "target_value": 0}, True),
        ("SELL", {"target_weight": "0.1"}, False),
        ("SELL", {"target_value": 10}, False),
        ("SELL", {}, False),
        ("BUY", {"target_weight": 0}, False),
        ("HOLD", {"target_value": 0}, False),
    ],
)
def test_a_sale_whose_target_is_0_is_a_full_exit(
    action: str, fields: dict[str, Any], *, is_exit: bool
) -> None:
    assert an_item("SPY", action, 5, **fields).is_full_exit is is_exit


def test_a_buy_buys_and_a_sale_sells() -> None:
    assert an_item("SPY", "BUY").side is Side.BUY
    assert an_item("SPY", "SELL").side is Side.SELL


def test_the_defaults_of_a_plan_are_those_of_the_format() -> None:
    plan = a_plan(an_item())
    assert plan.max_drift_tolerance == Decimal("0.05")
    assert plan.execution_urgency == "NORMAL"
    assert plan.items[0].priority == 3
    assert plan.items[0].action is Action.BUY
    optional = (
        plan.causation_id, plan.total_portfolio_value, plan.total_trade_value, plan.account,
        plan.estimated_duration_minutes, plan.schema_version, plan.strategy_id, plan.metadata,
    )  # fmt: skip
    assert optional == (None,) * len(optional)


def test_a_plan_survives_being_written_and_read() -> None:
    plan = a_plan(*GOLDEN_PLAN, odd="kept", metadata={"a": [1, "b"]})
    again = Plan.model_validate_json(plan.model_dump_json())
    assert again == plan
    assert again.digest == plan.digest
    assert again.warnings == ("odd: unknown field, kept and not used",)
