from datetime import timedelta
from decimal import Decimal
from functools import reduce

import pytest
from figures import figures
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from planfill.domain.report import TERMINAL, ExecutionReport, OrderStatus, merge
from planfill.testing.builders import a_report
from planfill.testing.clock import START

S = OrderStatus
# What one order can be reported as: the price is a function of the quantity, as it is at a broker.
REPORTS = st.builds(
    lambda status, filled, priced, fees, at: a_report(
        status=status,
        filled=filled,
        price=100 + filled if priced else None,
        fees_usd=Decimal(filled) / 10 if fees else None,
        reported_at=START + timedelta(seconds=at),
    ),
    st.sampled_from(OrderStatus),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.integers(0, 5),
)
HISTORIES = st.lists(REPORTS, min_size=1, max_size=6)


def folded(reports: list[ExecutionReport]) -> ExecutionReport:
    known = reduce(merge, reports, None)
    assert known is not None
    return known


def standing(report: ExecutionReport) -> int:
    return 2 if report.status is S.FILLED else 1 if report.is_terminal else 0


def knowledge(report: ExecutionReport) -> tuple[object, ...]:
    return (
        report.filled_quantity,
        standing(report),
        report.average_price,
        report.fees_usd,
    )


@given(st.data(), HISTORIES)
def test_reports_in_any_order_end_in_the_same_knowledge(
    data: st.DataObject, reports: list[ExecutionReport]
) -> None:
    shuffled = data.draw(st.permutations(reports))
    assert knowledge(folded(shuffled)) == knowledge(folded(reports))


@given(HISTORIES, st.data())
def test_a_report_heard_twice_changes_nothing(reports: list[ExecutionReport], data: st.DataObject) -> None:
    known = folded(reports)
    assert merge(known, data.draw(st.sampled_from(reports))) is known
    assert merge(known, known) is known


@given(HISTORIES, REPORTS)
def test_what_is_known_is_never_lost(reports: list[ExecutionReport], new: ExecutionReport) -> None:
    known, after = folded(reports), merge(folded(reports), new)
    assert after.filled_quantity == max(known.filled_quantity, new.filled_quantity)
    if after.filled_quantity == known.filled_quantity:
        assert standing(after) >= standing(known)
        assert after.is_priced >= known.is_priced
        assert (after.fees_usd is not None) >= (known.fees_usd is not None)


@given(HISTORIES)
def test_the_price_is_always_that_of_the_quantity(reports: list[ExecutionReport]) -> None:
    known = folded(reports)
    told = {r.average_price for r in reports if r.filled_quantity == known.filled_quantity} - {None}
    assert known.average_price in (told or {None})


def test_the_first_report_is_all_that_is_known() -> None:
    report = a_report()
    assert merge(None, report) is report


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (a_report(status=S.PARTIALLY_FILLED, filled=3), a_report(status=S.CANCELED, filled=2)),
        (a_report(status=S.PARTIALLY_FILLED, filled=3), a_report(status=S.FILLED, filled=2)),
        (a_report(status=S.FILLED, filled=3), a_report(status=S.CANCELED, filled=3)),
        (a_report(status=S.CANCELED, filled=3), a_report(status=S.PARTIALLY_FILLED, filled=3)),
        (a_report(status=S.REJECTED, filled=0), a_report(status=S.NEW, filled=0)),
        (a_report(status=S.DONE_FOR_DAY, filled=0), a_report(status=S.PENDING_CANCEL, filled=0)),
        (a_report(filled=3), a_report(filled=3, price=None)),
        (a_report(fees_usd=Decimal(1)), a_report()),
    ],
    ids=["fill after end", "fill after filled", "filled over end", "end over working", "rejected over new",
         "done for day", "priced over unpriced", "with fees over without"],
)  # fmt: skip
def test_the_report_that_knows_more_stands_whichever_comes_first(
    more: ExecutionReport, less: ExecutionReport
) -> None:
    assert merge(less, more) is more
    assert merge(more, less) is more


def test_of_two_that_know_the_same_the_first_stands() -> None:
    first, second = a_report(status=S.NEW, filled=0), a_report(status=S.PENDING_CANCEL, filled=0)
    assert merge(first, second) is first


def test_a_price_that_was_known_is_not_lost_to_an_end_without_one() -> None:
    working, ended = (
        a_report(status=S.PARTIALLY_FILLED, filled=3),
        a_report(status=S.CANCELED, filled=3, price=None),
    )
    for known in (merge(working, ended), merge(ended, working)):
        assert figures(known.status, known.filled_quantity, known.average_price) == (S.CANCELED, 3, 100)


def test_the_price_of_another_quantity_is_not_taken_over() -> None:
    known = merge(
        a_report(status=S.PARTIALLY_FILLED, filled=2), a_report(status=S.CANCELED, filled=3, price=None)
    )
    assert known.average_price is None
    assert not known.is_priced


def test_fees_that_were_known_are_not_lost_to_an_end_without_them() -> None:
    working = a_report(status=S.PARTIALLY_FILLED, filled=3, fees_usd=Decimal("0.10"))
    ended = a_report(status=S.CANCELED, filled=3, price=101)
    known = merge(working, ended)
    assert figures(known.average_price, known.fees_usd) == (101, Decimal("0.10"))


def test_these_states_of_an_order_are_its_end() -> None:
    assert {S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.DONE_FOR_DAY} == TERMINAL


@pytest.mark.parametrize("status", OrderStatus)
def test_a_report_is_terminal_where_its_status_is(status: OrderStatus) -> None:
    assert a_report(status=status).is_terminal is (status in TERMINAL)


def test_a_fill_without_a_price_is_not_priced_and_nothing_needs_no_price() -> None:
    assert not a_report(filled=1, price=None).is_priced
    assert a_report(filled=0, price=None).is_priced
    assert a_report(filled=1, price=100).is_priced


@pytest.mark.parametrize(
    "changed",
    [{"broker_order_id": ""}, {"filled_quantity": "-1"}, {"average_price": "0"}, {"status": "filled"}],
    ids=str,
)
def test_a_report_without_an_id_or_with_impossible_figures_cannot_be_made(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ExecutionReport.model_validate(a_report().model_dump(mode="json") | changed, strict=False)
