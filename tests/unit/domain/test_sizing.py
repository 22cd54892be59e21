from decimal import Decimal
from typing import Any

import pytest
from figures import figures
from hypothesis import assume, given
from hypothesis import strategies as st

from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.plan import PlanItem
from planfill.domain.sizing import Sizing, SizingFacts, size
from planfill.domain.values import Money, Quantity
from planfill.testing.builders import Number, a_quote, an_instrument, an_item

DOLLARS = st.decimals(1, 10**6, places=2)
SHARES = st.decimals("0.000000001", 10**5, places=9)
PRICES = st.decimals("0.0001", 10**4, places=4)
LOTS = st.sampled_from(["0.000000001", "0.0001", "0.01", "1"])
TOLERANCE = Decimal("0.05")


def facts(
    bid: Number = 100,
    ask: Number | None = None,
    *,
    sellable: Number = 0,
    tolerance: Number = TOLERANCE,
    **instrument: Any,
) -> SizingFacts:
    return SizingFacts(
        a_quote(bid=bid, ask=ask),
        an_instrument(**instrument),
        Quantity(Decimal(sellable)),
        Decimal(tolerance),
    )


def sized(item: PlanItem, known: SizingFacts, allotted: Number | None = None) -> Sizing:
    return size(item, item.planned_usd if allotted is None else Money(Decimal(allotted)), known)


def a_sale(amount: Number = 1000, **fields: object) -> PlanItem:
    return an_item("SPY", "SELL", amount, **fields)


def an_exit(amount: Number = 1000, **fields: object) -> PlanItem:
    return a_sale(amount, target_weight=0, **fields)


# --- what went wrong before -----------------------------------------------------------------------


def test_a_holding_of_7_2273576_is_never_sold_as_7_227358() -> None:
    """Incident: rounded half up, refused, and the buys it was to pay for starved."""
    six_decimals = facts(bid="138.36", sellable="7.2273576", quantity_increment=Decimal("0.000001"))
    sizing = sized(an_exit(1000), six_decimals)
    assert sizing.quantity == Decimal("7.227357")


def test_71365_dollars_are_not_71365_shares() -> None:
    """Incident: dollars used as shares; "need 71365, have 907"."""
    sizing = sized(a_sale(71365), facts(bid="78.68", sellable=907))
    assert figures(sizing.quantity, sizing.reason) == (907, Reason.HELD_LESS_THAN_PLANNED)


def test_a_third_of_a_share_of_what_is_not_fractionable_is_none() -> None:
    """Incident: rounded to 0, "quantity must be positive"."""
    sizing = sized(a_sale("33.33"), facts(sellable=5, fractionable=False))
    assert figures(sizing.quantity, sizing.available_usd) == (0, Decimal("33.33"))


def test_40_dollars_do_not_buy_a_share_of_100_where_there_are_no_fractions() -> None:
    sizing = sized(an_item("SPY", "BUY", 40), facts(fractionable=False))
    assert sizing.quantity == 0


# --- buys -----------------------------------------------------------------------------------------


def test_a_buy_is_sized_at_the_ask() -> None:
    sizing = sized(an_item("SPY", "BUY", 1000), facts(bid=99, ask=101))
    assert figures(sizing.price, sizing.mid_price, sizing.quantity) == (101, 100, Decimal("9.900990099"))
    assert sizing.reason is None


def test_a_buy_of_whole_shares_leaves_the_rest() -> None:
    sizing = sized(an_item("SPY", "BUY", 1050), facts(fractionable=False))
    assert figures(sizing.quantity, sizing.allotted_usd, sizing.intended_usd, sizing.available_usd) == (
        10,
        1050,
        1050,
        1050,
    )


def test_a_buy_looks_at_no_holding() -> None:
    assert sized(an_item("SPY", "BUY", 1000), facts(sellable=0)).quantity == 10


def test_a_buy_that_was_cut_says_so() -> None:
    sizing = sized(an_item("SPY", "BUY", 1000), facts(), allotted=500)
    assert figures(sizing.quantity, sizing.allotted_usd, sizing.intended_usd, sizing.reason) == (
        5,
        500,
        500,
        Reason.FUNDS_CUT,
    )


