from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from planfill.domain.limits import (
    Sent,
    Usage,
    check_duplicate,
    line_breaches,
    needs_usage,
    order_breaches,
    plan_breaches,
    told,
)
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.policy import LimitsPolicy
from planfill.domain.values import Money
from planfill.testing.builders import a_plan, an_item, an_order
from planfill.testing.clock import START

PLAN = a_plan(
    an_item("SPY", "BUY", 6000),
    an_item("QQQ", "BUY", 3000),
    an_item("IWM", "SELL", 4000),
    an_item("GLD", "HOLD"),
    an_item("TLT", "BUY", "0.50"),
    total_portfolio_value=100_000,
)


def limits(**figures: Any) -> LimitsPolicy:
    return LimitsPolicy.model_validate(figures)


def usd(amount: int) -> Money:
    return Money(Decimal(amount))


def sent(symbol: str = "XOM", amount: int = 1000, before_s: float = 10, quantity: int = 10) -> Sent:
    order = an_order(symbol, quantity=quantity, client_order_id=f"pf-other-{symbol}-1")
    return Sent(order, usd(amount), START - timedelta(seconds=before_s))


def of_lines(**figures: Any) -> list[str]:
    return [str(breach) for breach in line_breaches(PLAN, limits(**figures))]


def of_plan(usage: Usage = Usage(), **figures: Any) -> list[str]:  # noqa: B008 - it is frozen
    return [str(breach) for breach in plan_breaches(PLAN, usage, START, limits(**figures))]


def test_every_limit_is_off_until_it_is_set() -> None:
    usage = Usage((sent(amount=10**9),) * 500, plans=500)
    assert of_lines() == of_plan(usage) == []
    assert list(order_breaches(sent(amount=10**9, quantity=10**9), usd(1), usage, limits())) == []
    assert check_duplicate(an_order("XOM"), usage, START, limits()) is None
    assert not needs_usage(limits())


@pytest.mark.parametrize(
    ("figures", "breaches"),
    [
        ({"max_order_usd": 6000}, []),
        ({"max_order_usd": 5999}, ["SPY: $6,000.00, max_order_usd allows $5,999.00"]),
        ({"max_order_pct": 6}, []),
        ({"max_order_pct": "5.99"}, ["SPY: 6.00 % of the portfolio, max_order_pct allows 5.99 %"]),
        ({"deny_symbols": ["qqq", "GLD"]}, ["QQQ: on the list, deny_symbols allows all but QQQ, GLD"]),
        ({"allow_symbols": ["SPY", "QQQ"]}, ["IWM: not on the list, allow_symbols allows SPY, QQQ"]),
        (
            {"max_order_usd": 3500, "deny_symbols": ["SPY"]},
            [
                "SPY: on the list, deny_symbols allows all but SPY",
                "SPY: $6,000.00, max_order_usd allows $3,500.00",
                "IWM: $4,000.00, max_order_usd allows $3,500.00",
            ],
        ),
    ],
)
def test_a_line_is_held_against_the_limits_of_an_order(figures: dict[str, Any], breaches: list[str]) -> None:
    assert of_lines(**figures) == breaches


def test_shares_that_the_plan_says_are_held_against_theirs() -> None:
    plan = a_plan(an_item("SPY", "BUY", None, quantity=101, reference_price=400))
    breaches = [str(breach) for breach in line_breaches(plan, limits(max_order_shares=100))]
    assert breaches == ["SPY: 101, max_order_shares allows 100"]


def test_without_the_portfolios_worth_no_share_of_it_is_known() -> None:
    assert list(line_breaches(a_plan(an_item("SPY", "BUY", 10**9)), limits(max_order_pct=1))) == []


USED = Usage((sent(amount=1000), sent(amount=500, before_s=70), sent(amount=7, before_s=86400)), plans=2)


