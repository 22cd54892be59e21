from decimal import Decimal

import pytest
from figures import figures

from planfill.domain.errors import OrderNotInDoubt
from planfill.domain.events import Event, OrderDoubted, OrderNotSent, OrderReported, OrderUnresolved
from planfill.domain.outcome import Reason
from planfill.domain.report import OrderStatus
from planfill.domain.resolution import Canceled, Filled, NeverPlaced, Resolution, resolved
from planfill.domain.state import OrderState
from planfill.domain.values import ClientOrderId, Price, Quantity
from planfill.testing.builders import a_report, a_state, an_order_recorded
from planfill.testing.clock import START

S = OrderStatus
NAME = ClientOrderId("pf-SPY-1")
UNRESOLVED = OrderUnresolved(client_order_id=NAME, reason=Reason.OUTCOME_UNKNOWN, detail="?")


def order_after(*events: Event) -> OrderState:
    return a_state(an_order_recorded(), *events).orders[NAME]


def reported(status: OrderStatus, filled: int, price: int | None = 100) -> OrderReported:
    return OrderReported(report=a_report(None, status, filled, price))


def filled(quantity: int, price: int = 100) -> Filled:
    return Filled(quantity=Quantity(Decimal(quantity)), price=Price(Decimal(price)))


def test_an_order_of_which_nothing_is_known_may_have_filled() -> None:
    report = resolved(order_after(UNRESOLVED), NAME, filled(10, 99), START)
    assert report is not None
    assert figures(report.client_order_id, report.broker_order_id) == (NAME, "told-by-operator")
    assert figures(report.status, report.filled_quantity, report.average_price) == (S.FILLED, 10, 99)
    assert figures(report.symbol, report.side, report.reported_at) == ("SPY", "BUY", START)


def test_a_part_that_filled_is_the_end_of_the_order() -> None:
    report = resolved(order_after(UNRESOLVED), NAME, filled(4), START)
    assert report is not None
    assert figures(report.status, report.filled_quantity) == (S.CANCELED, 4)


@pytest.mark.parametrize(
    ("events", "quantity", "price"),
    [((), 0, None), ((reported(S.NEW, 0),), 0, None), ((reported(S.PARTIALLY_FILLED, 3),), 3, 100)],
    ids=["silent", "new", "part"],
)
def test_a_canceled_order_keeps_what_is_known_to_have_filled(
    events: tuple[Event, ...], quantity: int, price: int | None
) -> None:
    report = resolved(order_after(*events, UNRESOLVED), NAME, Canceled(), START)
    assert report is not None
    assert figures(report.status, report.filled_quantity, report.average_price) == (
        S.CANCELED,
        quantity,
        price,
    )


def test_an_order_that_the_broker_named_keeps_its_name() -> None:
    report = resolved(order_after(reported(S.NEW, 0), UNRESOLVED), NAME, Canceled(), START)
    assert report is not None
    assert report.broker_order_id == a_report().broker_order_id


def test_an_order_of_which_nothing_is_known_may_never_have_been_placed() -> None:
    assert resolved(order_after(UNRESOLVED), NAME, NeverPlaced(), START) is None


def test_an_order_that_is_still_open_may_be_resolved() -> None:
    doubt = OrderDoubted(client_order_id=NAME, reason=Reason.OUTCOME_UNKNOWN, detail="?")
    assert resolved(order_after(doubt), NAME, filled(10), START) is not None


def test_the_price_of_what_filled_may_be_told_where_the_broker_did_not() -> None:
    report = resolved(order_after(reported(S.FILLED, 10, None), UNRESOLVED), NAME, filled(10, 101), START)
    assert report is not None
    assert figures(report.status, report.average_price) == (S.FILLED, 101)


@pytest.mark.parametrize(
    ("events", "resolution", "told"),
    [
        (
            (reported(S.NEW, 0),),
            NeverPlaced(),
            "0 shares of 'pf-SPY-1' filled, at a price that it did not tell",
        ),
        ((reported(S.PARTIALLY_FILLED, 3),), NeverPlaced(), "3 shares of 'pf-SPY-1' filled, at 100"),
        ((reported(S.PARTIALLY_FILLED, 3),), filled(2), "3 shares of 'pf-SPY-1' filled, at 100"),
        (
            (reported(S.PARTIALLY_FILLED, 3, None),),
            Canceled(),
            "3 shares of 'pf-SPY-1' filled, at a price that it did not tell",
        ),
    ],
    ids=["never placed but known", "never placed but filled", "less than known", "canceled but unpriced"],
)
def test_what_the_broker_has_said_is_not_taken_back(
    events: tuple[Event, ...], resolution: Resolution, told: str
) -> None:
    with pytest.raises(OrderNotInDoubt) as caught:
        resolved(order_after(*events, UNRESOLVED), NAME, resolution, START)
    assert str(caught.value) == f"the broker has said that {told}"


@pytest.mark.parametrize(
    "order",
    [
        None,
        order_after(reported(S.FILLED, 10)),
        order_after(OrderNotSent(client_order_id=NAME, reason=Reason.HALTED)),
    ],
    ids=["unknown", "ended", "not sent"],
)
def test_an_order_that_is_not_in_doubt_is_not_resolved(order: OrderState | None) -> None:
    with pytest.raises(OrderNotInDoubt) as caught:
        resolved(order, "pf-x", Canceled(), START)
    assert str(caught.value) == "order 'pf-x' is not in doubt: planfill show tells what became of it"