@given(
    amount=DOLLARS, part=st.decimals(0, 1, places=4), bid=PRICES, spread=st.decimals(0, 1, places=4), lot=LOTS
)
def test_a_buy_never_costs_more_than_what_is_allotted_at_the_quote(
    amount: Decimal, part: Decimal, bid: Decimal, spread: Decimal, lot: str
) -> None:
    item = an_item("SPY", "BUY", amount)
    sizing = sized(item, facts(bid, bid + spread, quantity_increment=Decimal(lot)), round(amount * part, 2))
    assert sizing.quantity * (bid + spread) <= sizing.allotted_usd
    assert sizing.quantity % Decimal(lot) == 0
    # Nor is anything left that would have bought a step more.
    assert (sizing.quantity + Decimal(lot)) * (bid + spread) > sizing.allotted_usd
    assert sizing.intended_usd == sizing.available_usd == sizing.allotted_usd


# --- sells ----------------------------------------------------------------------------------------


def test_a_sale_is_sized_at_the_bid() -> None:
    sizing = sized(a_sale(990), facts(bid=99, ask=101, sellable=50))
    assert figures(sizing.price, sizing.quantity, sizing.reason) == (99, 10, None)


def test_a_sale_is_capped_by_what_is_held() -> None:
    sizing = sized(a_sale(1000), facts(sellable=4))
    assert figures(sizing.quantity, sizing.reason) == (4, Reason.HELD_LESS_THAN_PLANNED)
    assert figures(sizing.intended_usd, sizing.available_usd) == (1000, 400)


def test_a_sale_of_exactly_what_is_held_is_not_capped() -> None:
    sizing = sized(a_sale(1000), facts(sellable=10))
    assert figures(sizing.quantity, sizing.reason) == (10, None)


@given(
    amount=DOLLARS,
    bid=PRICES,
    held=SHARES,
    lot=LOTS,
    exits=st.booleans(),
    given_=st.none() | SHARES,
    tolerance=st.decimals(0, 1, places=2),
)
def test_a_sale_is_never_larger_than_what_is_held(
    amount: Decimal,
    bid: Decimal,
    held: Decimal,
    lot: str,
    *,
    exits: bool,
    given_: Decimal | None,
    tolerance: Decimal,
) -> None:
    item = a_sale(amount, quantity=given_, target_weight=0 if exits else None)
    sizing = sized(item, facts(bid, sellable=held, tolerance=tolerance, quantity_increment=Decimal(lot)))
    assert 0 <= sizing.quantity <= held
    assert sizing.quantity % Decimal(lot) == 0
    assert sizing.available_usd <= round(held * bid, 2) + Decimal("0.01")


@given(amount=DOLLARS, bid=PRICES, held=SHARES, lot=LOTS)
def test_a_sale_that_is_no_exit_never_sells_more_than_its_dollars(
    amount: Decimal, bid: Decimal, held: Decimal, lot: str
) -> None:
    sizing = sized(a_sale(amount), facts(bid, sellable=held, quantity_increment=Decimal(lot)))
    assert sizing.quantity * bid <= amount


# --- full exits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("held", ["9.5", "9.9", "10", "10.1", "10.5"])
def test_a_full_exit_within_the_tolerance_sells_all_that_is_held(held: str) -> None:
    sizing = sized(an_exit(1000), facts(sellable=held))
    assert (sizing.quantity, sizing.reason) == (Decimal(held), None)
    assert sizing.available_usd == Decimal(held) * 100
    assert sizing.intended_usd == 1000


def test_a_full_exit_of_more_than_the_tolerance_sells_only_the_planned_dollars() -> None:
    sizing = sized(an_exit(1000), facts(sellable="10.501"))
    assert figures(sizing.quantity, sizing.reason) == (10, Reason.MORE_HELD_THAN_PLANNED)
    assert sizing.available_usd == 1000


def test_a_full_exit_of_much_less_than_planned_sells_what_is_held() -> None:
    sizing = sized(an_exit(1000), facts(sellable="9.49"))
    assert (sizing.quantity, sizing.reason) == (Decimal("9.49"), Reason.HELD_LESS_THAN_PLANNED)


