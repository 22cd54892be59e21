from __future__ import annotations

import io

import pytest
from rich.console import Console

from planfill.adapters.cli.reconciliation_view import reconciliation_view
from planfill.domain.reconciliation import Difference, Discrepancy, Reconciliation
from planfill.domain.values import ClientOrderId

CASH = Difference(kind=Discrepancy.CASH, ours="$1.00", theirs="$2.00")
FOREIGN = Difference(
    kind=Discrepancy.FOREIGN_ORDER,
    symbol="SPY",
    client_order_id=ClientOrderId("x\x1b[2J-1"),
    ours="no such order",
    theirs="BUY NEW",
)


def drawn(**fields: object) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=120)
    values = {"plan_id": "plan-1", "account": "mock:mock:1", "orders": 2, "positions": 3, **fields}
    console.print(reconciliation_view(Reconciliation.model_validate(values)))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("positions", "told"), [(3, "3 positions"), (None, "no positions: nobody read them before")]
)
def test_what_was_compared_is_told(positions: int | None, told: str) -> None:
    assert drawn(positions=positions) == [f"IN ORDER plan-1 on mock:mock:1: 2 orders, {told}, the cash"]


def test_each_difference_is_a_row_and_steers_no_terminal() -> None:
    assert drawn(differences=(CASH, FOREIGN)) == [
        "DIFFERENT plan-1 on mock:mock:1: 2 orders, 3 positions, the cash",
        "difference symbol order ours theirs",
        "CASH $1.00 $2.00",
        "FOREIGN ORDER SPY x [2J-1 no such order BUY NEW",
    ]


def test_why_nothing_was_compared_is_told() -> None:
    assert drawn(trouble="no\nroute") == ["NOT COMPARED plan-1 on mock:mock:1: no route"]
