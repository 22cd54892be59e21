"""What the suites of trouble share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

import pytest

from planfill.application.ports.broker import Broker
from planfill.domain.errors import OutcomeUnknown
from planfill.domain.order import Order
from planfill.domain.report import ExecutionReport
from planfill.testing.cards import BrokerCards
from planfill.testing.troubled_venue import Trouble, TroubledVenue
from planfill.testing.venue import a_new_order

Test = TypeVar("Test", bound=Callable[..., Any])

ANSWERS_LOST: Final = (
    Trouble.ANSWER_504,
    Trouble.RESET,
    Trouble.HANG,
    Trouble.EMPTY_200,
    Trouble.NO_ID,
    Trouble.UNREADABLE,
)
# Of a list, or anything else that has no id which could be missing.
UNLISTED: Final = (
    Trouble.ANSWER_504,
    Trouble.RESET,
    Trouble.HANG,
    Trouble.EMPTY_200,
    Trouble.UNREADABLE,
    Trouble.REFUSED_CONNECTION,
)


def troubled(*troubles: Trouble) -> Callable[[Test], Test]:
    """Run the card once for each of the troubles, as ``trouble``."""
    return pytest.mark.parametrize("trouble", troubles, ids=[trouble.name for trouble in troubles])


class TroubleCards(BrokerCards):
    """Each card is skipped for a trouble that the venue cannot make."""

    resolves = False
    """
    Whether the broker under test learns by itself what became of a request in doubt, and sends again what
    was not placed, as Planfill's wrappers do. An adapter does not: it says what it knows, and no more.
    """

    @pytest.fixture
    @abstractmethod
    def venue(self) -> TroubledVenue:
        """Make the market behind the broker."""

    @pytest.fixture
    @abstractmethod
    def broker(self, venue: TroubledVenue) -> Broker:
        """Make the broker under test, at the venue."""

    @pytest.fixture(autouse=True)
    def _makes(self, request: pytest.FixtureRequest, venue: TroubledVenue) -> None:
        trouble = request.node.callspec.params["trouble"]
        if trouble not in venue.troubles:
            pytest.skip(f"the venue cannot make it: {trouble.name}, {trouble.value}")

    async def place_in_doubt(self, broker: Broker, order: Order) -> None:
        """Place an order of which the broker cannot know whether it was placed."""
        if self.resolves:
            _is_of(await broker.place_order(order), order)
            return
        with pytest.raises(OutcomeUnknown):
            await broker.place_order(order)


async def a_working_order(broker: Broker, venue: TroubledVenue, shares: str = "5") -> Order:
    """Place an order that does not fill by itself."""
    await venue.hold_fills()
    order = a_new_order(venue.symbol, shares, at=venue.clock.now())
    await broker.place_order(order)
    return order


def near(venue: TroubledVenue, report: ExecutionReport) -> bool:
    """Tell whether the average price is the market's, within 5 %."""
    price = report.average_price
    return price is not None and abs(price - venue.price) <= venue.price * Decimal("0.05")


def _is_of(report: ExecutionReport, order: Order) -> None:
    assert (report.client_order_id, report.symbol, report.side) == (
        order.client_order_id,
        order.symbol,
        order.side,
    )
