from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from planfill.domain.checks import (
    Objection,
    check_account,
    check_amount,
    check_instrument,
    check_plan_age,
    check_quote,
    check_second,
    check_session,
)
from planfill.domain.market import MarketSession, NoQuote, Quote
from planfill.domain.outcome import Reason
from planfill.domain.plan import PlanItem
from planfill.domain.policy import ExecutionPolicy
from planfill.testing.builders import a_plan, a_quote, a_session, an_account, an_instrument, an_item
from planfill.testing.clock import START

POLICY = ExecutionPolicy()


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def quoted(
    item: PlanItem, quote: Quote | NoQuote | None, *, age_s: float = 0, **policy: object
) -> Quote | Objection:
    return check_quote(item, quote, after(age_s), ExecutionPolicy.model_validate(policy))


# --- the amount -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "reason", "detail"),
    [
        (an_item(trade_amount=0), Reason.AMOUNT_ZERO, "the plan's amount is 0"),
        (an_item("SPY", "SELL", 0), Reason.AMOUNT_ZERO, "the plan's amount is 0"),
        (an_item("SPY", "SELL", 0, target_weight=0), Reason.AMOUNT_ZERO, "the plan's amount is 0"),
        (an_item(trade_amount="0.004"), Reason.AMOUNT_ZERO, "the plan's amount is 0"),
        (an_item(trade_amount="0.99"), Reason.BELOW_MINIMUM, "$0.99 is under $1"),
        (an_item("SPY", "SELL", "-0.01"), Reason.BELOW_MINIMUM, "$0.01 is under $1"),
    ],
    ids=["zero", "zero sale", "zero exit", "less than a cent", "under a dollar", "a cent"],
)
def test_what_is_too_little_to_be_traded_is_objected_to(item: PlanItem, reason: Reason, detail: str) -> None:
    assert check_amount(item) == Objection(reason, detail)


@pytest.mark.parametrize(
    "item",
    [
        an_item(trade_amount=1),
        an_item("SPY", "SELL", "0.99", target_weight=0),
        an_item(trade_amount=None, quantity=2, reference_price="0.50"),
        an_item(trade_amount=0, quantity=1),
        an_item(trade_amount=1000),
    ],
    ids=["a dollar", "a small exit", "a small quantity", "a quantity with amount 0", "plenty"],
)
def test_what_is_enough_to_be_traded_is_not_objected_to(item: PlanItem) -> None:
    assert check_amount(item) is None


# --- the second source ----------------------------------------------------------------------------


def test_without_a_second_source_nothing_is_compared() -> None:
    assert check_second(a_quote(), None, POLICY) is None


def test_a_price_may_be_as_far_from_the_second_source_as_the_setting_and_no_farther() -> None:
    second = {"SPY": a_quote(bid=99, ask=101, source="other", at=after(-86400))}
    for price in ("98", "102"):
        assert check_second(a_quote(bid=price), second, POLICY) is None
    for price in ("97.99", "102.01"):
        assert check_second(a_quote(bid=price), second, POLICY) == Objection(
            Reason.SOURCE_DEVIATION, f"{price} is more than 200 bps away from the 100 of other"
        )
    wider = ExecutionPolicy(max_source_deviation_bps=Decimal(300))
    assert check_second(a_quote(bid="102.01"), second, wider) is None


@pytest.mark.parametrize("second", [{}, {"SPY": NoQuote(symbol="SPY")}, {"QQQ": a_quote("QQQ", source="o")}])
def test_a_price_that_the_second_source_cannot_confirm_is_objected_to(
    second: Mapping[str, Quote | NoQuote],
) -> None:
    assert check_second(a_quote(), second, POLICY) == Objection(
        Reason.SOURCE_DEVIATION, "the second source of prices has no quote to confirm 100"
    )


def test_a_price_does_not_confirm_itself() -> None:
    assert check_second(a_quote(), {"SPY": a_quote()}, POLICY) == Objection(
        Reason.SOURCE_DEVIATION, "both prices are of test: nothing confirms 100"
    )


# --- the quote ------------------------------------------------------------------------------------


