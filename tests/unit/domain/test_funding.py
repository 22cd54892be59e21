from collections.abc import Callable
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planfill.domain.events import CancelRequested, Event, FundsAllotted, LineClosed, OrderReported
from planfill.domain.funding import (
    BUDGET,
    CUT,
    WANTED,
    block,
    cash_budget,
    covered,
    priority,
    promised,
    scale,
    share,
    shows,
)
from planfill.domain.outcome import Reason
from planfill.domain.policy import ExecutionPolicy
from planfill.domain.report import OrderStatus
from planfill.domain.state import ExecutionState
from planfill.domain.values import Money
from planfill.testing.builders import (
    a_plan,
    a_policy,
    a_report,
    a_state,
    an_account,
    an_item,
    an_order,
    an_order_recorded,
    numbered,
    started,
)

CENTS = st.decimals(0, 10**9, places=2)


def usd(amount: object) -> Money:
    return Money(Decimal(str(amount)))


@given(st.lists(CENTS, min_size=1, max_size=8), st.decimals(0, 10**9, places=4))
def test_cut_lines_never_exceed_the_budget_and_none_grows(amounts: list[Decimal], budget: Decimal) -> None:
    lines = {f"S{n}": Money(amount) for n, amount in enumerate(amounts)}
    cut = scale(lines, Money(budget))
    assert sum(cut.values()) <= budget or cut == lines
    assert cut.keys() == lines.keys()
    for symbol, amount in cut.items():
        assert 0 <= amount <= lines[symbol]
        assert amount == round(amount, 2)


@given(st.lists(CENTS, min_size=1, max_size=8), st.decimals(0, 1, places=4))
def test_no_line_loses_more_than_its_share_and_a_cent(amounts: list[Decimal], part: Decimal) -> None:
    lines = {f"S{n}": Money(amount) for n, amount in enumerate(amounts)}
    wanted = sum(amounts)
    for symbol, amount in scale(lines, Money(wanted * part)).items():
        assert amount > lines[symbol] * part - Decimal("0.01")


def test_what_fits_the_budget_is_not_cut() -> None:
    lines = {"A": usd("600.01"), "B": usd("399.99")}
    assert scale(lines, usd(1000)) == lines
    assert scale(lines, usd("999.99")) == {"A": usd("600.00"), "B": usd("399.98")}


def test_without_money_nothing_is_left_of_any_line() -> None:
    assert scale({"A": usd(600), "B": usd(400)}, usd(0)) == {"A": 0, "B": 0}


def test_no_lines_need_no_money() -> None:
    assert scale({}, usd(0)) == {}


@pytest.mark.parametrize(
    ("planned", "granted", "cost", "part"),
    [
        (1000, 1100, 1100, "1000"),
        (1000, 2000, 1100, "1000"),
        (1000, 550, 1100, "500"),
        (1000, 0, 1100, "0"),
        (1000, 1000, 1100, "909.09"),  # 909.0909...
        (200, 200, 300, "133.33"),
        (1000, 2, 3, "666.66"),  # 666.666...
        (0, 0, 0, "0"),
    ],
)
def test_a_line_that_costs_more_than_its_dollars_gets_the_part_that_was_granted(
    planned: int, granted: int, cost: int, part: str
) -> None:
    assert share(usd(planned), usd(granted), usd(cost)) == Decimal(part)


def test_the_budget_is_the_cash_less_the_open_buys_less_the_buffer() -> None:
    assert cash_budget(an_account(10_000, open_buys=2_000), Decimal(50)) == 7_960
    assert cash_budget(an_account(10_000), Decimal(0)) == 10_000


@pytest.mark.parametrize(("cash", "open_buys"), [(-500, 0), (1000, 1000), (1000, 2000)])
def test_the_budget_is_never_less_than_nothing(cash: int, open_buys: int) -> None:
    assert cash_budget(an_account(cash, open_buys=open_buys), Decimal(50)) == 0


def test_margin_is_no_cash() -> None:
    account = an_account(1000, buying_power_usd=Decimal(4000), settled_usd=Decimal(9999))
    assert cash_budget(account, Decimal(0)) == 1000


@pytest.mark.parametrize(
    ("cash", "shown"),
    [("1500", True), ("1499.50", True), ("1499.49", False), ("1000", False), ("2000", True)],
)
def test_proceeds_show_when_all_but_a_thousandth_has_arrived(cash: str, *, shown: bool) -> None:
    assert shows(usd(cash), usd(1000), usd(500)) is shown


@given(
    st.sampled_from([scale, priority, block]), st.lists(CENTS, max_size=8), st.decimals(0, 10**9, places=4)
)
def test_no_cut_spends_more_than_there_is(
    cut: Callable[..., dict[str, Money]], amounts: list[Decimal], budget: Decimal
) -> None:
    lines = {f"S{n}": Money(amount) for n, amount in enumerate(amounts)}
    granted = cut(lines, Money(budget))
    assert granted.keys() == lines.keys()
    assert sum(granted.values()) <= budget
    assert all(0 <= granted[symbol] <= lines[symbol] for symbol in lines)