def test_without_tolerance_a_full_exit_must_be_worth_its_dollars() -> None:
    assert sized(an_exit(1000), facts(sellable=10, tolerance=0)).reason is None
    assert sized(an_exit(1000), facts(sellable="10.01", tolerance=0)).reason is Reason.MORE_HELD_THAN_PLANNED
    assert sized(an_exit(1000), facts(sellable="9.99", tolerance=0)).reason is Reason.HELD_LESS_THAN_PLANNED


def test_a_full_exit_of_what_is_not_fractionable_sells_whole_shares() -> None:
    assert sized(an_exit(1000), facts(sellable="10.2", fractionable=False)).quantity == 10


def test_a_full_exit_with_a_larger_quantity_than_what_is_held_sells_what_is_held() -> None:
    # Held beyond a tight tolerance, asked for even more: once more was sold than was held.
    item, tight = an_exit(1000, quantity="10.4"), facts(sellable="10.2", tolerance="0.01")
    sizing = sized(item, tight)
    assert (sizing.quantity, sizing.reason) == (Decimal("10.2"), Reason.MORE_HELD_THAN_PLANNED)


@given(amount=DOLLARS, bid=PRICES, off=st.decimals("-0.05", "0.05", places=4))
def test_a_full_exit_within_the_tolerance_leaves_nothing(amount: Decimal, bid: Decimal, off: Decimal) -> None:
    held = round(amount * (1 + off) / bid, 9)
    assume(abs(round(held * bid, 2) - amount) <= amount * TOLERANCE)
    assert sized(an_exit(amount), facts(bid, sellable=held)).quantity == held


# --- a quantity that the plan gives ---------------------------------------------------------------


def test_a_quantity_in_the_plan_is_the_quantity() -> None:
    sizing = sized(an_item("SPY", "BUY", 1000, quantity="9.8"), facts())
    assert figures(sizing.quantity, sizing.allotted_usd, sizing.intended_usd, sizing.reason) == (
        Decimal("9.8"),
        1000,
        980,
        None,
    )


def test_a_quantity_is_rounded_down_to_what_the_broker_takes() -> None:
    assert sized(an_item("SPY", "BUY", 1000, quantity="9.8"), facts(fractionable=False)).quantity == 9


def test_a_quantity_is_cut_by_the_share_by_which_its_dollars_are_cut() -> None:
    sizing = sized(an_item("SPY", "BUY", 1000, quantity=9), facts(), allotted=500)
    assert figures(sizing.quantity, sizing.intended_usd, sizing.reason) == (
        Decimal("4.5"),
        450,
        Reason.FUNDS_CUT,
    )


def test_a_quantity_that_is_sold_is_capped_by_what_is_held() -> None:
    sizing = sized(a_sale(1000, quantity=10), facts(sellable=3))
    assert figures(sizing.quantity, sizing.reason) == (3, Reason.HELD_LESS_THAN_PLANNED)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_quantity_that_is_worth_less_than_a_cent_is_still_a_quantity(side: str) -> None:
    # Its dollars are 0.00: once this was a division by zero in the middle of an execution.
    item = an_item("SPY", side, None, quantity="0.00001", reference_price=100)
    assert item.planned_usd == 0
    assert sized(item, facts(sellable=1)).quantity == Decimal("0.00001")


# --- what is remembered of it ---------------------------------------------------------------------


def test_the_arrival_price_is_the_reference_price_of_the_plan() -> None:
    sizing = sized(an_item("SPY", "BUY", 1000, reference_price="98.5"), facts(bid=99, ask=101))
    assert sizing.arrival_price == Decimal("98.5")


def test_without_a_reference_price_the_arrival_price_is_the_mid() -> None:
    sizing = sized(an_item("SPY", "BUY", 1000), facts(bid=99, ask=101))
    assert figures(sizing.arrival_price, sizing.price_source) == (100, "test")


def test_a_side_is_sized_at_its_own_end_of_the_quote() -> None:
    known = facts(bid=99, ask=101, sellable=100)
    for action in Side:
        assert sized(an_item("SPY", action, 1000), known).price == known.quote.near(action)