def test_a_good_quote_passes_as_it_is() -> None:
    quote = a_quote(bid=99, ask=100)
    assert quoted(an_item(), quote) is quote


def test_no_quote_is_no_price() -> None:
    assert quoted(an_item(), None) == Objection(Reason.NO_PRICE, "no source quotes it")


def test_a_refused_quote_says_why() -> None:
    refused = NoQuote(symbol="SPY", reason=Reason.CROSSED_PRICE, detail="bid 2, ask 1")
    assert quoted(an_item(), refused) == Objection(Reason.CROSSED_PRICE, "bid 2, ask 1")


def test_a_quote_may_be_as_old_as_the_setting_and_no_older() -> None:
    quote = a_quote()
    assert quoted(an_item(), quote, age_s=60) is quote
    assert quoted(an_item(), quote, age_s=61) == Objection(
        Reason.STALE_PRICE, "the quote is 61 s old, at most 60 s is allowed"
    )
    assert quoted(an_item(), quote, age_s=61, max_quote_age_s=61.5) is quote


def test_a_market_may_be_as_wide_as_the_setting_and_no_wider() -> None:
    assert isinstance(quoted(an_item(), a_quote(bid=99, ask=101)), Quote)
    assert quoted(an_item(), a_quote(bid=99, ask="101.1")) == Objection(
        Reason.WIDE_SPREAD, "bid 99, ask 101.1: 210 bps, at most 200 are allowed"
    )


def test_a_price_may_be_as_far_from_the_plans_as_the_setting_and_no_farther() -> None:
    item = an_item(reference_price=100)
    for price in ("95", "105"):
        assert isinstance(quoted(item, a_quote(bid=price)), Quote)
    for price in ("94.99", "105.01"):
        assert quoted(item, a_quote(bid=price)) == Objection(
            Reason.PRICE_DEVIATION, f"{price} is more than 500 bps away from the plan's 100"
        )
    assert isinstance(quoted(item, a_quote(bid=111), max_deviation_bps=1100), Quote)


def test_the_mid_is_what_is_compared_with_the_plans_price() -> None:
    item = an_item(reference_price=100)
    assert isinstance(quoted(item, a_quote(bid="104.5", ask="105.5")), Quote)
    assert isinstance(quoted(item, a_quote(bid="104.5", ask="105.6")), Objection)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_quantity_may_be_worth_as_much_as_the_setting_and_no_more(side: str) -> None:
    item = an_item("SPY", side, 1000, quantity=10)
    assert isinstance(quoted(item, a_quote(bid=95)), Quote)
    assert isinstance(quoted(item, a_quote(bid=105)), Quote)
    assert quoted(item, a_quote(bid=10)) == Objection(
        Reason.QUANTITY_MISMATCH, "10 shares are worth $100.00, the plan says $1000.00"
    )
    assert isinstance(quoted(item, a_quote(bid="105.01")), Objection)
    assert isinstance(quoted(item, a_quote(bid="94.99")), Objection)


def test_a_quantity_is_valued_at_the_price_at_which_it_would_trade() -> None:
    quote = a_quote(bid="104.5", ask="105.5")
    assert isinstance(quoted(an_item("SPY", "SELL", 1000, quantity=10), quote), Quote)
    assert isinstance(quoted(an_item("SPY", "BUY", 1000, quantity=10), quote), Objection)


def test_a_ten_for_one_split_blocks_a_line_with_a_quantity_and_no_other() -> None:
    split = a_quote(bid=10)
    assert isinstance(quoted(an_item(trade_amount=1000, quantity=10), split), Objection)
    assert isinstance(quoted(an_item(trade_amount=1000, reference_price=100), split), Objection)
    assert isinstance(quoted(an_item(trade_amount=1000), split), Quote)


def test_a_quantity_beside_no_dollars_at_all_is_a_mismatch() -> None:
    assert isinstance(quoted(an_item(trade_amount=0, quantity=10), a_quote()), Objection)