def test_by_priority_whole_lines_are_served_and_one_that_does_not_fit_is_left_out() -> None:
    lines = {"A": usd(600), "B": usd(500), "C": usd(400)}
    assert priority(lines, usd(1000)) == {"A": 600, "B": 0, "C": 400}
    assert priority(lines, usd(1500)) == lines


def test_a_shortfall_of_a_cent_blocks_all() -> None:
    lines = {"A": usd(600), "B": usd(400)}
    assert block(lines, usd(1000)) == lines
    assert block(lines, usd("999.99")) == {"A": 0, "B": 0}


@pytest.mark.parametrize(
    ("budget", "served"), [(1000, ["A"]), (1100, ["A", "B"]), (599, []), (1500, ["A", "B", "C"])]
)
def test_what_is_covered_is_served_whole_and_nothing_overtakes(budget: int, served: list[str]) -> None:
    lines = {"A": usd(600), "B": usd(500), "C": usd(400)}
    assert covered(lines, usd(budget)) == {symbol: lines[symbol] for symbol in served}


def test_what_has_settled_and_what_can_be_borrowed_have_budgets_of_their_own() -> None:
    account = an_account(1000, open_buys=100, settled_usd=Decimal(400), buying_power_usd=Decimal(2100))
    assert {name: budget(account, Decimal(0)) for name, budget in BUDGET.items()} == {
        "cash": 900,
        "settled": 300,
        "margin": 2000,
    }
    assert BUDGET["margin"](account, Decimal(5000)) == 1000


@pytest.mark.parametrize(
    ("policy", "missing", "wanted"),
    [
        ("scale_buys", 0, 1000), ("scale_buys", 300, 700), ("scale_buys", 2000, 0),
        ("block_buys", 0, 1000), ("block_buys", 1, 0),
        ("ignore", 0, 1000), ("ignore", 2000, 1000),
    ],
)  # fmt: skip
def test_failed_sells_lessen_the_buys_as_the_policy_says(policy: str, missing: int, wanted: int) -> None:
    assert WANTED[policy](usd(1000), usd(missing)) == wanted


@pytest.mark.parametrize(
    ("rows", "setting"), [(BUDGET, "funding"), (CUT, "on_shortfall"), (WANTED, "on_failed_sell")]
)
def test_every_policy_that_can_be_set_exists(rows: dict[str, object], setting: str) -> None:
    annotation = ExecutionPolicy.model_fields[setting].annotation
    assert set(rows) == set(get_args(annotation))


# A buy of 10 shares, sized at 100, that works at 99 and has filled 4: another order at 100 may follow.
WALKING = a_policy(style="walk")
WORKS = an_order(quantity=10, limit_price=99)
OPEN = [an_order_recorded(WORKS), OrderReported(report=a_report(WORKS, OrderStatus.PARTIALLY_FILLED, 4, 99))]
CANCEL = CancelRequested(client_order_id=WORKS.client_order_id, reason=Reason.DEADLINE)
ENDED = [*OPEN, CANCEL, OrderReported(report=a_report(WORKS, OrderStatus.CANCELED, 4, 99))]
FUNDED = FundsAllotted(cash_usd=usd(9999), budget_usd=usd(9999), allotted={"SPY": usd(1000)})


@pytest.mark.parametrize(
    ("events", "dollars"),
    [
        ([], 0),
        ([FUNDED], 1000),
        (OPEN, 6),
        ([*OPEN, CANCEL], 6),
        (ENDED, 600),
        ([*ENDED, LineClosed(symbol="SPY", reason=Reason.NO_PRICE)], 0),
        ([*OPEN, OrderReported(report=a_report(WORKS, OrderStatus.CANCELED, 4, 99))], 0),
        ([an_order_recorded(WORKS), OrderReported(report=a_report(WORKS, price=99))], 0),
    ],
    ids=[
        "no money yet",
        "not ordered yet",
        "works",
        "to be canceled",
        "between two orders",
        "left",
        "canceled by others",
        "filled",
    ],
)
def test_a_buy_that_walks_has_its_money_until_it_can_take_no_more(events: list[Event], dollars: int) -> None:
    state = ExecutionState()
    for recorded in numbered(started(a_plan(an_item()), policy=WALKING), *events):
        state.apply(recorded)
    assert promised(state.lines.values()) == dollars


def test_a_market_order_and_a_sell_may_take_no_more_than_the_account_shows() -> None:
    working = OrderReported(report=a_report(status=OrderStatus.NEW, filled=0))
    assert promised(a_state(an_order_recorded(), working).lines.values()) == 0
    plan = a_plan(an_item("SPY", "SELL", -1000))
    assert promised(a_state(plan=plan).lines.values()) == 0
