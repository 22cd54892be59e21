from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from planfill.domain.comparing import compare, since
from planfill.domain.errors import LedgerCorrupt
from planfill.domain.events import (
    Event,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
)
from planfill.domain.identity import ExecutionKey, client_order_ids, stem_of
from planfill.domain.order import Order, Side
from planfill.domain.outcome import Reason
from planfill.domain.reconciliation import Difference, Discrepancy
from planfill.domain.records import BrokerRecord
from planfill.domain.report import ExecutionReport, Fill, OrderStatus
from planfill.domain.state import ExecutionState
from planfill.domain.values import Money, Quantity
from planfill.testing.builders import (
    PAPER,
    a_fill,
    a_plan,
    a_report,
    an_item,
    an_order,
    an_order_recorded,
    numbered,
    started,
)
from planfill.testing.clock import START

KEY = ExecutionKey(account=PAPER, plan_id="plan-1")
NAMES = client_order_ids(KEY, ("QQQ", "SPY"), 1)
BUY = an_order("SPY", quantity=10, client_order_id=NAMES["SPY"])
SALE = an_order("QQQ", Side.SELL, quantity=4, client_order_id=NAMES["QQQ"])
PLAN = a_plan(an_item("SPY"), an_item("QQQ", "SELL", 400))
LONG_BEFORE, SHORTLY_BEFORE, LATER = (
    START - timedelta(hours=1),
    START - timedelta(seconds=2),
    START + timedelta(hours=1),
)


def an_execution(
    *events: Event, cash: int = 100_000, positions: Mapping[str, int] | None = None
) -> ExecutionState:
    """Fold an execution that began with 20 shares of QQQ."""
    held = {"QQQ": 20} if positions is None else positions
    state = ExecutionState()
    for recorded in numbered(started(PLAN, cash=cash, positions=held), *events):
        state.apply(recorded)
    return state


def filled(order: Order, quantity: int | None = None, price: str | None = "100") -> list[Event]:
    status = OrderStatus.FILLED if quantity is None else OrderStatus.CANCELED
    report = a_report(order, status, quantity, price)
    return [an_order_recorded(order), OrderReported(report=report)]


def a_record(
    orders: Sequence[ExecutionReport] = (),
    fills: Sequence[Fill] = (),
    *,
    positions: Mapping[str, int | str] | None = None,
    cash: str = "100000",
) -> BrokerRecord:
    held = {"QQQ": 20} if positions is None else positions
    return BrokerRecord(
        orders, fills, {s: Quantity(Decimal(n)) for s, n in held.items()}, Money(Decimal(cash))
    )


BOUGHT = an_execution(*filled(BUY))
IN_ORDER = a_record([a_report(BUY)], [a_fill(BUY)], positions={"SPY": 10, "QQQ": 20}, cash="99000")


def test_the_fills_of_some_orders_come_oldest_first() -> None:
    first, other, later = a_fill(BUY), a_fill(SALE, fill_id="fill-2"), a_fill(BUY, fill_id="fill-3")
    record = a_record(fills=[first, other, later])
    both = {first.broker_order_id, other.broker_order_id}
    assert record.fills_of(both) == [first, other, later]
    assert record.fills_of({first.broker_order_id}) == [first, later]
    assert list(record.fills_in(SALE.symbol)) == [other]


def only(found: tuple[Difference, ...]) -> Difference:
    (one,) = found
    return one


def kinds(found: tuple[Difference, ...]) -> list[Discrepancy]:
    return [one.kind for one in found]


def a_stranger(
    quantity: int = 3, *, side: Side = Side.BUY, name: str = "somebody-1", symbol: str = "SPY"
) -> Order:
    return an_order(symbol, side, quantity, client_order_id=name)


def test_plan_and_fills_are_what_the_broker_has() -> None:
    assert compare(BOUGHT, IN_ORDER) == ()


def test_sells_add_to_the_cash_and_take_from_the_position() -> None:
    state = an_execution(*filled(BUY), *filled(SALE, price="50"))
    record = a_record(
        [a_report(BUY), a_report(SALE, price=50)],
        [a_fill(BUY, fees_usd=Decimal("1.25")), a_fill(SALE, 4, 50, fees_usd=Decimal("0.75"))],
        positions={"SPY": 10, "QQQ": 16},
        cash="99198.00",
    )
    assert compare(state, record) == ()


