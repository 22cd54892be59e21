"""
What may become of an order: a table, which the fold of the events obeys.

What the table does not have cannot happen: a stream that says so was not written by this program, or by one
with a fault.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from planfill.domain import events as ev
from planfill.domain.report import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planfill.domain.report import ExecutionReport


class Phase(StrEnum):
    """Where an order stands, as far as we know."""

    RECORDED = "RECORDED"
    """Durable with us, not sent."""
    DOUBTED = "DOUBTED"
    """Perhaps sent: the broker must be asked."""
    WORKING = "WORKING"
    """The broker has it."""
    ENDED = "ENDED"
    """The broker is done with it."""
    REFUSED = "REFUSED"
    """The broker would not have it."""
    NOT_SENT = "NOT_SENT"
    """It never reached the broker and never will."""
    UNRESOLVED = "UNRESOLVED"
    """Nobody knows; only evidence closes it."""


OPEN: Final = frozenset({Phase.RECORDED, Phase.DOUBTED, Phase.WORKING})


class Happening(StrEnum):
    """What can happen to an order; a report counts as what is known of the order after it."""

    WORKS = "WORKS"
    """Reported: not at its end, or filled at a price that nobody has said yet."""
    ENDS = "ENDS"
    """Reported: at its end, and priced."""
    FAILS = "FAILS"
    """Reported: rejected after it had been taken."""
    REFUSED = "REFUSED"
    NOT_SENT = "NOT_SENT"
    DOUBTED = "DOUBTED"
    GIVEN_UP = "GIVEN_UP"
    """Nobody says what became of it, in this run."""
    REQUOTED = "REQUOTED"
    """It is proved absent, and is sent again."""
    CANCEL_ASKED = "CANCEL_ASKED"
    RESUMED = "RESUMED"
    """Another run takes it up; the broker has spoken of it."""
    RESUMED_UNHEARD = "RESUMED_UNHEARD"
    """Another run takes it up; the broker never spoke of it."""
    PROVED = "PROVED"
    """An operator says how it ended."""
    PROVED_ABSENT = "PROVED_ABSENT"
    """An operator says that the broker never had it."""


_P, _H = Phase, Happening
# A report is believed wherever the order stands.
_TOLD: Final = {_H.WORKS: _P.WORKING, _H.ENDS: _P.ENDED, _H.FAILS: _P.ENDED}

ORDER: Final[Mapping[Phase, Mapping[Happening, Phase]]] = {
    _P.RECORDED: {
        **_TOLD,
        _H.REFUSED: _P.REFUSED,
        _H.NOT_SENT: _P.NOT_SENT,
        _H.DOUBTED: _P.DOUBTED,
        _H.GIVEN_UP: _P.UNRESOLVED,
        _H.CANCEL_ASKED: _P.RECORDED,
        _H.RESUMED_UNHEARD: _P.DOUBTED,
        _H.PROVED: _P.ENDED,
        _H.PROVED_ABSENT: _P.NOT_SENT,
    },
    _P.DOUBTED: {
        **_TOLD,
        _H.REFUSED: _P.REFUSED,
        _H.NOT_SENT: _P.NOT_SENT,
        _H.DOUBTED: _P.DOUBTED,
        _H.GIVEN_UP: _P.UNRESOLVED,
        _H.REQUOTED: _P.RECORDED,
        _H.CANCEL_ASKED: _P.DOUBTED,
        _H.RESUMED_UNHEARD: _P.DOUBTED,
        _H.PROVED: _P.ENDED,
        _H.PROVED_ABSENT: _P.NOT_SENT,
    },
    _P.WORKING: {
        **_TOLD,
        _H.GIVEN_UP: _P.UNRESOLVED,
        _H.CANCEL_ASKED: _P.WORKING,
        _H.RESUMED: _P.WORKING,
        _H.PROVED: _P.ENDED,
    },
    # An end is not undone, except by more filled than the broker had said: the order is followed again.
    _P.ENDED: {**_TOLD, _H.RESUMED: _P.ENDED},
    # The broker may list what it refused; the refusal itself said more.
    _P.REFUSED: {
        **_TOLD,
        _H.FAILS: _P.REFUSED,
        _H.RESUMED: _P.REFUSED,
        _H.RESUMED_UNHEARD: _P.REFUSED,
    },
    _P.NOT_SENT: {**_TOLD, _H.RESUMED_UNHEARD: _P.NOT_SENT},
    _P.UNRESOLVED: {
        **_TOLD,
        _H.RESUMED: _P.WORKING,
        _H.RESUMED_UNHEARD: _P.DOUBTED,
        _H.PROVED: _P.ENDED,
        _H.PROVED_ABSENT: _P.NOT_SENT,
    },
}

HAPPENS: Final[Mapping[type[ev.Event], Happening]] = {
    ev.OrderRefused: _H.REFUSED,
    ev.OrderNotSent: _H.NOT_SENT,
    ev.OrderDoubted: _H.DOUBTED,
    ev.OrderUnresolved: _H.GIVEN_UP,
    ev.OrderRequoted: _H.REQUOTED,
    ev.CancelRequested: _H.CANCEL_ASKED,
}
"""What an event means for its order, where that does not depend on what the order is."""


class Impossible(Exception):
    """What a table does not have."""


def order_after(phase: Phase, happening: Happening) -> Phase:
    """
    Give where an order stands after something happened to it.

    Raises:
        Impossible: That cannot happen to an order that stands there.

    """
    after = ORDER[phase].get(happening)
    if after is None:
        msg = f"{happening} cannot happen to an order that is {phase}"
        raise Impossible(msg)
    return after


def told_by(report: ExecutionReport) -> Happening:
    """Give what a report means for its order: all that is known of it, not only the last word."""
    # A fill without a price is not the end: until it is priced the broker is asked again.
    if not report.is_terminal or not report.is_priced:
        return Happening.WORKS
    return Happening.FAILS if report.status is OrderStatus.REJECTED else Happening.ENDS