@pytest.mark.parametrize(
    ("figures", "breaches"),
    [
        ({"max_plan_usd": 13000}, []),
        ({"max_plan_usd": 12999}, ["$13,000.00, max_plan_usd allows $12,999.00"]),
        ({"max_net_buy_usd": 5000}, []),
        ({"max_net_buy_usd": 4999}, ["$5,000.00, max_net_buy_usd allows $4,999.00"]),
        ({"max_plan_orders": 3}, []),
        ({"max_plan_orders": 2}, ["3, max_plan_orders allows 2"]),
        ({"max_daily_usd": 14500}, []),
        ({"max_daily_usd": 14499}, ["$14,500.00, max_daily_usd allows $14,499.00"]),
        ({"max_daily_orders": 5}, []),
        ({"max_daily_orders": 4}, ["5, max_daily_orders allows 4"]),
        ({"max_daily_plans": 3}, []),
        ({"max_daily_plans": 2}, ["3, max_daily_plans allows 2"]),
        ({"max_orders_per_minute": 4}, []),
        ({"max_orders_per_minute": 3}, ["4, max_orders_per_minute allows 3"]),
    ],
)
def test_a_plan_is_held_against_its_own_limits_and_those_of_the_day(
    figures: dict[str, Any], breaches: list[str]
) -> None:
    assert of_plan(USED, **figures) == breaches


def test_lines_that_are_left_out_do_not_count() -> None:
    found = plan_breaches(PLAN, Usage(), START, limits(max_plan_usd=7000), without=["SPY"])
    assert list(found) == []


@pytest.mark.parametrize(
    ("figures", "breaches"),
    [
        ({"max_order_usd": 1000}, []),
        ({"max_order_usd": 999}, ["SPY: $1,000.00, max_order_usd allows $999.00"]),
        ({"max_order_pct": "0.9"}, ["SPY: 1.00 % of the portfolio, max_order_pct allows 0.9 %"]),
        ({"max_order_shares": 10}, []),
        ({"max_order_shares": 9}, ["SPY: 10, max_order_shares allows 9"]),
        ({"deny_symbols": ["SPY"]}, ["SPY: on the list, deny_symbols allows all but SPY"]),
        ({"max_daily_usd": 2500}, []),
        ({"max_daily_usd": 2499}, ["$2,500.00, max_daily_usd allows $2,499.00"]),
        ({"max_daily_orders": 2}, ["3, max_daily_orders allows 2"]),
        ({"max_orders_per_minute": 2}, []),
        ({"max_orders_per_minute": 1}, ["2, max_orders_per_minute allows 1"]),
    ],
)
def test_an_order_is_held_against_the_limits_again(figures: dict[str, Any], breaches: list[str]) -> None:
    sending = sent("SPY", before_s=0)
    found = order_breaches(sending, PLAN.total_portfolio_value, USED, limits(**figures))
    assert [str(breach) for breach in found] == breaches


def test_an_order_in_dollars_has_no_shares_to_be_held_against_anything() -> None:
    order = an_order("SPY").model_copy(update={"quantity": None, "notional": usd(1000)})
    sending = Sent(order, usd(1000), START)
    assert list(order_breaches(sending, None, Usage(), limits(max_order_shares=1, max_order_usd=1000))) == []


@pytest.mark.parametrize(
    ("order", "is_duplicate"),
    [
        (an_order("XOM"), True),
        (an_order("XOM", Side.SELL), False),
        (an_order("XOM", quantity=11), False),
        (an_order("SPY"), False),
    ],
)
def test_the_same_order_of_another_plan_is_a_duplicate_within_the_window(
    order: Any, *, is_duplicate: bool
) -> None:
    objection = check_duplicate(order, USED, START, limits(duplicate_window_s=60))
    assert (objection is not None) is is_duplicate
    if objection:
        assert objection.reason is Reason.DUPLICATE_ORDER
        assert objection.detail == "order pf-other-XOM-1 of another plan was the same at 14:59:50 UTC"
    assert check_duplicate(order, USED, START, limits(duplicate_window_s=9)) is None


@pytest.mark.parametrize(
    "setting",
    ["max_daily_usd", "max_daily_orders", "max_daily_plans", "max_orders_per_minute", "duplicate_window_s"],
)
def test_limits_that_look_back_need_the_past(setting: str) -> None:
    assert needs_usage(limits(**{setting: 1}))


def test_all_breaches_are_told_at_once() -> None:
    found = [
        *line_breaches(PLAN, limits(max_order_usd=3500)),
        *plan_breaches(PLAN, Usage(), START, limits(max_plan_orders=1)),
    ]
    objection = told(found)
    assert objection.reason is Reason.LIMIT
    assert objection.detail == (
        "SPY: $6,000.00, max_order_usd allows $3,500.00; IWM: $4,000.00, max_order_usd allows $3,500.00; "
        "3, max_plan_orders allows 1"
    )