def test_an_order_that_the_broker_does_not_list_is_missing() -> None:
    record = a_record(fills=[a_fill(BUY)], positions={"SPY": 10, "QQQ": 20}, cash="99000")
    missing = only(compare(BOUGHT, record))
    assert (missing.kind, missing.symbol, missing.client_order_id) == ("ORDER_MISSING", "SPY", NAMES["SPY"])
    assert (missing.ours, missing.theirs) == ("10 shares filled", "no such order")


def test_an_order_that_filled_nothing_need_not_be_listed() -> None:
    assert compare(an_execution(*filled(BUY, 0)), a_record()) == ()
    assert compare(an_execution(an_order_recorded(BUY)), a_record()) == ()


def test_an_order_of_ours_that_the_ledger_lacks_is_unknown() -> None:
    record = a_record([a_report(BUY)], [a_fill(BUY)], positions={"SPY": 10, "QQQ": 20}, cash="99000")
    unknown = only(compare(an_execution(), record))
    assert (unknown.kind, unknown.client_order_id) == (Discrepancy.ORDER_UNKNOWN, NAMES["SPY"])
    assert (unknown.ours, unknown.theirs) == ("no such order", "BUY FILLED, 10 shares filled")


def test_a_second_order_under_a_name_of_ours_is_unknown() -> None:
    twin = a_report(BUY, broker_order_id="broker-twin")
    for listed in ([a_report(BUY), twin], [twin, a_report(BUY)]):
        record = a_record(
            listed,
            [a_fill(BUY), a_fill(BUY, broker_order_id="broker-twin")],
            positions={"SPY": 20, "QQQ": 20},
            cash="98000",
        )
        assert kinds(compare(BOUGHT, record)) == [Discrepancy.ORDER_UNKNOWN]


def test_an_order_that_was_never_placed_for_us_is_unknown_where_the_broker_has_it() -> None:
    not_sent = OrderNotSent(client_order_id=BUY.client_order_id, reason=Reason.RESOLVED)
    state = an_execution(an_order_recorded(BUY), not_sent)
    unknown = only(compare(state, a_record([a_report(BUY, OrderStatus.NEW, 0)])))
    assert (unknown.kind, unknown.ours) == (Discrepancy.ORDER_UNKNOWN, "never placed")
    assert compare(state, a_record()) == ()


@pytest.mark.parametrize("status", [OrderStatus.NEW, OrderStatus.PENDING_CANCEL, OrderStatus.UNKNOWN])
def test_an_order_that_has_ended_for_us_and_works_on_is_open(status: OrderStatus) -> None:
    works = a_record([a_report(BUY, status, 0)])
    refused = OrderRefused(client_order_id=BUY.client_order_id, reason=Reason.REJECTED, detail="no")
    for state in (an_execution(*filled(BUY, 0)), an_execution(an_order_recorded(BUY), refused)):
        found = only(compare(state, works))
        assert (found.kind, found.ours) == (Discrepancy.ORDER_OPEN, "ended, 0 shares filled")


def test_an_order_in_doubt_may_work_at_the_broker() -> None:
    doubt = OrderUnresolved(client_order_id=BUY.client_order_id, reason=Reason.OUTCOME_UNKNOWN, detail="504")
    state = an_execution(an_order_recorded(BUY), doubt)
    assert compare(state, a_record([a_report(BUY, OrderStatus.NEW, 0)])) == ()
    found = only(compare(state, IN_ORDER))
    assert (found.kind, found.ours, found.theirs) == ("FILLED_QUANTITY", "0 shares", "10 shares")


@pytest.mark.parametrize("fills", [[], [a_fill(BUY, 4)], [a_fill(BUY, 4), a_fill(BUY, "6.000000001")]])
def test_fills_that_do_not_add_up_are_told(fills: list[Fill]) -> None:
    paid = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
    held = sum((fill.quantity for fill in fills), Decimal(0))
    record = a_record(
        [a_report(BUY)], fills, positions={"SPY": f"{held}", "QQQ": 20}, cash=f"{100_000 - paid:.2f}"
    )
    assert kinds(compare(BOUGHT, record)) == [Discrepancy.FILLED_QUANTITY]


@pytest.mark.parametrize("fields", [{"symbol": "QQQ"}, {"side": Side.SELL}])
def test_fills_of_another_symbol_or_side_are_not_the_orders(fields: dict[str, Any]) -> None:
    record = a_record(
        [a_report(BUY)], [a_fill(BUY, **fields)], positions={"SPY": 10, "QQQ": 20}, cash="99000"
    )
    assert Discrepancy.FILLED_QUANTITY in kinds(compare(BOUGHT, record))


