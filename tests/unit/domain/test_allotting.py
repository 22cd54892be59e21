from decimal import Decimal
from typing import Final

import pytest

from planfill.domain.allotting import allot
from planfill.domain.events import Event, FundsAllotted, LineClosed, OrderRefused, OrderReported
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.policy import ExecutionPolicy
from planfill.domain.state import ExecutionState
from planfill.domain.values import Money
from planfill.testing.builders import (
    a_plan,
    a_report,
    a_sizing,
    a_state,
    an_account,
    an_item,
    an_order,
    an_order_recorded,
)

PLAN = a_plan(an_item("S1", "SELL", 1000), an_item("B1", "BUY", 1500), an_item("B2", "BUY", 500))
SALE = an_order("S1", Side.SELL)
REFUSED = (
    an_order_recorded(SALE),
    OrderRefused(client_order_id=SALE.client_order_id, reason=Reason.REJECTED, detail="no"),
)


def usd(amount: object) -> Money:
    return Money(Decimal(str(amount)))


def shared(
    state: ExecutionState, cash: int, *, in_full: bool = False, **settings: str
) -> tuple[dict[str, Decimal], list[tuple[str, Reason]]]:
    """Share out this cash among the buys; give their dollars, and which were closed for which reason."""
    policy = ExecutionPolicy.model_validate({"cash_buffer_bps": 0, **settings})
    costs = {"B1": usd(1500), "B2": usd(500)}
    funded, *closed = allot(state, policy, costs, an_account(cash), in_full=in_full)
    assert isinstance(funded, FundsAllotted)
    return dict(funded.allotted), [(e.symbol, e.reason) for e in closed if isinstance(e, LineClosed)]


FULL: Final = {"B1": Decimal(1500), "B2": Decimal(500)}


def test_money_that_suffices_is_given_to_all() -> None:
    assert shared(a_state(plan=PLAN), 2000) == (FULL, [])


@pytest.mark.parametrize(
    ("on_shortfall", "money", "closed"),
    [
        ("scale", {"B1": 750, "B2": 250}, []),
        ("priority", {"B1": 0, "B2": 500}, ["B1"]),
        ("block", {"B1": 0, "B2": 0}, ["B1", "B2"]),
    ],
)
def test_money_that_does_not_is_shared_as_the_policy_says(
    on_shortfall: str, money: dict[str, Decimal], closed: list[str]
) -> None:
    expected = (money, [(symbol, Reason.NO_FUNDS) for symbol in closed])
    assert shared(a_state(plan=PLAN), 1000, on_shortfall=on_shortfall) == expected


@pytest.mark.parametrize(
    ("policy", "cash", "money", "closed"),
    [
        ("scale_buys", 5000, {"B1": 750, "B2": 250}, None),
        ("scale_buys", 500, {"B1": 375, "B2": 125}, None),
        ("scale_buys", 0, {"B1": 0, "B2": 0}, Reason.NO_FUNDS),
        ("block_buys", 5000, {"B1": 0, "B2": 0}, Reason.SELLS_FAILED),
        ("ignore", 5000, {"B1": 1500, "B2": 500}, None),
        ("ignore", 1000, {"B1": 750, "B2": 250}, None),
    ],
)
def test_buys_are_cut_by_what_the_sells_did_not_bring_as_the_policy_says(
    policy: str, cash: int, money: dict[str, Decimal], closed: Reason | None
) -> None:
    expected = (money, [(symbol, closed) for symbol in money] if closed else [])
    assert shared(a_state(*REFUSED, plan=PLAN), cash, on_failed_sell=policy) == expected


def test_what_is_missing_is_missing_only_once_the_sell_has_ended() -> None:
    state = a_state(an_order_recorded(SALE), plan=PLAN)
    assert shared(state, 5000, on_failed_sell="block_buys") == (FULL, [])


def test_what_other_buys_have_taken_counts_as_bought() -> None:
    plan = a_plan(*PLAN.items, an_item("B3", "BUY", 600))
    taken = FundsAllotted(cash_usd=usd(600), budget_usd=usd(600), allotted={"B3": usd(600)})
    bought = an_order_recorded(an_order("B3", quantity=6), a_sizing(6))
    # Of 2600 planned 1000 are missing, and 600 are taken: 1000 are left for the two.
    assert shared(a_state(taken, bought, *REFUSED, plan=plan), 5000) == (
        {"B1": Decimal(750), "B2": Decimal(250)},
        [],
    )
    skipped = LineClosed(symbol="B3", reason=Reason.NO_PRICE)
    assert shared(a_state(taken, skipped, *REFUSED, plan=plan), 5000) == (
        {"B1": Decimal(1200), "B2": Decimal(400)},
        [],
    )


@pytest.mark.parametrize(
    ("cash", "money"), [(1499, {}), (1500, {"B1": 1500}), (2000, {"B1": 1500, "B2": 500})]
)
def test_while_more_may_come_only_what_is_covered_gets_its_money_and_nothing_is_closed(
    cash: int, money: dict[str, Decimal]
) -> None:
    assert shared(a_state(plan=PLAN), cash, in_full=True) == (money, [])


def test_while_more_may_come_nothing_is_given_once_a_sell_has_failed() -> None:
    plan = a_plan(*PLAN.items, an_item("S2", "SELL", 1000))
    assert shared(a_state(*REFUSED, plan=plan), 5000, in_full=True) == ({}, [])
    assert shared(a_state(*REFUSED, plan=plan), 5000, in_full=True, on_failed_sell="ignore")[0] == {
        "B1": 1500,
        "B2": 500,
    }


def test_the_count_says_what_the_sells_had_brought() -> None:
    events: list[Event] = [an_order_recorded(SALE), OrderReported(report=a_report(SALE))]
    state = a_state(*events, plan=PLAN)
    funded, *_ = allot(state, ExecutionPolicy(), {"B1": usd(1500)}, an_account(5000))
    assert isinstance(funded, FundsAllotted)
    assert funded.proceeds_usd == 1000
    assert funded.cash_usd == 5000
    assert funded.budget_usd == 4975
