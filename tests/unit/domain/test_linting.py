"""Every rule that a plan would break, at once."""

from decimal import Decimal

import pytest

from planfill.domain.facts import Facts
from planfill.domain.linting import REMEDY, BrokenRule, lint
from planfill.domain.market import MarketSession, NoQuote
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.plan import PlanItem
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.state import LineState
from planfill.domain.values import Quantity
from planfill.testing.builders import (
    a_policy,
    a_quote,
    a_report,
    a_session,
    an_instrument,
    an_item,
    an_order,
)
from planfill.testing.clock import START

SYMBOLS = ("SPY", "QQQ", "WHL")
INSTRUMENTS = {
    "SPY": an_instrument("SPY", min_order_usd=Decimal(1)),
    "QQQ": an_instrument("QQQ", tradable=False),
    "WHL": an_instrument("WHL", fractionable=False),
}


def linted(
    *items: PlanItem, session: MarketSession | None = None, open_orders: tuple[ExecutionReport, ...] = ()
) -> list[tuple[str, Reason]]:
    return [(one.symbol, one.rule) for one in in_full(*items, session=session, open_orders=open_orders)]


def in_full(
    *items: PlanItem, session: MarketSession | None = None, open_orders: tuple[ExecutionReport, ...] = ()
) -> tuple[BrokenRule, ...]:
    quotes = {symbol: a_quote(symbol, "99.99", "100.01") for symbol in SYMBOLS}
    sellable = {"SPY": Quantity(Decimal(5))}
    facts = Facts(session or a_session(), quotes, INSTRUMENTS, sellable, open_orders, START)
    return lint([LineState(item, rank) for rank, item in enumerate(items)], facts, a_policy())


def test_a_plan_that_keeps_the_rules_has_none_broken() -> None:
    assert linted(an_item("SPY"), an_item("WHL")) == []


def test_every_line_and_every_rule_is_listed_in_the_order_of_the_plan() -> None:
    foreign = a_report(an_order("QQQ", Side.SELL), OrderStatus.NEW, 0)
    items = (
        an_item("WHL", trade_amount=40),
        an_item("QQQ", reference_price=50),
        an_item("SPY"),
        an_item("XYZ"),
    )
    assert linted(*items, open_orders=(foreign,)) == [
        ("WHL", Reason.ROUNDS_TO_ZERO),
        ("QQQ", Reason.NOT_TRADABLE),
        ("QQQ", Reason.WASH_TRADE),
        ("QQQ", Reason.PRICE_DEVIATION),
        ("XYZ", Reason.NOT_TRADABLE),
        ("XYZ", Reason.NO_PRICE),
    ]


def test_a_buy_of_a_dollar_that_rounds_to_less_is_too_small() -> None:
    assert linted(an_item("SPY", trade_amount=1)) == [("SPY", Reason.TOO_SMALL)]


def test_what_is_less_than_a_dollar_is_no_matter_of_rules() -> None:
    assert linted(an_item("WHL", trade_amount="0.50")) == []


def test_a_sale_of_what_is_not_held_is_listed() -> None:
    assert linted(an_item("WHL", "SELL", -100), an_item("SPY", "SELL", -100)) == [("WHL", Reason.NOT_HELD)]


@pytest.mark.parametrize(
    ("session", "rule"),
    [
        (a_session(is_open=False), Reason.MARKET_CLOSED),
        (a_session(closes_in_s=10), Reason.CLOSING_SOON),
    ],
)
def test_the_hours_are_told_once_for_all_lines_beside_their_own(session: MarketSession, rule: Reason) -> None:
    assert linted(an_item("SPY"), an_item("QQQ"), session=session) == [
        ("", rule),
        ("QQQ", Reason.NOT_TRADABLE),
    ]


def test_a_reason_of_a_price_source_that_nobody_foresaw_is_listed_too() -> None:
    told = NoQuote(symbol="SPY", reason=Reason.BROKER_UNAVAILABLE, detail="its own feed is down")
    facts = Facts(a_session(), {"SPY": told}, INSTRUMENTS, {}, (), START)
    (broken,) = lint([LineState(an_item("SPY"), 0)], facts, a_policy())
    assert (broken.rule, broken.detail) == (Reason.BROKER_UNAVAILABLE, "its own feed is down")
    assert broken.remedy


def test_a_broken_rule_says_what_and_what_to_do() -> None:
    (broken,) = in_full(an_item("WHL", trade_amount=40))
    assert broken == BrokenRule(
        symbol="WHL",
        rule=Reason.ROUNDS_TO_ZERO,
        detail="$40.00 do not reach for 1 shares at 100.01",
        remedy=REMEDY[Reason.ROUNDS_TO_ZERO],
    )