def test_fills_at_another_price_are_told() -> None:
    record = a_record(
        [a_report(BUY)], [a_fill(BUY, price="100.01")], positions={"SPY": 10, "QQQ": 20}, cash="98999.90"
    )
    value = only(compare(BOUGHT, record))
    assert (value.kind, value.ours, value.theirs) == ("FILLED_VALUE", "$1000.00", "$1000.10")


def test_a_rounded_average_price_is_no_difference() -> None:
    fills = [a_fill(BUY, 3, "100.01"), a_fill(BUY, 7, "100.02")]
    state = an_execution(*filled(BUY, price="100.017"))
    record = a_record([a_report(BUY)], fills, positions={"SPY": 10, "QQQ": 20}, cash="98999.83")
    assert compare(state, record) == ()
    rounded = an_execution(*filled(BUY, price="100.0169"))
    assert compare(rounded, record) == ()


def test_a_fill_without_a_price_is_worth_nothing_that_could_differ() -> None:
    state = an_execution(*filled(BUY, price=None))
    assert compare(state, IN_ORDER) == ()


def test_what_somebody_replaced_is_followed() -> None:
    replaced = a_report(BUY, OrderStatus.REPLACED, 4, replaced_by="broker-2")
    other = a_report(a_stranger(6, name="generated"), broker_order_id="broker-2", replaced_by="broker-gone")
    fills = [a_fill(BUY, 4), a_fill(BUY, 6, broker_order_id="broker-2")]
    record = a_record([replaced, other], fills, positions={"SPY": 10, "QQQ": 20}, cash="99000")
    assert compare(BOUGHT, record) == ()
    works = a_report(a_stranger(6, name="generated"), OrderStatus.NEW, 0, broker_order_id="broker-2")
    assert kinds(
        compare(BOUGHT, a_record([replaced, works], fills, positions={"SPY": 10, "QQQ": 20}, cash="99000"))
    ) == [Discrepancy.ORDER_OPEN]


def test_orders_that_replace_each_other_in_a_circle_are_followed_once() -> None:
    one = a_report(BUY, OrderStatus.REPLACED, replaced_by="broker-2")
    other = a_report(
        a_stranger(), OrderStatus.REPLACED, 0, broker_order_id="broker-2", replaced_by=one.broker_order_id
    )
    record = a_record([one, other], [a_fill(BUY)], positions={"SPY": 10, "QQQ": 20}, cash="99000")
    assert compare(BOUGHT, record) == ()


def test_the_evidence_of_an_operator_is_compared_with_the_order_that_bears_its_name() -> None:
    told = a_report(BUY, broker_order_id="told-by-operator")
    state = an_execution(an_order_recorded(BUY), OrderReported(report=told))
    assert compare(state, IN_ORDER) == ()


def test_a_position_that_no_fill_explains_is_told() -> None:
    record = a_record(
        [a_report(BUY)], [a_fill(BUY)], positions={"SPY": "10.000000001", "QQQ": 20}, cash="99000"
    )
    position = only(compare(BOUGHT, record))
    assert (position.kind, position.symbol) == (Discrepancy.POSITION, "SPY")
    assert (position.ours, position.theirs) == ("10 shares", "10.000000001 shares")
    gone = a_record([a_report(BUY)], [a_fill(BUY)], positions={"SPY": 10}, cash="99000")
    assert only(compare(BOUGHT, gone)).theirs == "0 shares"


def test_where_nobody_knows_what_was_held_no_position_is_compared() -> None:
    state = ExecutionState()
    for recorded in numbered(started(PLAN)):
        state.apply(recorded)
    assert compare(state, a_record(positions={"SPY": 77})) == ()


@pytest.mark.parametrize(
    ("cash", "in_order"), [("98999.97", True), ("99000.03", True), ("98999.96", False), ("99000.04", False)]
)
def test_cash_may_differ_by_a_cent_a_booking(cash: str, in_order: bool) -> None:  # noqa: FBT001
    fill = a_fill(BUY, fees_usd=Decimal(0))
    record = a_record([a_report(BUY)], [fill], positions={"SPY": 10, "QQQ": 20}, cash=cash)
    found = compare(BOUGHT, record)
    if in_order:
        assert found == ()
    else:
        assert (only(found).kind, only(found).ours, only(found).theirs) == ("CASH", "$99000.00", f"${cash}")


@pytest.mark.parametrize(("cash", "in_order"), [("98999.87", True), ("98999.86", False)])
def test_of_fees_that_nobody_told_a_basis_point_is_tolerated(cash: str, in_order: bool) -> None:  # noqa: FBT001
    record = a_record([a_report(BUY)], [a_fill(BUY)], positions={"SPY": 10, "QQQ": 20}, cash=cash)
    assert (compare(BOUGHT, record) == ()) is in_order