def test_the_age_is_objected_to_before_the_width_and_the_width_before_the_distance() -> None:
    item, bad = an_item(reference_price=1), a_quote(bid=50, ask=100)
    found = [quoted(item, bad, age_s=100), quoted(item, bad), quoted(item, a_quote())]
    reasons = [objection.reason for objection in found if isinstance(objection, Objection)]
    assert reasons == [Reason.STALE_PRICE, Reason.WIDE_SPREAD, Reason.PRICE_DEVIATION]


# --- the instrument -------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["BUY", "SELL"])
def test_an_instrument_that_trades_passes(action: str) -> None:
    instrument = an_instrument()
    assert check_instrument(an_item("SPY", action), instrument, held=True) is instrument


def test_an_instrument_that_does_not_trade_is_objected_to() -> None:
    assert check_instrument(an_item(), None, held=True) == Objection(
        Reason.NOT_TRADABLE, "the broker does not know it"
    )
    assert check_instrument(an_item(), an_instrument(tradable=False), held=True) == Objection(
        Reason.NOT_TRADABLE, "the broker does not trade it"
    )


def test_only_a_sale_needs_something_to_sell() -> None:
    instrument = an_instrument()
    assert check_instrument(an_item("SPY", "BUY"), instrument, held=False) is instrument
    assert check_instrument(an_item("SPY", "SELL"), instrument, held=False) == Objection(
        Reason.NOT_HELD, "nothing of it can be sold: not held, or held by open orders"
    )


# --- session, account, age of the plan ------------------------------------------------------------


def test_an_open_market_with_time_left_is_not_objected_to() -> None:
    for session in (a_session(), a_session(closes_in_s=300), a_session(closes_in_s=3000)):
        assert check_session(session, START, POLICY) is None


def test_a_closed_market_says_when_it_opens_where_that_is_known() -> None:
    assert check_session(a_session(is_open=False), START, POLICY) == Objection(
        Reason.MARKET_CLOSED, "the market is closed; nobody says when it opens"
    )
    session = MarketSession(is_open=False, opens_at=START)
    assert check_session(session, START, POLICY) == Objection(
        Reason.MARKET_CLOSED, "the market is closed; it opens at 2021-03-31 15:00 UTC"
    )


def test_a_market_that_is_about_to_close_is_objected_to() -> None:
    assert check_session(a_session(closes_in_s=299), START, POLICY) == Objection(
        Reason.CLOSING_SOON, "the market closes at 15:04 UTC, in less than 300 s"
    )
    assert check_session(a_session(closes_in_s=299), START, ExecutionPolicy(min_time_to_close_s=0)) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"blocked": "pattern day trader"}, "the broker blocks account 1: pattern day trader"),
        ({"currency": "EUR"}, "account 1 is in EUR; plans are in USD"),
    ],
    ids=["blocked", "currency"],
)
def test_an_account_that_may_not_trade_is_objected_to(fields: Mapping[str, Any], said: str) -> None:
    assert check_account(an_account(**fields)) == Objection(Reason.ACCOUNT_BLOCKED, said)


def test_an_account_in_dollars_that_may_trade_is_not_objected_to() -> None:
    assert check_account(an_account()) is None


def test_a_plan_may_be_as_old_as_the_setting_and_no_older() -> None:
    plan, policy = a_plan(an_item()), ExecutionPolicy(max_plan_age_s=3_600_000)
    assert check_plan_age(plan, after(3_600_000), policy) is None
    assert check_plan_age(plan, after(7_200_000), policy) == Objection(
        Reason.PLAN_TOO_OLD, "the plan is 2000.0 h old, at most 1000.0 h are allowed"
    )


@pytest.mark.parametrize("any_age", [None, 0])
def test_where_no_age_is_set_a_plan_may_be_of_any(any_age: float | None) -> None:
    policy = ExecutionPolicy(max_plan_age_s=any_age)
    assert check_plan_age(a_plan(an_item()), after(10**9), policy) is None


def test_dollars_under_one_are_dust_only_to_the_cent() -> None:
    assert check_amount(an_item(trade_amount="0.995")) is None
    assert check_amount(an_item(trade_amount=Decimal("0.994"))) is not None
