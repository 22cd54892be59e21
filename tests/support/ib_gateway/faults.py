"""What goes wrong, and when: told request by request."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from local_broker import GoingWrong


class Fault(StrEnum):
    """One thing that goes wrong with a request, with the order in it, or with what is told unasked."""

    # The request has its effect, and the answer is not what it should be.
    CONNECTIVITY = "1100 instead of an answer: the gateway loses Interactive Brokers for a while"
    RESET = "the connection breaks"
    HANG = "no answer ever comes"
    EMPTY = "the answer is a message without fields"
    UNREADABLE = "the answer is none of the API's"
    NO_ID = "the order is shown with permId 0; nothing more is said unasked of one just placed"
    FUTURE_STATUS = "the order is shown with a status that nobody knows; then as above"
    NOT_TOLD = "the order is acknowledged, and nothing more is said of it unasked"
    LATE_FILL = "the order is shown as it ended, without its executions"
    UNPRICED = "the executions are missing, and the order is shown without a price"
    DELIVERED_TWICE = "the request arrives a second time, too"
    # The request has no effect.
    LOST_REQUEST = "the connection breaks before the request is read"
    # The request has its effect later.
    PACED = "the request is held back for its rate, and then taken and answered"
    DELIVERED_LATE = "the connection breaks, and the request is taken a while later"
    # What becomes of the order.
    NOT_VISIBLE = "lists miss the order for a while"
    LATE_COMMISSION = "no commission is reported yet"
    # What becomes of a cancel.
    CANCEL_IGNORED = "the cancel is pending, and nothing happens"
    FILL_DURING_CANCEL = "the order fills before the cancel"
    PARTIAL_FILL_DURING_CANCEL = "a share fills before the cancel"
    # What is told unasked.
    FEED_SILENT = "nothing is told"
    FEED_LOSES = "a message is lost"
    FEED_REPEATS = "a message comes twice"
    FEED_REORDERS = "two messages change places"
    FEED_HESITATES = "a moment passes between an open order and its status"
    FEED_UNREADABLE = "a message is none of the API's"


UNANSWERED: Final = frozenset(
    {Fault.CONNECTIVITY, Fault.RESET, Fault.HANG, Fault.EMPTY, Fault.UNREADABLE}
)  # fmt: skip
FUTURE_STATUS: Final = "PendingTeleport"


class Faults(GoingWrong[Fault, str]):
    """
    The faults to come, by the kind of the request: ``place``, ``cancel``, ``open_orders``, ``contracts``, ...

    The kind ``told`` is what is told unasked.
    """