def test_an_open_order_of_somebody_else_in_a_symbol_of_the_plan_is_told() -> None:
    open_order = a_report(a_stranger(), OrderStatus.NEW, 0)
    foreign = only(compare(an_execution(), a_record([open_order])))
    assert foreign.is_foreign
    assert (foreign.kind, foreign.client_order_id) == (Discrepancy.FOREIGN_ORDER, "somebody-1")
    assert foreign.theirs == "BUY NEW, 0 shares filled"


def test_what_somebody_else_filled_since_is_told_once_and_explains_the_position_and_the_cash() -> None:
    stranger = a_stranger()
    record = a_record(
        [a_report(stranger)],
        [a_fill(stranger, 1), a_fill(stranger, 2)],
        positions={"SPY": 3, "QQQ": 20},
        cash="99700",
    )
    foreign = only(compare(an_execution(), record))
    assert (foreign.kind, foreign.theirs) == ("FOREIGN_ORDER", "BUY FILLED, 3 shares filled")


def test_a_fill_of_an_order_that_is_not_listed_is_somebody_elses() -> None:
    stranger = a_stranger(side=Side.SELL, symbol="QQQ")
    fills = [a_fill(stranger, 1, filled_at=LATER), a_fill(stranger, 2, filled_at=LATER)]
    foreign = only(compare(an_execution(), a_record(fills=fills, positions={"QQQ": 17}, cash="100300")))
    assert (foreign.kind, foreign.client_order_id, foreign.theirs) == (
        "FOREIGN_ORDER",
        None,
        "SELL, 3 shares filled",
    )


def test_what_somebody_else_did_before_or_in_other_symbols_or_in_vain_is_not_told() -> None:
    before, elsewhere, in_vain = (
        a_stranger(name="1"),
        a_stranger(name="2", symbol="XOM"),
        a_stranger(name="3"),
    )
    record = a_record(
        [
            a_report(before),
            a_report(elsewhere, OrderStatus.NEW, 0),
            a_report(in_vain, OrderStatus.CANCELED, 0),
        ],
        [a_fill(before, 3, filled_at=SHORTLY_BEFORE)],
    )
    assert compare(an_execution(), record) == ()


def test_what_another_execution_in_the_ledger_did_is_not_foreign() -> None:
    key = ExecutionKey(account=PAPER, plan_id="plan-2")
    sibling = a_stranger(10, name=client_order_ids(key, ("SPY",), 1)["SPY"])
    record = a_record(
        [a_report(sibling)],
        [a_fill(sibling, filled_at=LATER)],
        positions={"SPY": 10, "QQQ": 20},
        cash="99000",
    )
    assert compare(an_execution(), record, {stem_of(key)}) == ()
    assert kinds(compare(an_execution(), record)) == [Discrepancy.FOREIGN_ORDER]


@pytest.mark.parametrize(("held", "cash"), [(20, "100000"), (22, "99800"), (23, "99700")])
def test_fills_about_the_beginning_may_be_in_what_was_read_then_or_not(held: int, cash: str) -> None:
    early, late = a_stranger(1, symbol="QQQ", name="1"), a_stranger(2, symbol="QQQ", name="2")
    fills = [a_fill(early, 1, filled_at=SHORTLY_BEFORE), a_fill(late, 2, filled_at=SHORTLY_BEFORE)]
    record = a_record([a_report(early), a_report(late)], fills, positions={"QQQ": held}, cash=cash)
    assert compare(an_execution(), record) == ()


def test_of_the_fills_about_the_beginning_not_the_earlier_alone_can_be_new() -> None:
    early, late = a_stranger(1, symbol="QQQ", name="1"), a_stranger(2, symbol="QQQ", name="2")
    fills = [a_fill(early, 1, filled_at=SHORTLY_BEFORE), a_fill(late, 2, filled_at=SHORTLY_BEFORE)]
    record = a_record([a_report(early), a_report(late)], fills, positions={"QQQ": 21}, cash="99900")
    assert kinds(compare(an_execution(), record)) == [Discrepancy.POSITION, Discrepancy.CASH]


def test_the_lists_are_read_from_before_the_beginning_whatever_the_brokers_clock_says() -> None:
    assert LONG_BEFORE < since(BOUGHT) < SHORTLY_BEFORE


def test_an_execution_that_does_not_begin_with_its_plan_is_an_error() -> None:
    for question in (since, lambda state: compare(state, a_record())):
        with pytest.raises(LedgerCorrupt, match="begin with its plan"):
            question(ExecutionState())
