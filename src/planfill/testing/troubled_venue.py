"""A venue that makes trouble when it is told to, and the troubles that it can make."""

from __future__ import annotations

from abc import abstractmethod
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from planfill.testing.venue import Venue

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from planfill.domain.values import ClientOrderId


class Request(Enum):
    """What a trouble befalls: whatever an adapter asks of the broker for a method of a port."""

    PLACE = "place_order"
    ASK = "get_order_status"
    CANCEL = "cancel_order"
    LIST_ORDERS = "list_orders"
    LIST_FILLS = "list_fills"
    PRICES = "get_current_prices"
    INSTRUMENTS = "get_instruments"
    SESSION = "get_session"
    ACCOUNT = "get_account"
    SELLABLE = "get_sellable"
    POSITIONS = "get_positions"


class Trouble(Enum):
    """A trouble by its name, and as its value what the venue does then."""

    ANSWER_504 = "the request has its effect, and is answered with 504"
    RESET = "the request has its effect, and the connection is reset before the answer"
    HANG = "the request has its effect, and no answer comes within the adapter's time-out"
    EMPTY_200 = "the request has its effect, and is answered with 200 and an empty body"
    NO_ID = "the request has its effect, and the order in the answer has no id"
    UNREADABLE = "the request has its effect, and the answer is none of the API's, such as HTML"
    LOST_REQUEST = "the connection is reset after sending; the request never arrives"
    REFUSED_CONNECTION = "nobody listens: the request was certainly not sent"
    RATE_LIMITED = "the request is refused for its rate (429), without an effect"
    DELIVERED_LATE = "the connection is reset; the request arrives up to 5 seconds later"
    DELIVERED_TWICE = "the request arrives twice, within a second"
    NOT_VISIBLE = "look-ups miss the order that is placed, for up to 5 seconds"
    FILLED_BEFORE_ANSWER = "the order may have filled, and is shown as it was before its first fill"
    LATE_FILL = "the order is shown as it ended, without its fills"
    UNPRICED = "what has filled is shown without a price"
    FUTURE_STATUS = "the order is shown with a status that nobody knows yet"
    CANCEL_IGNORED = "the cancel is accepted, and changes nothing"
    FILL_DURING_CANCEL = "the order fills before the cancel takes effect"
    PARTIAL_FILL_DURING_CANCEL = "one share of the order fills before the cancel takes effect"
    FEED_SILENT = "the stream stays open, and says nothing"
    FEED_REPEATS = "messages of the stream come twice"
    FEED_REORDERS = "two messages of the stream change places"
    FEED_LOSES = "a message of the stream is lost"
    FEED_DROPS = "the stream breaks, and is back within 5 seconds"
    FEED_REFUSED = "the stream breaks, and its next connection is refused for up to 5 seconds"
    FEED_UNREADABLE = "a message of the stream is none of the API's"


class TroubledVenue(Venue, Protocol):
    """
    A venue whose answers can be made to go wrong, one by one.

    ``troubles`` are those that it can make; the cards of the others are skipped. Seconds are those of its
    clock.
    """

    troubles: AbstractSet[Trouble]
    future_status: str
    """The status that it shows for ``FUTURE_STATUS``, as the broker would spell it."""

    @abstractmethod
    async def make(
        self, trouble: Trouble, request: Request = Request.PLACE, *, lasting: bool = False
    ) -> None:
        """
        Let the trouble befall the next such request; or (``lasting``) each, until ``recover``.

        Troubles of different requests can be ahead at the same time.

        A trouble of the feed begins at once, and befalls what the stream would say next.
        """

    @abstractmethod
    async def recover(self) -> None:
        """Let all go well from now on."""

    @abstractmethod
    async def orders_named(self, client_order_id: ClientOrderId) -> int:
        """Count the orders that the broker has accepted under a name, whatever its look-ups show."""
