"""What goes wrong on the wire, each case by its name: which error it is, what was sent, what is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
from alpaca_server import Fault
from alpaca_venue import AlpacaVenue

from planfill.application.ports.brokerage import Brokerage
from planfill.domain import errors as err
from planfill.domain.report import OrderStatus
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import an_order

# The order is at Alpaca, and nobody was told so.
LANDED: Final = [
    pytest.param(Fault.ANSWER_504, id="504, JSON"),
    pytest.param(Fault.ANSWER_500, id="500, JSON"),
    pytest.param(Fault.ANSWER_504_HTML, id="504, HTML"),
    pytest.param(Fault.ANSWER_502_HTML, id="502, HTML"),
    pytest.param(Fault.ANSWER_500_EMPTY, id="500, empty"),
    pytest.param(Fault.EMPTY_200, id="200, empty"),
    pytest.param(Fault.EMPTY_204, id="204"),
    pytest.param(Fault.MOVED, id="301, empty"),
    pytest.param(Fault.UNREADABLE, id="200, HTML"),
    pytest.param(Fault.MOVED_HTML, id="302, HTML"),
    pytest.param(Fault.MISSING_ID, id="200, id missing"),
    pytest.param(Fault.NO_ID, id="200, id null"),
    pytest.param(Fault.ERROR_200, id="200, error object"),
    pytest.param(Fault.RESET, id="connection dropped after the order"),
    pytest.param(Fault.HANG, id="no answer"),
]
# There is no order at Alpaca.
NOT_THERE: Final = [
    pytest.param(Fault.LOST_REQUEST, err.OutcomeUnknown, id="connection dropped before the order"),
    pytest.param(Fault.UNAVAILABLE, err.OutcomeUnknown, id="503, JSON"),
    pytest.param(Fault.FORBIDDEN, err.NotAuthorizedError, id="403 without a code"),
    pytest.param(Fault.RATE_LIMITED, err.RateLimited, id="429"),
    pytest.param(Fault.RATE_LIMITED_BARE, err.RateLimited, id="429 without headers"),
]
NAME: Final = ClientOrderId("pf-wire")


@pytest.fixture
def venue() -> Iterator[AlpacaVenue]:
    with AlpacaVenue() as venue:
        yield venue


@pytest.fixture
async def family(venue: AlpacaVenue) -> AsyncIterator[Brokerage]:
    family = venue.family()
    yield family
    assert family.close is not None
    await family.close()


@pytest.mark.parametrize("fault", LANDED)
async def test_what_does_not_say_no_is_in_doubt_sent_once_and_found_afterwards(
    venue: AlpacaVenue, family: Brokerage, fault: Fault
) -> None:
    venue.server.faults.once("place", fault)
    with pytest.raises(err.OutcomeUnknown) as caught:
        await family.broker.place_order(an_order(symbol="SPY", client_order_id=NAME))
    assert type(caught.value) is err.OutcomeUnknown
    assert venue.server.count("place") == 1
    found = await family.broker.get_order_status(NAME)
    assert (found.client_order_id, found.symbol) == (NAME, "SPY")
    assert await venue.orders_named(NAME) == 1
    assert venue.server.count("place") == 1


@pytest.mark.parametrize(("fault", "kind"), NOT_THERE)
async def test_what_had_no_effect_is_sent_once_and_not_found(
    venue: AlpacaVenue, family: Brokerage, fault: Fault, kind: type[err.ExecutionError]
) -> None:
    venue.server.faults.once("place", fault)
    with pytest.raises(kind) as caught:
        await family.broker.place_order(an_order(symbol="SPY", client_order_id=NAME))
    assert type(caught.value) is kind
    assert venue.server.count("place") == 1
    assert await venue.orders_named(NAME) == 0


@pytest.mark.parametrize(
    ("terms", "kind", "status"),
    [
        pytest.param({"quantity": 999_999}, err.InsufficientFundsError, 403, id="403, JSON"),
        pytest.param({"symbol": "NOSUCH"}, err.NotTradableError, 422, id="422, JSON"),
        pytest.param(
            {"symbol": "NVR", "quantity": "1.5"}, err.NotFractionableError, 403, id="403, other text"
        ),
    ],
)
async def test_a_refusal_is_the_error_that_its_text_says_with_the_answer_as_it_came(
    venue: AlpacaVenue, family: Brokerage, terms: dict[str, Any], kind: type[err.OrderRejected], status: int
) -> None:
    with pytest.raises(kind) as caught:
        await family.broker.place_order(an_order(**({"symbol": "SPY", "client_order_id": NAME} | terms)))
    assert [seen.status for seen in venue.server.requests if seen.kind == "place"] == [status]
    assert caught.value.raw.startswith('{"')
    with pytest.raises(err.OrderNotFound):
        await family.broker.get_order_status(NAME)


async def test_wrong_keys_are_said_to_be_wrong(venue: AlpacaVenue, family: Brokerage) -> None:
    venue.server.secret = "another"  # noqa: S105 - it opens nothing
    with pytest.raises(err.NotAuthorizedError):
        await family.broker.place_order(an_order(symbol="SPY", client_order_id=NAME))
    assert await venue.orders_named(NAME) == 0


async def test_an_unknown_status_is_an_order_of_which_nothing_else_is_known(
    venue: AlpacaVenue, family: Brokerage
) -> None:
    venue.server.faults.once("place", Fault.FUTURE_STATUS)
    report = await family.broker.place_order(an_order(symbol="SPY", client_order_id=NAME))
    assert report.status is OrderStatus.UNKNOWN
    assert venue.server.count("place") == 1
    assert (await family.broker.get_order_status(NAME)).broker_order_id == report.broker_order_id


async def test_a_refused_connection_is_nothing_sent(venue: AlpacaVenue, family: Brokerage) -> None:
    venue.server.refuse_connections()
    with pytest.raises(err.BrokerUnavailable) as caught:
        await family.broker.place_order(an_order(symbol="SPY", client_order_id=NAME))
    assert type(caught.value) is err.BrokerUnavailable
    venue.server.accept_connections()
    assert venue.server.count("place") == 0
    with pytest.raises(err.OrderNotFound):
        await family.broker.get_order_status(NAME)


async def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(
    venue: AlpacaVenue, family: Brokerage
) -> None:
    await family.hours.get_session()
    venue.server.refuse_connections()
    venue.server.accept_connections()
    await family.broker.place_order(an_order(symbol="SPY", client_order_id=NAME))
    assert venue.server.count("place") == 1


async def test_an_order_sent_again_after_a_doubt_is_the_same_order(
    venue: AlpacaVenue, family: Brokerage
) -> None:
    order = an_order(symbol="SPY", client_order_id=NAME)
    venue.server.faults.once("place", Fault.ANSWER_504)
    with pytest.raises(err.OutcomeUnknown):
        await family.broker.place_order(order)
    report = await family.broker.place_order(order)
    assert [seen.status for seen in venue.server.requests if seen.kind == "place"] == [504, 422]
    assert await venue.orders_named(NAME) == 1
    assert report.client_order_id == NAME
