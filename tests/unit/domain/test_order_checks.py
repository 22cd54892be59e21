"""The rules of one order, each found before it is sent."""

from decimal import Decimal

import pytest

from planfill.domain.checks import Objection
from planfill.domain.market import Capabilities, Instrument
from planfill.domain.order import Order, Side
from planfill.domain.order_checks import check_opposite, check_order, check_size_shown, is_at_work
from planfill.domain.outcome import Reason
from planfill.domain.policy import ExecutionPolicy, LimitsPolicy
from planfill.domain.report import OrderStatus
from planfill.domain.sizing import SizingFacts
from planfill.domain.values import Quantity
from planfill.testing.builders import a_quote, a_report, a_sizing, an_instrument, an_item, an_order

WHOLE = an_instrument(fractionable=False)
LEAST = an_instrument(min_order_usd=Decimal(1))


def facts(instrument: Instrument, sellable: int = 0) -> SizingFacts:
    return SizingFacts(a_quote(), instrument, Quantity(Decimal(sellable)), Decimal("0.05"))


def checked(
    order: Order, instrument: Instrument, price: str = "100", sellable: int = 0, most: int | None = None
) -> Objection | None:
    limits = LimitsPolicy(max_order_shares=None if most is None else Quantity(Decimal(most)))
    return check_order(order, a_sizing(order.quantity or 1, price), facts(instrument, sellable), limits)


def test_an_order_that_keeps_every_rule_passes() -> None:
    assert checked(an_order(quantity=3, limit_price="99.99"), WHOLE) is None


def test_a_part_of_a_share_is_refused_where_shares_are_whole() -> None:
    assert checked(an_order(quantity="1.5"), WHOLE) == Objection(
        Reason.NOT_FRACTIONABLE, "1.5 shares are no multiple of 1"
    )


def test_a_step_finer_than_the_brokers_is_refused() -> None:
    coarse = an_instrument(quantity_increment=Decimal("0.001"))
    assert checked(an_order(quantity="1.001"), coarse) is None
    assert checked(an_order(quantity="1.0001"), coarse) == Objection(
        Reason.NOT_FRACTIONABLE, "1.0001 shares are no multiple of 0.001"
    )


def test_too_few_dollars_are_refused_to_the_last_digit() -> None:
    assert checked(an_order(quantity="0.01"), LEAST) is None
    assert checked(an_order(quantity="0.009999999"), LEAST) == Objection(
        Reason.TOO_SMALL, "0.009999999 shares at 100 are under the broker's minimum of $1"
    )
    assert checked(an_order(quantity="0.009999999"), an_instrument()) is None


def test_what_is_left_of_a_position_may_be_sold_for_any_dollars() -> None:
    sale = an_order(side=Side.SELL, quantity=1)
    assert checked(sale, LEAST, price="0.58", sellable=1) is None
    assert checked(sale, LEAST, price="0.58", sellable=2) is not None
    assert checked(an_order(quantity=1), LEAST, price="0.58", sellable=1) is not None


def test_dollars_have_no_steps_but_a_minimum() -> None:
    enough = Order.model_validate({**dict(an_order()), "quantity": None, "notional": Decimal(1)})
    little = Order.model_validate({**dict(enough), "notional": Decimal("0.99")})
    assert checked(enough, LEAST) is None
    assert checked(little, LEAST) == Objection(Reason.TOO_SMALL, "$0.99 are under the broker's minimum of $1")


@pytest.mark.parametrize(("limit", "passes"), [("99.99", True), ("99.995", False), ("0.9995", True)])
def test_a_limit_off_the_ticks_is_refused(limit: str, *, passes: bool) -> None:
    found = checked(an_order(limit_price=limit), WHOLE)
    assert (found is None) is passes
    assert found is None or found.reason is Reason.PRICE_INCREMENT


def test_an_open_order_of_the_other_side_in_the_same_symbol_is_a_wash_trade() -> None:
    foreign = a_report(an_order("SPY", Side.SELL), OrderStatus.NEW, 0)
    found = check_opposite(an_item("SPY", "BUY"), [foreign])
    assert found is not None
    assert (found.reason, foreign.broker_order_id in found.detail) == (Reason.WASH_TRADE, True)
    assert check_opposite(an_item("QQQ", "BUY"), [foreign]) is None
    assert check_opposite(an_item("SPY", "SELL", -1000), [foreign]) is None
    assert check_opposite(an_item("SPY", "BUY"), []) is None


@pytest.mark.parametrize(
    ("status", "works"),
    [
        (OrderStatus.NEW, True),
        (OrderStatus.UNKNOWN, True),
        (OrderStatus.PENDING_CANCEL, True),
        (OrderStatus.REPLACED, False),
        (OrderStatus.CANCELED, False),
        (OrderStatus.FILLED, False),
    ],
)
def test_what_may_trade_is_at_work(status: OrderStatus, *, works: bool) -> None:
    assert is_at_work(a_report(status=status)) is works


def test_a_broker_without_fractions_has_none_in_any_instrument() -> None:
    none, some = (Capabilities(unique_ids=True, fractions=fractions) for fractions in (False, True))
    assert an_instrument().within(none).lot == 1
    assert an_instrument().within(some) == an_instrument()
    assert WHOLE.within(none) == WHOLE


def test_an_order_may_have_as_many_shares_as_the_setting_and_no_more() -> None:
    assert checked(an_order(quantity=10), WHOLE, most=10) is None
    assert checked(an_order(quantity=11), WHOLE, most=10) == Objection(
        Reason.LIMIT, "11, max_order_shares allows 10"
    )


@pytest.mark.parametrize(
    ("side", "quantity", "thin"),
    [(Side.BUY, 30, False), (Side.BUY, 31, True), (Side.SELL, 15, False), (Side.SELL, 16, True)],
)
def test_shares_are_compared_with_what_is_shown_on_their_side(
    side: Side, quantity: int, *, thin: bool
) -> None:
    policy = ExecutionPolicy(max_quote_size_pct=Decimal(15))
    found = check_size_shown(a_sizing(quantity), side, a_quote(shown=(100, 200)), policy)
    assert (found is not None) is thin
    assert found is None or found.reason is Reason.THIN_QUOTE


def test_where_a_size_must_be_known_its_absence_is_said() -> None:
    policy = ExecutionPolicy(max_quote_size_pct=Decimal(15))
    assert check_size_shown(a_sizing(), Side.BUY, a_quote(), policy) == Objection(
        Reason.THIN_QUOTE, "test does not say how many shares are shown"
    )
    assert check_size_shown(a_sizing(), Side.BUY, a_quote(), ExecutionPolicy()) is None
