from __future__ import annotations

from planfill.domain.reconciliation import Difference, Discrepancy, Reconciliation
from planfill.domain.values import ClientOrderId

CASH = Difference(kind=Discrepancy.CASH, ours="$1.00", theirs="$2.00")
ORDER = Difference(
    kind=Discrepancy.FOREIGN_ORDER,
    symbol="SPY",
    client_order_id=ClientOrderId("x-1"),
    ours="no such order",
    theirs="BUY NEW, 0 shares filled",
)


def a_reconciliation(*differences: Difference, trouble: str = "") -> Reconciliation:
    return Reconciliation(plan_id="plan-1", account="mock", differences=differences, trouble=trouble)


def test_a_difference_is_told_in_one_line() -> None:
    assert str(CASH) == "CASH: ours $1.00, theirs $2.00"
    assert str(ORDER) == "FOREIGN_ORDER SPY x-1: ours no such order, theirs BUY NEW, 0 shares filled"


def test_only_what_somebody_else_does_is_foreign() -> None:
    assert ORDER.is_foreign
    assert not CASH.is_foreign


def test_what_came_of_it_is_told_in_one_line_with_an_exit_code() -> None:
    in_order, different = a_reconciliation(), a_reconciliation(CASH, ORDER)
    not_done = a_reconciliation(trouble="no route")
    assert [one.exit_code for one in (in_order, different, not_done)] == [0, 1, 3]
    assert str(in_order) == "reconciled: the broker's record is what ours is"
    assert str(different) == f"reconciled: the broker's record differs from ours: {CASH}; {ORDER}"
    assert str(not_done) == "not reconciled: no route"
